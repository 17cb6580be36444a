import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrained import accepts, machine_of_schema
from onward.errors import PlanError


@settings(max_examples=20, deadline=None)
@given(
    ends=st.lists(st.integers(-1200, 1200), min_size=2, max_size=2).map(sorted),
    others=st.lists(st.integers(-1500, 1500)),
)
def test_whole_numbers_are_allowed_exactly_between_their_bounds(ends, others):
    low, high = ends
    machine = machine_of_schema({"type": "integer", "minimum": low, "maximum": high})
    for number in [low - 1, low, low + 1, high - 1, high, high + 1, 0, *others]:
        assert accepts(machine, str(number)) == (low <= number <= high), number
    assert not accepts(machine, "0" + str(abs(high)))


BOUNDS = st.decimals(-30, 30, places=3) | st.integers(-30, 30).map(Decimal) | st.decimals(-1, 1, places=9)


@settings(max_examples=25, deadline=None)
@given(
    ends=st.lists(BOUNDS, min_size=2, max_size=2, unique=True)
    .map(sorted)
    .filter(lambda e: e[1] - e[0] > Decimal("0.00001")),
    strict=st.tuples(st.booleans(), st.booleans()),
    others=st.lists(BOUNDS),
)
def test_numbers_are_allowed_exactly_between_their_bounds(ends, strict, others):
    """As far as they have at most 6 digits after the point."""
    low, high = (float(end) for end in ends)
    schema = {"type": "number", "exclusiveMinimum" if strict[0] else "minimum": low}
    machine = machine_of_schema(schema | {"exclusiveMaximum" if strict[1] else "maximum": high})
    steps = [Decimal("0.000001"), Decimal(1), Decimal("0.1")]
    for number in [
        *ends,
        *others,
        Decimal(0),
        *(end + sign * step for end in ends for step in steps for sign in (1, -1)),
    ]:
        text = f"{number:f}"
        if number == 0:
            text = text.lstrip("-")
        inside = (low < float(text) if strict[0] else low <= float(text)) and (
            float(text) < high if strict[1] else float(text) <= high
        )
        short = len(text.partition(".")[2]) <= 6
        assert accepts(machine, text) == (inside and short), text


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"minimum": 3}, ["3", "3.0", "4", "999999999.5"], ["2.999999", "-3", "2", "03"]),
        ({"maximum": -0.5}, ["-0.5", "-0.50", "-1", "-123.25"], ["-0.49", "0", "0.5", "-0"]),
        ({"exclusiveMinimum": 0}, ["0.000001", "0.1", "1"], ["0", "0.0", "-0", "-1"]),
        ({"minimum": 0.1, "exclusiveMinimum": 0.1}, ["0.11"], ["0.1", "0.10"]),
        ({"minimum": -1, "maximum": 1}, ["-0.5", "0", "-1", "1.0"], ["-0", "-0.0", "-1.1"]),
        ({"minimum": 0, "maximum": 0}, ["0", "0.0"], ["-0", "0.01", "1"]),
        ({}, ["-0.5e-12", "1E5", "0", "123456789012345.5"], ["1e400", "01", ".5", "1.", "+1", "NaN"]),
    ],
)
def test_bounds_on_one_side_and_none(schema, inside, outside):
    machine = machine_of_schema({"type": "number"} | schema)
    assert [text for text in inside if not accepts(machine, text)] == []
    assert [text for text in outside if accepts(machine, text)] == []
    for text in inside:
        json.loads(text)


def test_the_tighter_of_two_bounds_holds_and_fractions_round_inwards():
    machine = machine_of_schema(
        {"type": "integer", "minimum": 1.5, "exclusiveMinimum": 2, "maximum": 10, "exclusiveMaximum": 6.5}
    )
    assert [n for n in range(12) if accepts(machine, str(n))] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 4}, "no whole number lies between"),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "no whole number lies between"),
        ({"type": "number", "minimum": 0.5, "exclusiveMaximum": 0.5}, "no number lies between"),
        ({"type": "number", "minimum": 10**16}, "more than 15 digits"),
        ({"type": "integer", "maximum": 10**200}, "more than 100 digits"),
        ({"type": "number", "minimum": "3"}, "wants a number"),
        ({"type": "number", "minimum": True}, "wants a number"),
        ({"type": "number", "maximum": float("inf")}, "wants a number"),
    ],
)
def test_impossible_bounds_are_refused(schema, why):
    with pytest.raises(PlanError, match=why):
        machine_of_schema(schema)
