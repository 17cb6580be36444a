"""Elo's ratings, changed vote by vote, and how much of them is the order in which the votes came.

    rating of a  +=  K * (share that a has won  -  1 / (1 + 10 ** ((rating of b - rating of a) / 400)))

Votes have no order that matters: nobody learns between them. So two tables of the same votes that differ are a fault of the method, and
that is why standings come from bradley_terry.py. This file is here to show it. Source: Elo 1978; Chiang et al. 2024 (arXiv 2403.04132) went
the same way. Left out: ratings to rank by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onward.evaluate.arena.bradley_terry import MEAN, Vote

K = 32.0
"""Points at stake in a vote, as among chess players. Chatbot Arena began with 4."""


@dataclass(frozen=True)
class Spread:
    """Of one model, over many orders of the same votes.   first: how often it was on top."""

    model: str
    lowest: float
    median: float
    highest: float
    first: float


def elo(votes: Sequence[Vote], *, k: float = K) -> dict[str, float]:
    """Each model's rating after the last vote; all begin at 1000."""
    found = dict.fromkeys(sorted({name for vote in votes for name in (vote.one, vote.other)}), MEAN)
    for vote in votes:
        expected = 1 / (1 + 10 ** ((found[vote.other] - found[vote.one]) / 400))
        gained = k * (vote.share - expected)
        found[vote.one] += gained
        found[vote.other] -= gained
    return found


def by_order(votes: Sequence[Vote], *, k: float = K, orders: int = 200, seed: int = 0) -> list[Spread]:
    """What the same votes come to when they are shuffled, the best median first."""
    generator = np.random.default_rng(seed)
    tables = [elo([votes[i] for i in generator.permutation(len(votes))], k=k) for _ in range(orders)]
    models = list(tables[0])
    all_ratings = np.array([[table[model] for model in models] for table in tables])
    on_top = np.bincount(all_ratings.argmax(axis=1), minlength=len(models)) / orders
    found = [
        Spread(model, float(own.min()), float(np.median(own)), float(own.max()), float(on_top[i]))
        for i, (model, own) in enumerate(zip(models, all_ratings.T, strict=True))
    ]
    return sorted(found, key=lambda one: -one.median)
