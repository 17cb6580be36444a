"""Strengths from votes: Bradley and Terry's model, fitted to all votes at once, with bootstrap intervals.

    P(a beats b) = sigmoid(strength of a - strength of b)

A tie is half a win for each, as in Chatbot Arena (Chiang et al. 2024, arXiv 2403.04132). Strengths are shown on Elo's scale: 400 points
are odds of 10 to 1, and the mean of all models is 1000. A weak normal prior, of 700 points, keeps a model that has won all its votes
finite. The bootstrap is over votes. Left out: ties as an outcome of their own (Rao and Kupper, Davidson), and covariates such as style.
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
"""Of the prior, in log-odds."""
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
    wins = counted(votes, models)
    _check_connected(wins, models)
    middle = ratings(wins[None])[0]
    low, high = np.percentile(ratings(_resampled(votes, models, rounds, seed)), [2.5, 97.5], axis=0)
    seen = (wins + wins.T).sum(axis=1)
    found = [
        Standing(
            model,
            float(middle[i]),
            float(low[i]),
            float(high[i]),
            1 + int((low > high[i]).sum()),
            round(float(seen[i])),
        )
        for i, model in enumerate(models)
    ]
    return sorted(found, key=lambda one: -one.rating)


def counted(votes: Sequence[Vote], models: Sequence[str]) -> Floats:
    """How much of its votes against another each has won, (models, models)."""
    place, wins = {name: i for i, name in enumerate(models)}, np.zeros((len(models), len(models)))
    for vote in votes:
        one, other = place[vote.one], place[vote.other]
        if one == other:
            raise DataError(f"{vote.one} has been compared with itself, which says nothing. Leave such votes out.")
        wins[one, other] += vote.share
        wins[other, one] += 1 - vote.share
    return wins


def ratings(wins: Floats) -> Floats:
    """The likeliest strengths, by Newton's method, on Elo's scale.   wins: (B, models, models), B tables apart.   Returns (B, models)."""
    games, won = wins + wins.transpose(0, 2, 1), wins.sum(axis=2)
    strengths, eye = np.zeros(won.shape), np.eye(wins.shape[1])
    for _ in range(STEPS):
        likely = 0.5 * (1 + np.tanh(0.5 * (strengths[:, :, None] - strengths[:, None, :])))
        slope = won - (games * likely).sum(axis=2) - PRECISION * strengths
        bend = games * likely * (1 - likely)
        curvature = bend.sum(axis=2)[:, :, None] * eye - bend + PRECISION * eye
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        # From far away a whole step may go too far: none is larger than two in log-odds.
        step /= np.maximum(1, np.abs(step).max(axis=1, keepdims=True) / 2)
        strengths = strengths + step
        if np.abs(step).max() < 1e-8:
            break
    found: Floats = MEAN + POINTS * (strengths - strengths.mean(axis=1, keepdims=True))
    return found


def _resampled(votes: Sequence[Vote], models: Sequence[str], rounds: int, seed: int) -> Floats:
    """As many votes, drawn from these with replacement, again and again.   Returns (rounds, models, models)."""
    kinds = Counter(votes)  # votes that are alike are drawn together
    tables = np.stack([counted([kind], models) for kind in kinds])
    shares = np.array([*kinds.values()]) / len(votes)
    often = np.random.default_rng(seed).multinomial(len(votes), shares, size=rounds)
    found: Floats = np.tensordot(often.astype(float), tables, axes=1)
    return found


def _check_connected(wins: Floats, models: Sequence[str]) -> None:
    """Whether each model has met each other, directly or by way of others."""
    met, reached = wins + wins.T > 0, {0}
    ahead = [0]
    while ahead:
        new = set(np.flatnonzero(met[ahead.pop()]).tolist()) - reached
        reached |= new
        ahead += new
    if len(reached) < len(models):
        apart = next(name for place, name in enumerate(models) if place not in reached)
        raise DataError(f"no vote connects {models[0]} and {apart}, not even by way of others. Vote on more pairs.")
