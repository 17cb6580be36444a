"""Letter tasks are right, from the word in the question; words are held out; no letter is a good guess."""

from __future__ import annotations

import re

from exercises import held_out, majority, question, some, trained, working
from onward.world import Record
from onward.world.exercises import spelling, vocabulary
from onward.world.exercises.exercise import TRAINED, Wanted

RECORDS = some(spelling, amount=2400, tests=200)
PLACES = {"second": 1, "third": 2, "fourth": 3, "fifth": 4}


def solved(record: Record) -> str:
    """From the question alone."""
    asked = question(record)
    if record.truth["task"] == "order":
        found = re.search(r"[a-z]+(, [a-z]+){2,}", asked)
        assert found
        return ", ".join(sorted(found[0].split(", ")))
    quoted = re.search('"([a-z]+)"', asked)
    assert quoted
    word = quoted[1]
    answers = {"first": word[0], "last": word[-1], "spelled": " ".join(word), "reversed": "".join(reversed(word))}
    if record.truth["task"] == "nth":
        return word[next(place for name, place in PLACES.items() if name in asked)]
    return answers[record.truth["task"]]


def test_answers_are_right() -> None:
    for record in RECORDS:
        assert solved(record) == record.truth["answer"], question(record)


def test_the_working_spells_what_is_asked_about() -> None:
    for record in RECORDS:
        lines = working(record)
        if lines and record.truth["task"] in ("first", "last", "reversed"):
            assert lines[0].replace(" ", "") == record.truth["words"][0]
        if lines and record.truth["task"] == "order":
            assert lines[1].split() == sorted(word[0] for word in record.truth["words"])
        if lines and record.truth["task"] == "nth":
            assert lines[0].split(", ")[-1].split()[0] == record.truth["answer"]


def test_words_of_content_tests_are_never_asked_about_in_training() -> None:
    seen = {word for r in trained(RECORDS) for word in r.truth["words"]}
    tested = {word for r in held_out(RECORDS, "content") for word in r.truth["words"]}
    assert len(tested) > 60
    assert not tested & seen


def test_longer_words_and_lists_are_longer_than_all_that_are_trained() -> None:
    for record in RECORDS:
        size = len(record.truth["words"])
        longer = size > 4 if record.truth["task"] == "order" else len(record.truth["words"][0]) > vocabulary.LONGEST
        assert longer == (record.truth["held_out"] == ["length"]), question(record)


def test_no_letter_is_much_likelier_than_chance() -> None:
    for task in ("first", "last", "nth"):
        found = [r for r in trained(RECORDS) if r.truth["task"] == task]
        assert majority(r.truth["answer"] for r in found) < 0.14, task
        assert all(r.truth["chance"] < 0.1 for r in found)


def test_words_to_be_sorted_are_not_sorted_more_often_than_by_chance() -> None:
    found = [r for r in trained(RECORDS) if r.truth["task"] == "order"]
    already = sum(r.truth["words"] == sorted(r.truth["words"]) for r in found) / len(found)
    assert abs(already - sum(r.truth["chance"] for r in found) / len(found)) < 0.05


def test_the_vocabulary_is_of_plain_words_and_a_fifth_of_the_short_ones_are_held_out() -> None:
    assert all(re.fullmatch("[a-z]{3,}", word) for word in vocabulary.all_words())
    kept, held = len(vocabulary.vocabulary(TRAINED)), len(vocabulary.vocabulary(Wanted(content=True)))
    assert 0.15 < held / (kept + held) < 0.28
