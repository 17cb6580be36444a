"""Arithmetic: every result is worked out again, with fractions and by Python's own reading of the expression."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from onward.evaluate.builtin import arithmetic
from onward.evaluate.settings import How


@pytest.fixture(scope="module")
def suite():
    return arithmetic.suite()


def worked_out(written: str) -> Fraction:
    return eval(re.sub(r"\d+", r"Fraction(\g<0>)", written), {"Fraction": Fraction})


def test_every_result_is_right(suite):
    assert len(suite.items) == 17 * arithmetic.OF_EACH
    assert len({item.question for item in suite.items}) == len(suite.items)
    for item in suite.items:
        assert item.question == f"What is {item.truth['written']}?"
        assert worked_out(item.truth["written"]) == int(item.answers[0])


def test_kinds_are_what_they_say(suite):
    for item in suite.items:
        if item.kind == arithmetic.ORDER:
            assert int(item.answers[0]) != arithmetic.left_to_right(item.truth["written"])
            continue
        operation, digits = re.fullmatch(r"(\w+), (\d) digits?", item.kind).groups()
        first, sign, second = item.truth["written"].split()
        assert sign == {"addition": "+", "subtraction": "-", "multiplication": "*", "division": "/"}[operation]
        assert len(second) == int(digits)
        assert len(item.answers[0] if operation == "division" else first) == int(digits)


@pytest.mark.parametrize("operation", list(arithmetic.SIZES))
def test_chance_is_that_of_a_guess_at_what_such_a_sum_can_come_to(suite, operation):
    ways = {"addition": int.__add__, "subtraction": int.__sub__, "multiplication": int.__mul__}
    ways["division"] = lambda result, _: result
    results = {ways[operation](a, b) for a, b in product(range(2, 10), repeat=2)}
    item = next(item for item in suite.items if item.kind == f"{operation}, 1 digit")
    assert item.chance == 1 / (max(results) - min(results) + 1)


def test_reading_from_left_to_right_by_hand():
    assert arithmetic.left_to_right("2 + 3 * 4") == 20
    assert arithmetic.left_to_right("2 * (3 + 4)") == 10
    assert arithmetic.left_to_right("9 - (2 - 5)") == 2


def test_who_can_is_right_and_who_reads_from_left_to_right_is_found(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    assert rows["share right"].measured.value == 1
    assert rows["read from left to right"].measured.value == 0

    def naively(asked):
        written = asked.removeprefix("What is ").removesuffix("?")
        return f"It is {arithmetic.left_to_right(written)}." if "/" not in written else "0"

    rows = planted(suite, naively, place="naive")
    assert rows["read from left to right"].measured.value == 1
    assert rows["share right"].measured.value == pytest.approx(13 / 17)


def test_who_guesses_within_the_range_is_right_by_chance(suite, planted):
    """Of one-digit sums, where chance is more than nothing."""
    random = Random(0)
    small = [item for item in suite.items if item.kind == "addition, 1 digit"]
    say = lambda _: str(random.randrange(4, 19))  # noqa: E731
    rows = planted(type(suite)(name="small", items=small), say, how=How(seeds=100, temperature=1.0))
    right = rows["share right"]
    assert right.chance == pytest.approx(1 / 15)
    assert right.measured.low <= right.chance <= right.measured.high
