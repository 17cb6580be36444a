"""How sure a number is: a mean with its interval, and the difference of two models on the same items.

What is drawn again by the bootstrap are clusters: items on one subject, and several draws of one item, are not independent, and are taken
all or none (Efron and Tibshirani 1993, chapter 13). Left out: what a score means (scorers.py); and models that were trained with several
seeds, of which three are too few for a bootstrap over models.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.train import measure
from onward.train.measure import Measured

FLIPS = 10_000
"""Random changes of sign, where there are too many to try all."""
LEVEL = 0.05
EXACT = 13
"""Up to so many clusters, all 2**n changes of sign are tried."""
POWER = 2.8
"""Standard errors that a difference must have to be seen four times in five at the level of 0.05: 1.96 + 0.84."""

Floats = NDArray[np.float64]


def mean(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Measured:
    """The mean with its 95 % interval; `n` counts the clusters.

    clusters: what each value belongs to; by default each is on its own. Where nothing but 1, or nothing but 0, has come, a bootstrap
    sees no spread and would be certain; then the interval is the exact one of a share (Clopper and Pearson 1934).
    """
    if not values:
        return Measured(value=math.nan, low=None, high=None, n=0)
    sums, sizes = _clustered(values, clusters)
    found = measure.with_interval(sums, sizes)
    if found.low != found.high or found.value not in (0, 1) or found.n < 2:
        return found
    beyond = (0.05 / 2) ** (1 / found.n)
    low, high = (beyond, 1.0) if found.value == 1 else (0.0, 1 - beyond)
    return Measured(value=found.value, low=low, high=high, n=found.n)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of two models on the same items, the second less the first.

    p: how often so large a difference, or a larger one, comes where the two are alike.   better, worse: clusters on which the second is
    so.   detectable: a true difference of this size would be seen four times in five.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    p: float
    better: int
    worse: int
    detectable: float

    @property
    def seen(self) -> bool:
        return self.p <= LEVEL


def paired(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable] | None = None, seed: int = 0
) -> Difference:
    """The interval is a bootstrap over clusters, p a permutation test in which each cluster's difference may change its sign."""
    differences = [b - a for a, b in zip(first, second, strict=True)]
    sums, sizes = _clustered(differences, clusters)
    found = measure.with_interval(sums, sizes)
    count = len(sums)
    error = (
        math.sqrt(float((sums - found.value * sizes).var(ddof=1)) * count) / float(sizes.sum())
        if count > 1
        else math.nan
    )
    return Difference(
        value=found.value,
        low=found.low,
        high=found.high,
        n=count,
        p=sign_flip_p(sums, seed),
        better=int((sums > 0).sum()),
        worse=int((sums < 0).sum()),
        detectable=POWER * error,
    )


def sign_flip_p(differences: Floats, seed: int = 0) -> float:
    """Two-sided: the share of changes of sign whose sum is as far from 0 as the one that was found. (Fisher 1935, section 21)

    differences: (n,). Up to EXACT of them all changes are tried; else FLIPS random ones, and the one found.
    """
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 1.0
    found = abs(nonzero.sum()) * (1 - 1e-9)  # sums of the same numbers in another order may differ in the last digit
    if len(nonzero) <= EXACT:
        signs = np.array(np.meshgrid(*[[-1, 1]] * len(nonzero))).reshape(len(nonzero), -1)
        return float((abs(nonzero @ signs) >= found).mean())
    generator, beyond = np.random.default_rng(seed), 0
    for rounds in [1000] * (FLIPS // 1000):
        signs = generator.integers(0, 2, (rounds, len(nonzero)), dtype=np.int8) * 2 - 1
        beyond += int((abs(signs @ nonzero) >= found).sum())
    return (beyond + 1) / (FLIPS + 1)


def p_above(values: Sequence[float], floor: float, clusters: Sequence[Hashable] | None = None) -> float:
    """How often so much, or more, comes where the true share is `floor`: one-sided, of values from 0 to 1.

    Exact binomial, of as many trials as the values are worth. Those of a cluster are alike, and together worth fewer: their number over
    the design effect, which is the variance of their mean over what it would be if each stood alone, and here never below 1 (Kish 1965,
    section 8.2).
    """
    sums, sizes = _clustered(values, clusters)
    n = float(sizes.sum())
    value = float(sums.sum()) / max(n, 1)
    if len(sums) < 2 or value <= floor:
        return 1.0
    alone = value * (1 - value) / (n - 1)
    together = float((sums - value * sizes).var(ddof=1)) * len(sums) / n**2
    trials = int(n / max(1.0, together / alone) + 1e-9) if alone > 0 else len(sums)
    return _binomial_tail(math.floor(value * trials + 1e-9), trials, floor)


def _binomial_tail(least: int, n: int, share: float) -> float:
    """P(X >= least), X of n trials.   share: above 0 and below 1, or the answer is plain."""
    if least <= 0 or not 0 < share < 1:
        return float(least <= 0 or share >= 1)
    logs = [
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(share)
        + (n - k) * math.log1p(-share)
        for k in range(least, n + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, logs)))


def _clustered(values: Sequence[float], clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """The sum and the number of values of each cluster, in the order in which they come.   (clusters,) each"""
    numbers = np.asarray(values, dtype=float)
    if clusters is None:
        return numbers, np.ones(len(numbers))
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    at = [places[cluster] for cluster in clusters]
    sums: Floats = np.bincount(at, numbers, minlength=len(places)).astype(float)
    sizes: Floats = np.bincount(at, minlength=len(places)).astype(float)
    return sums, sizes
