"""Counts are right, by counting the question itself; words are held out; nothing else gives the count away."""

from __future__ import annotations

import re
from collections import Counter

from exercises import best_guess, held_out, majority, question, reply, some, trained, working
from onward.world import Record
from onward.world.exercises import counting
from onward.world.words import words

RECORDS = some(counting, amount=2400, tests=200)
PLURALS = {"animals": "animal", "drinks": "drink", "jobs": "job", "hobbies": "hobby", "colours": "colour"} | {
    "rooms": "things.room"
}


def quoted(record: Record) -> str:
    found = re.search('"(.+?)"', question(record))
    assert found
    return found[1]


def items(record: Record) -> list[str]:
    """Of the list in the question: it is the only thing there that has commas, and stands after a colon."""
    found = re.search(r": ([a-z ]+(?:, [a-z ]+)+)[.?]", question(record))
    assert found, question(record)
    return found[1].split(", ")


def recounted(record: Record) -> int:
    task = record.truth["task"]
    if task == "letters":
        return len(quoted(record))
    if task == "letter":
        return quoted(record).count(record.truth["letter"])
    if task == "sentence":
        return len(re.findall(r"[\w'-]+", quoted(record)))
    if task == "list":
        return len(items(record))
    if task == "same":
        return Counter(items(record))[record.truth["thing"]]
    named = next(plural for plural in PLURALS if re.search(rf"\b{plural}\b", question(record)))
    return sum(item in words(PLURALS[named]) for item in items(record))


def test_answers_are_what_one_counts_in_the_question() -> None:
    for record in RECORDS:
        assert recounted(record) == int(record.truth["answer"]), question(record)


def test_the_working_goes_through_everything_and_ends_at_the_answer() -> None:
    for record in RECORDS:
        if record.truth["shown"]:
            (line,) = working(record)
            assert [part.rpartition(" ")[0] for part in line.split(", ")] == [
                item.strip(",:") for item in record.truth["items"]
            ], reply(record)
            assert line.endswith(f" {record.truth['answer']}")


def test_no_category_has_a_word_of_another() -> None:
    lists = [word for name in PLURALS.values() for word in words(name)]
    assert len(lists) == len(set(lists))


def test_words_of_content_tests_are_never_counted_in_training() -> None:
    for task in ("letters", "letter"):
        seen = {quoted(r) for r in trained(RECORDS) if r.truth["task"] == task}
        tested = {quoted(r) for r in held_out(RECORDS, "content") if r.truth["task"] == task}
        assert tested
        assert not tested & seen
    for task in ("list", "same", "category"):
        seen = {item for r in trained(RECORDS) if r.truth["task"] == task for item in items(r)}
        tested = {item for r in held_out(RECORDS, "content") if r.truth["task"] == task for item in items(r)}
        assert tested
        assert not tested & seen


def test_longer_things_are_longer_than_all_that_are_trained() -> None:
    for task in ("list", "same", "category", "letters", "letter", "sentence"):
        longest = max(len(r.truth["items"]) for r in trained(RECORDS) if r.truth["task"] == task)
        tested = [len(r.truth["items"]) for r in held_out(RECORDS, "length") if r.truth["task"] == task]
        assert tested
        assert min(tested) > longest


def test_the_likeliest_answer_is_hardly_likelier_than_chance() -> None:
    for task in ("list", "same", "category", "letters", "letter", "sentence"):
        found = [r for r in trained(RECORDS) if r.truth["task"] == task]
        assert majority(r.truth["answer"] for r in found) < found[0].truth["chance"] + 0.06, task


def test_the_length_of_a_list_and_the_letter_asked_for_say_nothing_about_the_answer() -> None:
    for task in ("same", "category"):
        pairs = [(len(r.truth["items"]), r.truth["answer"]) for r in trained(RECORDS) if r.truth["task"] == task]
        assert best_guess(pairs) < 0.25 + 0.1
    pairs = [(r.truth["letter"], r.truth["answer"]) for r in trained(RECORDS) if r.truth["task"] == "letter"]
    assert best_guess(pairs) < 1 / 3 + 0.12
