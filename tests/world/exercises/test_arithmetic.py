"""Arithmetic is right, by Python's own, from the numbers in the text; pairs are held out everywhere; no answer is a good guess."""

from __future__ import annotations

import re

from exercises import held_out, majority, question, some, trained, working
from onward.world import Record, World
from onward.world.exercises import arithmetic, sheets
from onward.world.population import People

SUM = re.compile(r"(\d+) ([-+x]) (\d+) = (\d+)")
RECORDS = some(arithmetic, amount=2000, tests=150)


def value(a: int, sign: str, b: int) -> int:
    return {"+": a + b, "-": a - b, "x": a * b}[sign]


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"\d+", text)]


def recomputed(record: Record) -> int:
    """The answer, from the numbers in the question and what kind of question it is."""
    task, found = record.truth["task"], numbers(question(record))
    if task in ("plus", "minus", "times"):
        a, b = found if not re.search(r" from \d| away from|add \d+ to", question(record)) else found[::-1]
        return value(a, {"plus": "+", "minus": "-", "times": "x"}[task], b)
    first, *rest = record.truth["parts"]
    total = found.pop(0) * found.pop(0) if first == "groups" else found.pop(0)
    signs = {"gain": 1, "more": 1, "loss": -1, "fewer": -1}
    changed = total
    for part in rest:
        changed += signs[part] * found.pop(0)
    assert not found
    return total + changed if task == "together" else changed


def test_answers_are_what_the_numbers_in_the_question_come_to() -> None:
    for record in RECORDS:
        assert recomputed(record) == int(record.truth["answer"]), question(record)


def test_every_line_of_the_working_is_right_and_the_last_one_gives_the_answer() -> None:
    for record in RECORDS:
        lines = working(record)
        for line in lines:
            if found := SUM.fullmatch(line):
                a, sign, b, result = found.groups()
                assert value(int(a), sign, int(b)) == int(result), line
            else:
                counted = numbers(line)
                assert counted == [counted[0] * n for n in range(1, len(counted) + 1)], line
        assert not lines or numbers(lines[-1])[-1] == int(record.truth["answer"])


def test_steps_are_those_of_the_working_of_word_problems() -> None:
    for record in RECORDS:
        if record.truth["task"] in ("changes", "together") and record.truth["shown"]:
            assert working(record) == ["{} {} {} = {}".format(*step) for step in record.truth["steps"]]
            assert len(record.truth["steps"]) == 2


def family(a: int, sign: str, b: int, result: int) -> tuple[str, int, int]:
    """What is held out together: a sum with the differences that undo it; a product."""
    pair = (a, b) if sign in "+x" else (b, result)
    return "x" if sign == "x" else "+", min(pair), max(pair)


def test_no_held_out_pair_is_in_any_training_text_even_in_the_working_of_others() -> None:
    tests = held_out(RECORDS, "content")
    kept = [[step for step in r.truth["steps"] if arithmetic.Step(*step).held_out] for r in tests]
    assert all(kept)
    never = {family(*step) for steps in kept for step in steps}
    assert len(never) > 80
    world = World(0, people=40)
    told = [record.text or "" for record, _ in zip(sheets.sheets(world), range(200), strict=False)]
    trained_texts = ["\n".join([question(r), *working(r)]) for r in trained(RECORDS)] + told
    seen = {(int(a), sign, int(b), int(c)) for text in trained_texts for a, sign, b, c in SUM.findall(text)}
    seen |= {tuple(step) for record in trained(RECORDS) for step in record.truth["steps"]}
    assert len(seen) > 1000
    assert not never & {family(*step) for step in seen}


def test_about_a_fifth_of_the_pairs_that_may_be_held_out_are() -> None:
    sums = [arithmetic.Step(a, "+", b, a + b) for a in range(11, 60) for b in range(11, 60) if a % 10 and b % 10]
    assert 0.17 < sum(step.held_out for step in sums) / len(sums) < 0.23
    for a, sign, b, result in sums:
        undone = arithmetic.Step(result, "-", b, a)
        assert undone.held_out == arithmetic.Step(b, sign, a, result).held_out


def test_trained_numbers_are_below_a_hundred_and_longer_ones_are_not() -> None:
    for record in RECORDS:
        largest = max(max(a, b, result) for a, _, b, result in record.truth["steps"])
        assert (largest > 99) == (record.truth["held_out"] == ["length"]), question(record)


def test_no_answer_is_much_likelier_than_chance() -> None:
    for task in ("plus", "minus", "times", "changes", "together"):
        found = [r for r in trained(RECORDS) if r.truth["task"] == task]
        assert majority(r.truth["answer"] for r in found) < 0.05, task
        assert all(r.truth["chance"] < 0.02 for r in found)


def test_people_of_word_problems_are_never_held_out() -> None:
    people = People(0, 40, World(0, people=40).cities, World(0, people=40).companies)
    names = {p.name for p in people if people.is_held_out(p.index)}
    assert names
    assert not any(name in question(record) for record in RECORDS for name in names)
    assert any(p.name in question(record) for record in RECORDS for p in people)
