"""Judgements of a reward model, and how far they can be trusted: how many pairs are in the right order, and whether it is as often right
as it is sure.

Left out: the model that judges (rankings.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from onward.train import measure
from onward.train.measure import Measured

BINS = 10
"""Of the calibration, equally wide from a confidence of 0.5 to 1."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A prompt with its answers, the best one first, and the rewards that a model gives to them."""

    prompt: str
    answers: Sequence[str]
    rewards: Sequence[float]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Better and worse, all of them."""
        return combinations(range(len(self.rewards)), 2)

    @property
    def comparisons(self) -> int:
        """How many pairs there are."""
        return len(self.rewards) * (len(self.rewards) - 1) // 2

    def right(self) -> float:
        """How many pairs are in the right order; one that is found equally good counts half."""
        return sum(_ordered(self.rewards[a] - self.rewards[b]) for a, b in self.pairs())

    def right_by_length(self, sign: float) -> float:
        """The same of who always prefers the longer answer, in characters (sign 1), or the shorter one (sign -1)."""
        return sum(_ordered(sign * (len(self.answers[a]) - len(self.answers[b]))) for a, b in self.pairs())


def _ordered(difference: float) -> float:
    return 0.5 if difference == 0 else float(difference > 0)


def ranked_right(judged: Sequence[Judgement]) -> Measured:
    """The share of all pairs, with its 95 % interval: a bootstrap over the prompts."""
    right = np.array([one.right() for one in judged])
    return measure.with_interval(right, np.array([one.comparisons for one in judged], dtype=float))


@dataclass(frozen=True)
class Calibration:
    """Of each bin of confidence: its mean confidence, the share that was right, and how many pairs are in it."""

    confidence: Floats
    right: Floats
    pairs: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: by how much confidence and share differ, on average over the pairs (Guo et al. 2017, section 2)."""
        return float((self.pairs * np.abs(self.confidence - self.right)).sum() / max(self.pairs.sum(), 1))


def calibration(judged: Sequence[Judgement]) -> Calibration:
    """Confidence: sigmoid of the difference of two rewards, which is what Bradley-Terry says; of the answer found better, so 0.5 to 1."""
    differences = np.array([one.rewards[a] - one.rewards[b] for one in judged for a, b in one.pairs()])
    confidence = 1 / (1 + np.exp(-np.abs(differences)))
    right = np.where(differences == 0, 0.5, differences > 0)
    bins = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    pairs = np.bincount(bins, minlength=BINS)
    means = [np.bincount(bins, values, minlength=BINS) / np.maximum(pairs, 1) for values in (confidence, right)]
    return Calibration(means[0], means[1], pairs)
