"""How well a score tells members from others: the area under the ROC curve, true positives at few false ones, and p.

Left out: thresholds for single texts. At these sample sizes a claim about one text is not to be had.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.evaluate.statistics import FLIPS
from onward.train.measure import Measured

FALSE = 0.05
"""The share of false positives at which true ones are counted."""
ROUNDS = 1000
"""Of a bootstrap."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """A number that compares two groups.   p: one-sided, how often it is so large where they are alike."""

    measured: Measured
    p: float


def area(members: Sequence[float], others: Sequence[float]) -> Contrast:
    """The chance that a member's score is above another's, ties counting half (AUC; 0.5 is a guess), with DeLong's 95 % interval.

    The interval is DeLong, DeLong and Clarke-Pearson 1988's, made on the logit so that it stays within 0 and 1; where the groups do not
    overlap it has no spread, and the end is that of a share of min(m, n) of which all came out (Clopper and Pearson 1934). p is Mann and
    Whitney's (1947), by the normal approximation with ties. Scores are taken as independent of each other.
    """
    ones, twos = np.asarray(members, float), np.asarray(others, float)
    m, n = len(ones), len(twos)
    if min(m, n) < 2:
        raise ValueError("an area needs two scores of each group")
    above, below = _placements(ones, twos), 1 - _placements(twos, ones)
    value = float(above.mean())
    spread = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    if value in (0.0, 1.0):
        beyond = (0.05 / 2) ** (1 / min(m, n))
        low, high = (beyond, 1.0) if value == 1 else (0.0, 1 - beyond)
    else:
        middle, reach = math.log(value / (1 - value)), 1.96 * spread / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-(middle + sign * reach))) for sign in (-1, 1))
    return Contrast(Measured(value=value, low=low, high=high, n=m + n), _mann_whitney(value, ones, twos))


def _placements(ones: Floats, twos: Floats) -> Floats:
    """For each of the first, the share of the second that is below it; ties count half.   (m,)"""
    ordered = np.sort(twos)
    counts = np.searchsorted(ordered, ones, "left") + np.searchsorted(ordered, ones, "right")
    found: Floats = counts / 2 / len(twos)
    return found


def _mann_whitney(value: float, ones: Floats, twos: Floats) -> float:
    m, n = len(ones), len(twos)
    _, counts = np.unique(np.concatenate([ones, twos]), return_counts=True)
    ties = float((counts**3.0 - counts).sum()) / ((m + n) * (m + n - 1))
    variance = (m + n + 1 - ties) / (12 * m * n)
    return 1.0 if variance <= 0 else math.erfc((value - 0.5) / math.sqrt(2 * variance)) / 2


def true_positives(members: Sequence[float], others: Sequence[float], seed: int = 0) -> Measured:
    """The share of members above all but FALSE of the others, with a bootstrap over both. Of fewer than 20 others, above all of them."""
    ones, twos = np.asarray(members, float), np.asarray(others, float)
    generator = np.random.default_rng(seed)
    found = [_share(generator.choice(ones, len(ones)), generator.choice(twos, len(twos))) for _ in range(ROUNDS)]
    low, high = np.percentile(found, [2.5, 97.5])
    return Measured(value=_share(ones, twos), low=float(low), high=float(high), n=len(ones) + len(twos))


def _share(ones: Floats, twos: Floats) -> float:
    threshold = np.sort(twos)[len(twos) - 1 - math.floor(FALSE * len(twos))]
    return float((ones > threshold).mean())


def more(members: Sequence[float], others: Sequence[float], seed: int = 0) -> Contrast:
    """The difference of two means, the first less the second; its bootstrap over both, and p by shuffling who belongs where."""
    ones, twos = np.asarray(members, float), np.asarray(others, float)
    generator, both = np.random.default_rng(seed), np.concatenate([ones, twos])
    value = float(ones.mean() - twos.mean())
    drawn = [generator.choice(ones, len(ones)).mean() - generator.choice(twos, len(twos)).mean() for _ in range(ROUNDS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    beyond, bound = 0, value - 1e-9
    for _ in range(FLIPS):
        shuffled = generator.permutation(both)
        beyond += int(shuffled[: len(ones)].mean() - shuffled[len(ones) :].mean() >= bound)
    measured = Measured(value=value, low=float(low), high=float(high), n=len(both))
    return Contrast(measured, (beyond + 1) / (FLIPS + 1))


def blind(members: Sequence[str], others: Sequence[str]) -> Contrast:
    """How well the words alone tell the groups apart, with no model: naive Bayes, which learns every other text and judges the rest.

    Above 0.5, the groups are texts of two sorts, and a model's scores may tell the sorts apart and nothing else (Das, Zhang and Tramer
    2024, arXiv 2406.16201). Each text is judged by one and the same half: where every fifth is judged by the others, as is usual, the
    scores depend on each other, and of 100 groups that are alike 12 are found different.
    """
    bags = [[Counter(text.lower().split()) for text in texts] for texts in (members, others)]
    seen = [sum(texts[::2], Counter[str]()) for texts in bags]
    words = len(seen[0].keys() | seen[1].keys()) + 1
    first, second = (_log_shares(counts, words) for counts in seen)
    scores = [
        [sum(n * (first(word) - second(word)) for word, n in bag.items()) / max(1, bag.total()) for bag in texts[1::2]]
        for texts in bags
    ]
    return area(*scores)


def _log_shares(counts: Counter[str], words: int) -> Callable[[str], float]:
    total = counts.total() + words
    return lambda word: math.log((counts[word] + 1) / total)


def holm(values: Sequence[float]) -> list[float]:
    """p-values of several tests, each made so large that one of them is false in 5 % of cases at most (Holm 1979)."""
    found, largest = [1.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        largest = max(largest, min(1.0, values[at] * (len(values) - rank)))
        found[at] = largest
    return found
