"""What an examination brings: a line for each item, and rows of a table, each a number with its interval.

Left out: how the numbers come about (answering.py, choosing.py), and where they are written (run.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onward.evaluate import statistics
from onward.evaluate.items import Item
from onward.evaluate.suite import Suite
from onward.train.measure import Measured

RIGHT = "share right"
"""Not the "answered right" of a run's own exam, of which its report says what it is about."""
UNFORMED = "not in the form asked for"


@dataclass(frozen=True)
class Row:
    """One number.   chance: what a guess gets.   baseline: what one gets who always gives the same, most frequent answer.   about: what it
    tells, for the table."""

    metric: str
    measured: Measured
    chance: float | None = None
    baseline: float | None = None
    about: str = ""


@dataclass
class Examined:
    """One suite, put to one model.

    rows: the first is the suite's own number, which models are compared by.   scores: of each item that was asked, by its id.
    records: what is written down of each answer.   unasked: of items that the model cannot take, why.   unreached: items for which the
    budget did not suffice.
    """

    suite: Suite
    rows: list[Row] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    unasked: dict[str, str] = field(default_factory=dict)
    unreached: int = 0

    @property
    def asked(self) -> list[Item]:
        return [item for item in self.suite.items if item.id in self.scores]

    def by_kind(self) -> dict[str, Measured]:
        """The suite's own number for each kind of item."""
        kinds = dict[str, list[Item]]()
        for item in self.asked:
            kinds.setdefault(item.kind, []).append(item)
        return {kind: mean(items, [self.scores[item.id] for item in items]) for kind, items in kinds.items()}


def mean(items: Sequence[Item], values: Sequence[float]) -> Measured:
    """Over values that belong to these items, with what is not independent together."""
    return statistics.mean(values, [item.cluster for item in items])
