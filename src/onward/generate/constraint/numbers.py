"""Numbers of JSON between bounds, digit by digit.

Whole numbers have 18 digits at most where no bound asks for more, so that they fit into 64 bits. Others have 15 at most, before and after
the point, which is what a double holds exactly: what is above a bound as text is above it as a number. Without bounds, exponents of two
digits are allowed as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from onward.errors import PlanError
from onward.generate.constraint.pattern import parse
from onward.generate.constraint.syntax import Both, Node, maybe, one_of, text, then

WHOLE_DIGITS = 18
DIGITS = 15
USUAL = 9
"""Digits before the point, where a bound does not ask for more."""
MOST_DIGITS = 100


@dataclass(frozen=True)
class Bounds:
    """From `low` to `high`; None: no bound. `above`, `below`: the bound itself is left out."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: bool = False
    below: bool = False


def whole(bounds: Bounds) -> Node:
    """Whole numbers between bounds.   Raises PlanError where there is none."""
    low = None if bounds.low is None else _rounded(bounds.low, up=True, past=bounds.above)
    high = None if bounds.high is None else _rounded(bounds.high, up=False, past=bounds.below)
    if low is not None and high is not None and low > high:
        raise PlanError("no whole number lies between its bounds; widen them")
    digits = max(WHOLE_DIGITS, *(len(str(abs(bound))) for bound in (low, high) if bound is not None), 0)
    if digits > MOST_DIGITS:
        raise PlanError(f"bounds of more than {MOST_DIGITS} digits; make them smaller")
    least, most = -(10**digits) + 1 if low is None else low, 10**digits - 1 if high is None else high
    parts = []
    if least < 0:
        parts.append("-" + _span(max(1, -most), -least))
    if most >= 0:
        parts.append(_span(max(0, least), most))
    return parse("|".join(parts))


def any_number() -> Node:
    """Numbers of every kind, to 10**117."""
    return parse(rf"-?(0|[1-9]\d{{0,{DIGITS - 1}}})(\.\d{{1,{DIGITS}}})?([eE][+-]?\d{{1,2}})?")


def number(bounds: Bounds) -> Node:
    """Numbers between bounds, with or without a fraction.   Raises PlanError where there is none."""
    if bounds.low is None and bounds.high is None:
        return any_number()
    given = [bound for bound in (bounds.low, bounds.high) if bound is not None]
    before = max(USUAL, *(len(str(int(abs(bound)))) for bound in given))
    if before > DIGITS:
        raise PlanError(
            f"bounds of more than {DIGITS} digits, which numbers with a fraction do not hold exactly; make them smaller"
        )
    largest = Decimal(10**before)
    low, high = -largest if bounds.low is None else bounds.low, largest if bounds.high is None else bounds.high
    after = DIGITS - before
    parts = []
    if low < 0:
        # Below zero everything is the other way round; zero itself is written without a sign.
        side = _positive(max(-high, Decimal(0)), -low, bounds.below or high >= 0, bounds.above, before, after)
        parts += [then("-", side)] if side is not None else []
    if high >= 0:
        side = _positive(max(low, Decimal(0)), high, bounds.above and low >= 0, bounds.below, before, after)
        parts += [side] if side is not None else []
    if not parts:
        raise PlanError("no number lies between its bounds; widen them")
    return one_of(parts)


def _rounded(bound: Decimal, *, up: bool, past: bool) -> int:
    """The first whole number at a bound or inside of it; inside, if `past`."""
    at = int(bound.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR))
    return at + (1 if up else -1) if past and at == bound else at


def _span(low: int, high: int) -> str:
    """A pattern for the whole numbers from low >= 0 to high."""
    parts = []
    for width in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (width - 1) if width > 1 else 0)
        parts.append(_alike(str(first), str(min(high, 10**width - 1))))
    return f"(?:{'|'.join(parts)})"


def _alike(low: str, high: str) -> str:
    """The same for numbers of equally many digits, which may begin with zeros."""
    if low == "0" * len(low) and high == "9" * len(high):
        return rf"\d{{{len(low)}}}" if low else ""
    if low[0] == high[0]:
        return low[0] + _alike(low[1:], high[1:])
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:] != "0" * rest:
        parts.append(low[0] + _alike(low[1:], "9" * rest))
        first += 1
    if high[1:] != "9" * rest:
        parts.append(high[0] + _alike("0" * rest, high[1:]))
        last -= 1
    if first <= last:
        parts.append(rf"[{first}-{last}]\d{{{rest}}}")
    return f"(?:{'|'.join(parts)})"


def _positive(low: Decimal, high: Decimal, above: bool, below: bool, before: int, after: int) -> Node | None:
    """Numbers from low >= 0 to high with at most so many digits before and after the point; None where there is none."""
    if low > high or (low == high and (above or below)):
        return None
    return Both(_least(low, above, before, after), _most(high, below, after))


def _least(low: Decimal, above: bool, before: int, after: int) -> Node:
    """Numbers of at least `low`; more than that, if `above`."""
    unit, digits = _cut(low)
    parts = []
    if unit + 1 < 10**before:
        parts.append(then(parse(_span(unit + 1, 10**before - 1)), _any_fraction(after)))
    fractions = []
    if not digits and not above:
        parts.append(then(str(unit), _any_fraction(after)))
    for place in range(max(len(digits), after) if above or digits else 0):
        if place < after:  # as the bound up to here, then a larger digit
            shown = digits.ljust(after, "0")
            larger = int(shown[place]) + 1
            if larger <= 9:
                fractions.append(parse(rf"{shown[:place]}[{larger}-9]\d{{0,{after - place - 1}}}"))
    if digits and len(digits) <= after and not above:  # the bound itself
        fractions.append(parse(rf"{digits}\d{{0,{after - len(digits)}}}"))
    parts += [then(str(unit), ".", fraction) for fraction in fractions]
    return one_of(parts)


def _most(high: Decimal, below: bool, after: int) -> Node:
    """Numbers of at most `high`; less than that, if `below`."""
    unit, digits = _cut(high)
    parts = []
    if unit > 0:
        parts.append(then(parse(_span(0, unit - 1)), _any_fraction(after)))
    if digits or not below:
        parts.append(text(str(unit)))
    fractions = []
    for place in range(min(len(digits), after)):  # as the bound up to here, then a smaller digit or nothing
        if place:
            fractions.append(text(digits[:place]))
        if digits[place] != "0":
            fractions.append(parse(rf"{digits[:place]}[0-{int(digits[place]) - 1}]\d{{0,{after - place - 1}}}"))
    if len(digits) > after > 0:
        fractions.append(text(digits[:after]))
    elif not below and after > len(digits):  # the bound itself, with zeros after it
        fractions.append(parse(rf"{digits}0{{{0 if digits else 1},{after - len(digits)}}}"))
    elif not below and digits:
        fractions.append(text(digits))
    parts += [then(str(unit), ".", fraction) for fraction in fractions]
    return one_of(parts)


def _cut(bound: Decimal) -> tuple[int, str]:
    """What stands before the point, and the digits after it, without zeros at the end."""
    unit, _, digits = f"{bound:f}".partition(".")
    return int(unit), digits.rstrip("0")


def _any_fraction(after: int) -> Node:
    return maybe(parse(rf"\.\d{{1,{after}}}")) if after else text("")
