"""Winograd pairs: both sides of each, one word apart, with opposite answers, and nothing to be had from order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from onward.world import Record, World
from onward.world.grading import is_right, names_in
from onward.world.minds.winograd import schemata, winograd


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(winograd(World(2, people=30), 4, 2))


def content(record: Record) -> str:
    assert record.messages is not None
    return record.messages[0]["content"]


def test_there_are_at_least_forty_schemata_about_people_and_about_things() -> None:
    found = schemata()
    assert len(found) >= 40
    assert len({schema.text for schema in found}) == len(found)
    assert min(Counter(bool(schema.a) for schema in found).values()) >= 10


def test_of_every_pair_both_sides_exist_and_differ_in_one_word_and_in_the_answer(records: list[Record]) -> None:
    pairs = defaultdict(list)
    for record in records:
        pairs[record.truth["pair"]].append(record)
    for one, two in pairs.values():
        words = [re.findall(r"\w+", content(record)) for record in (one, two)]
        changed = {pair for pair in zip(*words, strict=True) if pair[0] != pair[1]}
        assert changed == {(one.truth["word"], two.truth["word"])}
        assert {one.truth["answer"], two.truth["answer"]} == set(one.truth["options"]) == set(two.truth["options"])
        assert one.truth["options"] == two.truth["options"]


def test_the_first_word_of_a_schema_means_whoever_is_named_first(records: list[Record]) -> None:
    """How the data file is written, so that a schema with its words in the wrong order is seen at once in the samples."""
    for record in records:
        schema = next(schema for schema in schemata() if schema.name == record.truth["schema"])
        sentence = content(record).split(".")[0]
        in_order = sorted(record.truth["options"], key=sentence.index)
        assert record.truth["answer"] == in_order[schema.words.index(record.truth["word"])]


def test_to_name_the_first_or_the_last_candidate_is_right_in_half(records: list[Record]) -> None:
    for place in (0, -1):
        right = 0
        for record in records:
            asked = content(record).split(". ")[-1]
            options = sorted(
                record.truth["options"],
                key=lambda one: (asked + content(record)).index(one),
            )
            right += options[place] == record.truth["answer"]
        assert right == len(records) / 2


def test_candidates_are_named_in_both_orders_equally_often(records: list[Record]) -> None:
    first = Counter()
    for record in records:
        sentence, asked = content(record).split(". ", 1)
        options = record.truth["options"]
        if len(names_in(asked, options)) == 2:
            first[
                sentence.index(options[0]) < sentence.index(options[1]),
                asked.index(options[0]) < asked.index(options[1]),
            ] += 1
    assert len(first) == 2
    assert min(first.values()) > 0.4 * sum(first.values())


def test_every_reply_is_graded_as_right_and_that_of_the_other_side_as_wrong(records: list[Record]) -> None:
    for one, two in zip(records[::2], records[1::2], strict=True):
        assert one.messages is not None
        assert one.truth["pair"] == two.truth["pair"]
        assert is_right(one.messages[1]["content"], one.truth)
        assert not is_right(one.messages[1]["content"], two.truth)


def test_schemata_of_training_are_none_of_the_tests_of_content(records: list[Record]) -> None:
    found = defaultdict(set)
    for record in records:
        found[record.split].add(record.truth["schema"])
    assert found["train"] == found["phrasing"]
    assert found["content"] == found["both"]
    assert len(found["train"]) == 4 * len(found["content"])
    assert not found["train"] & found["content"]


def test_the_same_seed_gives_the_same_bytes(records: list[Record]) -> None:
    assert [r.line(0) for r in winograd(World(2, people=60), 4, 2)] == [r.line(0) for r in records]
    assert next(winograd(World(5, people=30))).line(0) != records[0].line(0)
