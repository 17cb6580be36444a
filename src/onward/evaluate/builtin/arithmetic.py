"""Arithmetic: sums of several sizes, and expressions in which the order of operations matters; the last number of the reply counts.

A kind is an operation with the digits of both its numbers, so that --kinds shows where a model can no longer do it. Chance is a guess at
one of the numbers that such a sum can come to. Of the expressions it is told how often the reply is what reading from left to right
gives. Left out: numbers in words, fractions, and sums within stories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from onward.evaluate.examined import Row, mean
from onward.evaluate.items import Item
from onward.evaluate.rules import number
from onward.evaluate.suite import Said, Suite

OF_EACH = 20
SIZES = {
    "addition": (1, 2, 3, 4, 5),
    "subtraction": (1, 2, 3, 4, 5),
    "multiplication": (1, 2, 3),
    "division": (1, 2, 3),
}
ORDER = "order of operations"
Sum = tuple[str, int, int]
"""As it is written; what it comes to; and how many whole numbers there are from the least to the greatest that such a sum comes to."""


def suite() -> Suite:
    return Suite(
        name="arithmetic",
        items=list(items()),
        about="addition to division of one to five digits, and the order of operations; the last number counts",
        max_tokens=32,
        further=further,
    )


def items() -> Iterator[Item]:
    """So many of each kind, no two alike."""
    for operation, sizes in SIZES.items():
        for digits in sizes:
            kind = f"{operation}, {digits} digit{'s' if digits > 1 else ''}"
            yield from _distinct(kind, partial(MAKES[operation], digits))
    yield from _distinct(ORDER, expression)


def _distinct(kind: str, make: Callable[[Random], Sum]) -> Iterator[Item]:
    random, seen = Random(f"arithmetic {kind}"), set[str]()
    while len(seen) < OF_EACH:
        written, result, results = make(random)
        if written in seen:
            continue
        seen.add(written)
        asked = f"What is {written}?"
        yield Item(
            id=f"{kind}-{len(seen):02}",
            messages=({"role": "user", "content": asked},),
            rule="number",
            answers=(str(result),),
            kind=kind,
            chance=1 / results,
            truth={"written": written},
        )


def _number(random: Random, digits: int) -> int:
    """Of so many digits; of one, from 2, since with 0 and 1 there is nothing to do."""
    return random.randrange(10 ** (digits - 1) if digits > 1 else 2, 10**digits)


def _addition(digits: int, random: Random) -> Sum:
    a, b = _number(random, digits), _number(random, digits)
    low = 10 ** (digits - 1) if digits > 1 else 2
    return f"{a} + {b}", a + b, 2 * (10**digits - 1) - 2 * low + 1


def _subtraction(digits: int, random: Random) -> Sum:
    """What is left may be less than nothing."""
    a, b = _number(random, digits), _number(random, digits)
    low = 10 ** (digits - 1) if digits > 1 else 2
    return f"{a} - {b}", a - b, 2 * (10**digits - 1 - low) + 1


def _multiplication(digits: int, random: Random) -> Sum:
    a, b = _number(random, digits), _number(random, digits)
    low = 10 ** (digits - 1) if digits > 1 else 2
    return f"{a} * {b}", a * b, (10**digits - 1) ** 2 - low**2 + 1


def _division(digits: int, random: Random) -> Sum:
    """Without a rest; divisor and result have so many digits."""
    a, b = _number(random, digits), _number(random, digits)
    low = 10 ** (digits - 1) if digits > 1 else 2
    return f"{a * b} / {b}", a, 10**digits - low


MAKES: dict[str, Callable[[int, Random], Sum]] = {
    "addition": _addition,
    "subtraction": _subtraction,
    "multiplication": _multiplication,
    "division": _division,
}


def expression(random: Random) -> Sum:
    """Three small numbers, of which the last two come first, by rule or by brackets: read from left to right it comes to something else."""
    while True:
        a, b, c = (random.randrange(2, 10) for _ in range(3))
        first = random.choice("+-")
        written, result = random.choice(
            [
                (f"{a} {first} {b} * {c}", a + b * c if first == "+" else a - b * c),
                (f"{a} * ({b} {first} {c})", a * (b + c) if first == "+" else a * (b - c)),
                (f"{a} - ({b} {first} {c})", a - (b + c if first == "+" else b - c)),
            ]
        )
        if result != left_to_right(written):
            return written, result, 9 * (9 + 9) - (2 - 9 * 9) + 1


def left_to_right(written: str) -> int:
    """What it comes to for one who does each operation as it is read, brackets or not."""
    first, *rest = written.replace("(", "").replace(")", "").split()
    value = int(first)
    for sign, digits in zip(rest[::2], rest[1::2], strict=True):
        other = int(digits)
        value = value * other if sign == "*" else value + other if sign == "+" else value - other
    return value


def further(said: Sequence[Said]) -> list[Row]:
    """The well-known mistake, where it can be made."""
    there = [one for one in said if one.item.kind == ORDER]
    values = [float(number(one.text) == left_to_right(one.item.truth["written"])) for one in there]
    about = f"of the {len({one.item.id for one in there})} with an order of operations; wrong in all of them"
    return [Row("read from left to right", mean([one.item for one in there], values), about=about)] if there else []
