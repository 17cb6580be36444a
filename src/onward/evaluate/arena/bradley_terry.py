"""Strengths from votes: Bradley and Terry's model with Davidson's ties (1970), fitted to all votes at once, with bootstrap intervals.

    a wins : b wins : a tie   =   e^(apart / 2) : e^(-apart / 2) : evenness        apart = strength of a - strength of b

So of the votes that decide, the odds are e^apart, however many do not. To count a tie as half a win for each, as Chatbot Arena does
(Chiang et al. 2024, arXiv 2403.04132), would draw all strengths together (benchmarks/arena.py). They are shown on Elo's scale: 400 points
are odds of 10 to 1, and the mean of all models is 1000. A weak normal prior, of 700 points, keeps a model that has won all its votes
finite. The bootstrap is over votes. Left out: covariates such as style.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.errors import DataError

Floats = NDArray[np.float64]
POINTS = 400 / math.log(10)
"""Of Elo's scale, to one of log-odds."""
MEAN = 1000.0
PRECISION = (POINTS / 700) ** 2
"""Of the prior of a strength, in log-odds."""
EVEN = 0.01
"""Precision of the prior of log evenness: without a single tie it would have no end."""
ROUNDS = 1000
STEPS = 50


@dataclass(frozen=True)
class Vote:
    """share: what the one has won of it, 1, 0, or 0.5 for a tie."""

    one: str
    other: str
    share: float


@dataclass(frozen=True)
class Standing:
    """A model's rating, with its 95 % interval.   rank: 1 and as many more as there are models that are surely better: their intervals
    lie wholly above this one's."""

    model: str
    rating: float
    low: float
    high: float
    rank: int
    votes: int


def standings(votes: Sequence[Vote], *, rounds: int = ROUNDS, seed: int = 0) -> list[Standing]:
    """The best first.   Raises DataError where votes do not connect all models."""
    models = sorted({name for vote in votes for name in (vote.one, vote.other)})
    if len(models) < 2:
        raise DataError("an order needs votes on at least two models.")
    table = counted(votes, models)
    seen = table[0] + table[0].T + table[1]
    _check_connected(seen > 0, models)
    middle = ratings(table[None])[0]
    low, high = np.percentile(ratings(_resampled(votes, models, rounds, seed)), [2.5, 97.5], axis=0)
    found = [
        Standing(
            model,
            float(middle[i]),
            float(low[i]),
            float(high[i]),
            1 + int((low > high[i]).sum()),
            round(float(seen[i].sum())),
        )
        for i, model in enumerate(models)
    ]
    return sorted(found, key=lambda one: -one.rating)


def counted(votes: Sequence[Vote], models: Sequence[str]) -> Floats:
    """How often each has won against each other, and how often they tied (the same both ways round), (2, models, models)."""
    place, found = {name: i for i, name in enumerate(models)}, np.zeros((2, len(models), len(models)))
    for vote in votes:
        one, other = place[vote.one], place[vote.other]
        if one == other:
            raise DataError(f"{vote.one} has been compared with itself, which says nothing. Leave such votes out.")
        if vote.share == 0.5:
            found[1, one, other] += 1
            found[1, other, one] += 1
        elif vote.share in (0, 1):
            found[(0, one, other) if vote.share else (0, other, one)] += 1
        else:
            raise DataError(f"a vote is won (1), lost (0) or a tie (0.5), and not {vote.share:g}.")
    return found


def ratings(tables: Floats) -> Floats:
    """The likeliest strengths on Elo's scale, by Newton's method.   tables: (B, 2, models, models), as `counted`. Returns (B, models)."""
    wins, ties = tables[:, 0], tables[:, 1]
    games, ahead = wins + wins.transpose(0, 2, 1) + ties, (wins - wins.transpose(0, 2, 1)).sum(axis=2) / 2
    batch, models = ahead.shape
    at = np.zeros((batch, models + 1))  # strengths, and the logarithm of evenness
    tied, prior = ties.sum(axis=(1, 2)) / 2, np.array([PRECISION] * models + [EVEN])
    for _ in range(STEPS):
        apart, even = at[:, :-1, None] - at[:, None, :-1], np.exp(at[:, -1])[:, None, None]
        total = 2 * np.cosh(apart / 2) + even
        # Of one vote: x is 1/2 where it is won, -1/2 where it is lost, 0 at a tie. An exponential family in x and in whether it is one.
        lead, tie = np.sinh(apart / 2) / total, even / total
        slope = np.concatenate(
            [ahead - (games * lead).sum(axis=2), (tied - (games * tie).sum(axis=(1, 2)) / 2)[:, None]], axis=1
        )
        bend = games * ((1 - tie) / 4 - lead**2)
        curvature = np.zeros((batch, models + 1, models + 1))
        curvature[:, :-1, :-1] = bend.sum(axis=2)[:, :, None] * np.eye(models) - bend
        curvature[:, :-1, -1] = curvature[:, -1, :-1] = -(games * lead * tie).sum(axis=2)
        curvature[:, -1, -1] = (games * tie * (1 - tie)).sum(axis=(1, 2)) / 2
        step = np.linalg.solve(curvature + np.diag(prior), (slope - prior * at)[:, :, None])[:, :, 0]
        # From far away a whole step may go too far: none is larger than one.
        step /= np.maximum(1, np.abs(step).max(axis=1, keepdims=True))
        at = at + step
        if np.abs(step).max() < 1e-8:
            break
    strengths = at[:, :-1]
    found: Floats = MEAN + POINTS * (strengths - strengths.mean(axis=1, keepdims=True))
    return found


def _resampled(votes: Sequence[Vote], models: Sequence[str], rounds: int, seed: int) -> Floats:
    """As many votes, drawn from these with replacement, again and again.   Returns (rounds, 2, models, models)."""
    kinds = Counter(votes)  # votes that are alike are drawn together
    tables = np.stack([counted([kind], models) for kind in kinds])
    shares = np.array([*kinds.values()]) / len(votes)
    often = np.random.default_rng(seed).multinomial(len(votes), shares, size=rounds)
    found: Floats = np.tensordot(often.astype(float), tables, axes=1)
    return found


def _check_connected(met: NDArray[np.bool_], models: Sequence[str]) -> None:
    """Whether each model has met each other, directly or by way of others."""
    reached, ahead = {0}, [0]
    while ahead:
        new = set(np.flatnonzero(met[ahead.pop()]).tolist()) - reached
        reached |= new
        ahead += new
    if len(reached) < len(models):
        apart = next(name for place, name in enumerate(models) if place not in reached)
        raise DataError(f"no vote connects {models[0]} and {apart}, not even by way of others. Vote on more pairs.")
