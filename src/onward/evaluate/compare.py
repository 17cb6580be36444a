"""Two models on the same items: the difference of their scores, item by item, and whether it can be told from chance.

Left out: more than two at once. Who compares many pairs will find differences where there are none, one in twenty.
"""

from __future__ import annotations

from dataclasses import dataclass

from onward.errors import SuiteError
from onward.evaluate import references, statistics
from onward.evaluate.examined import Examined
from onward.evaluate.statistics import Difference
from onward.train.measure import Measured


@dataclass(frozen=True)
class Compared:
    """metric: of both.   fewer: whether less of it is better.   items: that both have answered."""

    metric: str
    first: Measured
    second: Measured
    difference: Difference
    fewer: bool
    items: int

    @property
    def verdict(self) -> str:
        if not self.difference.seen:
            return "no difference seen"
        return "the second is better" if (self.difference.value > 0) != self.fewer else "the first is better"


def compare(first: Examined, second: Examined) -> Compared:
    """Two examinations by one suite.   Raises SuiteError where they have no item in common."""
    items = [item for item in first.asked if item.id in second.scores]
    if not items:
        raise SuiteError(f"there is no item of {first.suite.name} that both have answered. Give a larger --budget.")
    ones, others = ([found.scores[item.id] for item in items] for found in (first, second))
    clusters, metric = [item.cluster for item in items], first.rows[0].metric
    return Compared(
        metric=metric,
        first=statistics.mean(ones, clusters),
        second=statistics.mean(others, clusters),
        difference=statistics.paired(ones, others, clusters),
        fewer=metric in references.FEWER,
        items=len(items),
    )
