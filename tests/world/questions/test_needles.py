"""Needles: where the truth says they are, only what is asked for missing in the empty ones, and texts of any length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from onward.world import Record, World
from onward.world.grading import is_right, names_in
from onward.world.questions.needles import DEPTHS, UNSAID, is_held_out, needles, thread
from onward.world.words import words

DOCUMENTS, TESTS, LENGTH = 160, 80, 120


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(needles(World(1, people=30), LENGTH, DOCUMENTS, TESTS))


def parts(record: Record) -> tuple[str, str, str]:
    """Text, question, reply."""
    assert record.messages is not None
    text, question = record.messages[0]["content"].split("\n\n")
    return text, question, record.messages[1]["content"]


def test_each_needle_stands_at_its_position_and_its_depth(records: list[Record]) -> None:
    for record in records:
        text, _, _ = parts(record)
        for needle in record.truth["needles"]:
            rest = text[needle["position"] :]
            sentence = rest[: rest.index(".") + 1].lower()
            assert needle["key"] in sentence
            assert needle["value"] in names_in(sentence.replace(needle["key"], ""), words("things.object"))
            if record.truth["layout"] != "needles":
                before = text[: needle["position"]].count(" ")
                others = sum(15 for other in record.truth["needles"] if other["position"] < needle["position"])
                assert needle["depth"] * LENGTH <= before <= needle["depth"] * LENGTH + 15 + others


def test_what_is_asked_for_is_in_the_text_or_not_as_the_layout_says(records: list[Record]) -> None:
    for record in records:
        text, question, reply = parts(record)
        for key in record.truth["asked"]:
            assert key in question
            assert key in reply.lower()
            assert (key in text.lower()) == (record.truth["layout"] != "empty")
        assert (UNSAID in reply) == (record.truth["layout"] == "empty")
        asked = {needle["key"] for needle in record.truth["needles"] if needle["asked"]}
        assert asked == (set() if record.truth["layout"] == "empty" else set(record.truth["asked"]))


def test_the_reply_says_all_that_the_asked_needles_say_and_nothing_else(records: list[Record]) -> None:
    for record in records:
        _, _, reply = parts(record)
        values = {needle["value"] for needle in record.truth["needles"] if needle["asked"]}
        assert names_in(reply, words("things.object")) == values
        for key in record.truth["asked"] if values else []:
            clause = re.split(r", and (?=the )", reply.lower())[record.truth["asked"].index(key)]
            own = {n["value"] for n in record.truth["needles"] if n["key"] == key}
            assert names_in(clause, words("things.object")) == own


def test_a_text_of_needles_has_nothing_else(records: list[Record]) -> None:
    for record in records:
        text, _, _ = parts(record)
        if record.truth["layout"] == "needles":
            assert text.count(".") == len(record.truth["needles"])
        else:
            assert LENGTH <= len(text.split()) <= LENGTH + 15 * (1 + len(record.truth["needles"]))


def test_replies_are_graded_as_right_and_those_to_other_texts_as_wrong(records: list[Record]) -> None:
    for one, two in zip(records, records[4:], strict=False):
        assert is_right(parts(one)[2], one.truth)
        if not set(one.truth["accept"]) & set(two.truth["accept"]):
            assert not is_right(parts(two)[2], one.truth)


def test_two_things_are_wrong_if_one_is_missing_and_two_containers_if_exchanged(records: list[Record]) -> None:
    for record in records:
        values = [needle["value"] for needle in record.truth["needles"] if needle["asked"]]
        if record.truth["form"] == "values" and values:
            assert not is_right(f"It contains a {values[0]}.", record.truth)
            assert is_right(f"{values[1]} and {values[0]}", record.truth)
        if record.truth["form"] in ("single", "keys") and values:
            assert is_right(values[0], record.truth)
        if record.truth["form"] == "queries" and values:
            one, two = record.truth["asked"]
            assert not is_right(f"{one} contains a {values[1]}, and {two} contains a {values[0]}.", record.truth)


def test_forms_layouts_and_depths_come_in_equal_amounts_and_no_answer_is_frequent(records: list[Record]) -> None:
    trained = [record for record in records if record.split == "train"]
    assert set(Counter(record.truth["form"] for record in trained).values()) == {DOCUMENTS // 4}
    assert Counter(record.truth["layout"] for record in trained)["whole"] == DOCUMENTS // 2
    depths = [next((n["depth"] for n in r.truth["needles"] if n["asked"]), None) for r in trained]
    assert {depth: depths.count(depth) for depth in DEPTHS} == dict.fromkeys(DEPTHS, DOCUMENTS * 3 // 4 // len(DEPTHS))
    most = Counter(record.truth["answer"] for record in trained if record.truth["layout"] != "empty").most_common(1)
    assert most[0][1] < 0.15 * DOCUMENTS


def test_no_combination_of_room_container_and_thing_is_in_training_and_in_tests_of_content(
    records: list[Record],
) -> None:
    for record in records:
        for needle in record.truth["needles"]:
            match = re.fullmatch("the (.+) in the (.+)", needle["key"])
            assert match
            assert is_held_out(match[2], match[1], needle["value"]) == (record.split in ("content", "both"))


def test_a_text_of_a_hundred_thousand_words_is_written_sentence_by_sentence() -> None:
    """No more of the haystack is taken than is written, and the needles lie where they should."""
    taken = 0

    def hay() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "One two three four five."

    length, depths = 100_000, (0.9, 0.0, 0.5, 1.0)
    found = {}
    for sentence, number in thread(hay(), [(depth, f"Needle {depth}.") for depth in depths], length):
        if number is not None:
            assert sentence == f"Needle {depths[number]}."
            found[depths[number]] = 5 * taken
    assert found == {depth: depth * length for depth in sorted(depths)}
    assert 5 * taken == length


def test_length_is_a_parameter() -> None:
    record = next(record for record in needles(World(1, people=30), 3000, 4, 0) if record.truth["form"] == "keys")
    text, _, reply = parts(record)
    assert 3000 <= len(text.split()) < 3060
    assert is_right(reply, record.truth)


def test_the_same_seed_gives_the_same_bytes(records: list[Record]) -> None:
    assert [r.line(0) for r in needles(World(1, people=30), LENGTH, DOCUMENTS, TESTS)] == [r.line(0) for r in records]
