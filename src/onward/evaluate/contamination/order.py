"""Is the order as published likelier than other orders? Where it is, the model has seen the test as a file, in that order.

Nothing about the model or the texts needs to be assumed: who has never seen the order has no reason to like it better than any other of
the same texts, provided that the order means nothing (sorted by date, by difficulty or by subject, it does). The test is cut into shards
that fit into the model's positions.   Source: Oren et al. 2023, arXiv 2310.17623. Left out: texts that were learned one by one, or in
another order, of which this test sees nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations, product
from random import Random

import numpy as np
from numpy.typing import NDArray

ORDERS = 30
"""Other orders of each shard that are tried; all of them, where there are fewer."""
LONGEST = 1024
"""Tokens of a shard, at most."""
BETWEEN = "\n\n"
LEAD = "#\n\n"
"""Stands before each shard, for models without a token that begins a document."""
ROUNDS = 10_000

Floats = NDArray[np.float64]


def shards(texts: Sequence[str], tokens: Callable[[str], int], room: int) -> list[range]:
    """Runs of neighbours, each as long as the room allows, of two texts at least. A text that does not fit by itself parts two shards."""
    limit, found, begin, used = min(room, LONGEST) - tokens(LEAD), list[range](), 0, 0
    for at, text in enumerate(texts):
        size = tokens(text + BETWEEN) + 1  # a text that stands elsewhere may be cut into a token more
        if used + size > limit:
            found.append(range(begin, at))
            begin, used = at, 0
        if size > limit:
            begin = at + 1
        else:
            used += size
    found.append(range(begin, len(texts)))
    return [shard for shard in found if len(shard) > 1]


def orders(shard: range, seed: int, most: int = ORDERS) -> list[tuple[int, ...]]:
    """The published order first, and then others, each once: all, or `most` of them at random."""
    first = tuple(shard)
    if math.factorial(len(shard)) <= most + 1:
        return list(permutations(first))
    random, found = Random(f"{seed} {shard.start}"), {first: None}
    while len(found) <= most:
        found[tuple(random.sample(first, len(first)))] = None
    return list(found)


def written(order: Sequence[int], texts: Sequence[str]) -> str:
    return BETWEEN.join(texts[at] for at in order)


def excess(log_probs: Sequence[Sequence[float]]) -> list[float]:
    """For each shard, by how many nats the published order, which stands first, is likelier than the mean of the others."""
    return [shard[0] - sum(shard[1:]) / (len(shard) - 1) for shard in log_probs]


def another(log_probs: Sequence[Sequence[float]], seed: int) -> list[list[float]]:
    """The control: in each shard any other order taken for the published one, which itself is left out. Shards of two texts have none."""
    random, found = Random(f"another {seed}"), []
    for shard in log_probs:
        if len(shard) > 2:
            at = random.randrange(1, len(shard))
            found.append([shard[at], *shard[1:at], *shard[at + 1 :]])
    return found


def permutation_p(log_probs: Sequence[Sequence[float]], seed: int = 0) -> float:
    """How often as large an excess, summed over shards, comes where each shard's published order is any of its orders.

    Exact: all choices are tried where there are no more than ROUNDS; else as many random ones, and the one found. One-sided.
    log_probs: for each shard those of its orders, the published one first.
    """
    gains = [np.asarray(shard) - np.mean(shard) for shard in log_probs]
    bound = sum(gain[0] for gain in gains) - 1e-9
    if math.prod(map(len, gains)) <= ROUNDS:
        return float(np.mean([sum(one) >= bound for one in product(*gains)]))
    generator = np.random.default_rng(seed)
    drawn = np.sum([generator.choice(gain, ROUNDS) for gain in gains], axis=0)
    return float((drawn >= bound).sum() + 1) / (ROUNDS + 1)


def t_p(excesses: Sequence[float]) -> float:
    """Student's test, one-sided, of whether the mean over shards is above 0: the paper's own. It can tell smaller p than trials can.

    Shards are taken as independent and their excess as about normal. Of fewer than two shards, or without spread, it cannot be had: 1.
    """
    n, values = len(excesses), np.asarray(excesses, float)
    error = values.std(ddof=1) / math.sqrt(n) if n > 1 else 0.0
    return _t_above(float(values.mean() / error), n - 1) if error > 0 else 1.0


def _t_above(t: float, freedom: int) -> float:
    """The chance that Student's t is above t, by the finite series for whole degrees of freedom.   Source: Abramowitz and Stegun 1964,
    26.7.3 and 26.7.4. Below about 1e-15 it is rounding."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for step in range(3 if odd else 2, freedom + 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (step - 1) / step
    within = 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
    return max(0.0, (1 - within) / 2)
