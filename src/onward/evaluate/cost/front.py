"""Which models nobody beats: none is cheaper and at least as good, or better and no dearer.

Source: Pareto's front, of two numbers. Left out: whether a difference can be told from chance; that is `onward compare`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onward.train.measure import Measured


@dataclass(frozen=True)
class Point:
    """A model: its quality, and what an answer costs, by the name of the cost."""

    name: str
    quality: Measured
    costs: Mapping[str, Measured] = field(default_factory=dict)


def front(points: Sequence[Point], cost: str) -> list[Point]:
    """Those that nobody beats, the cheapest first. Of two that are alike in both, both."""
    ordered = sorted(points, key=lambda point: (point.costs[cost].value, -point.quality.value))
    return [one for one in ordered if not any(_beats(other, one, cost) for other in ordered)]


def _beats(one: Point, other: Point, cost: str) -> bool:
    cheaper = other.costs[cost].value - one.costs[cost].value
    better = one.quality.value - other.quality.value
    return cheaper >= 0 and better >= 0 and (cheaper > 0 or better > 0)


def shared(points: Sequence[Point]) -> list[str]:
    """The costs that are known of all."""
    return [cost for cost in points[0].costs if all(cost in point.costs for point in points)] if points else []
