"""Mixtures: several corpora, each with its share of every stretch of training rows.

Which corpus a row is drawn from is a fixed pattern without chance: at every moment each corpus has had its share, to within one row. So
batch i is a function of (data, shares, seed, i), and going on needs a number only. Each corpus goes through its own epochs: a small one
with a large share comes around more often. Left out: shares that change while training, and finding the best ones.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from onward.errors import DataError
from onward.lineage import Result
from onward.train.measure import BitsPerByte
from onward.train.packing import Batch, Batches, Packing, Rows

PERIOD = 10_000
"""Rows after which the pattern begins again: shares are kept to a hundredth of a percent."""
WEIGHT = re.compile(r"(?P<text>.+)=(?P<weight>[0-9.]+(?:[eE][+-]?[0-9]+)?)")


@dataclass(frozen=True)
class Corpus:
    """Texts that belong together: a name for people, where to read them, and their share of the training rows (1: all of them)."""

    name: str
    texts: tuple[str, ...]
    share: float = 1.0


def corpora(given: Sequence[str]) -> list[Corpus]:
    """Texts as they were given to a command: `books.jsonl=0.7 stories.txt=0.3` are two corpora with weights; without weights all are one.

    A file whose own name ends like a weight is a file: where there is one of the whole name, no weight is read from it. Weights are made to
    add up to 1.   Raises DataError where only some have a weight, where one is given twice, or where a weight is 0 or too small to matter.
    """
    found = [_weighted(text) for text in given]
    if all(weight is None for _, weight in found):
        return [Corpus("", tuple(given))]
    plain = next((text for text, weight in found if weight is None), None)
    if plain is not None:
        raise DataError(f"{plain} has no weight, and others have one. Give each a weight, as in {plain}=0.5, or none.")
    texts = [text for text, _ in found]
    weights = [weight for _, weight in found if weight is not None]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise DataError(f"{twice} is given twice. Give it once, with the sum of its weights.")
    total = sum(weights)
    for text, weight in zip(texts, weights, strict=True):
        if not (math.isfinite(total) and weight > 0 and round(weight / total * PERIOD) > 0):
            raise DataError(
                f"{text}={weight:g}: a weight is a number above 0, and at least {1 / PERIOD:g} of their sum."
            )
    return [
        Corpus(name, (text,), weight / total) for name, text, weight in zip(_names(texts), texts, weights, strict=True)
    ]


def _weighted(text: str) -> tuple[str, float | None]:
    match = WEIGHT.fullmatch(text)
    if match is None or Path(text).exists():
        return text, None
    try:
        return match["text"], float(match["weight"])
    except ValueError:  # such as 1.2.3
        return text, None


def _names(texts: list[str]) -> list[str]:
    """The last part of each path; the whole of it where two are called the same."""
    short = [text.rstrip("/").rpartition("/")[2] for text in texts]
    return short if len(set(short)) == len(short) else texts


def label(corpus: Corpus) -> str:
    """What files of a corpus are called by: nothing where it is the only one, else a short hash of its texts."""
    if not corpus.name:
        return ""
    return hashlib.blake2b("\n".join(corpus.texts).encode(), digest_size=4).hexdigest()


@dataclass(frozen=True)
class Part:
    """One corpus of a training, packed."""

    name: str
    share: float
    train: Packing
    held_out: Rows


class MixedBatches:
    """Batches of rows from several corpora by their shares. To go on after batch i, ask for batch i + 1."""

    def __init__(self, parts: Sequence[Part], rows_per_batch: int, seed: int) -> None:
        self.rows_per_batch = rows_per_batch
        self.corpora = [Batches(part.train, 1, seed) for part in parts]
        self.quotas = quotas([part.share for part in parts])
        self.pattern = pattern(self.quotas)
        turns = self.pattern[:, None] == np.arange(len(parts))
        self.before = np.cumsum(turns, axis=0) - turns  # rows of each corpus before a place of the pattern

    def batch(self, i: int) -> Batch:
        """Batch i, from 0: (rows_per_batch, length), the same whenever and however often it is asked for."""
        first = i * self.rows_per_batch
        return joined([self._row(place) for place in range(first, first + self.rows_per_batch)])

    def _row(self, place: int) -> Batch:
        periods, place = divmod(place, PERIOD)
        corpus = int(self.pattern[place])
        return self.corpora[corpus].batch(periods * self.quotas[corpus] + int(self.before[place, corpus]))


def quotas(shares: Sequence[float]) -> list[int]:
    """How many rows of a period each corpus gets: by largest remainders, PERIOD together."""
    exact = [share * PERIOD for share in shares]
    whole = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: whole[k] - exact[k])
    for k in by_remainder[: PERIOD - sum(whole)]:
        whole[k] += 1
    return whole


def pattern(quotas: Sequence[int]) -> NDArray[np.int64]:
    """Whose turn it is at each place of a period, (PERIOD,): at every place n, corpus k has had its share of n to within one row.

    The j-th row of a corpus may come from place j / share on and must come before (j + 1) / share; of those that may come, the one
    that must come first is taken. Source: Baruah et al. 1996, "Proportionate progress", with a single resource.
    """
    turns, had = np.empty(PERIOD, dtype=np.int64), [0] * len(quotas)
    for place in range(PERIOD):
        may = [k for k, quota in enumerate(quotas) if had[k] * PERIOD < (place + 1) * quota]
        turns[place] = chosen = min(may, key=lambda k: -(-(had[k] + 1) * PERIOD // quotas[k]))
        had[chosen] += 1
    return turns


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of several batches as one."""
    return Batch.of(
        inputs=torch.cat([batch.inputs for batch in batches]),
        targets=torch.cat([batch.targets for batch in batches]),
        positions=torch.cat([batch.positions for batch in batches]),
        documents=torch.cat([batch.documents for batch in batches]),
    )


def rows_in_a_pass(parts: Sequence[Part]) -> int:
    """Rows of the whole mixture until the corpus that comes around first has been gone through once."""
    return round(min(part.train.rows / part.share for part in parts))


def together(found: Sequence[tuple[float, BitsPerByte]]) -> BitsPerByte:
    """The mean of the corpora's measurements by their shares. Its interval is put together from theirs, which are independent: square
    and add the distances (Zou and Donner 2008, MOVER). None where one of them has none."""
    if len(found) == 1:
        return found[0][1]
    value = sum(share * one.value for share, one in found)
    below = [share * (one.value - one.low) for share, one in found if one.low is not None]
    above = [share * (one.high - one.value) for share, one in found if one.high is not None]
    whole = len(below) == len(above) == len(found)
    return BitsPerByte(
        value=value,
        low=value - math.hypot(*below) if whole else None,
        high=value + math.hypot(*above) if whole else None,
        n=sum(one.n for _, one in found),
    )


def results_together(suite: str, found: Sequence[tuple[float, list[Result]]]) -> list[Result]:
    """What is said of the whole, metric by metric: the means of the corpora's results, and of their baselines, by their shares."""
    return [_together(suite, [(share, results[i]) for share, results in found]) for i in range(len(found[0][1]))]


def _together(suite: str, found: Sequence[tuple[float, Result]]) -> Result:
    whole = together([(share, BitsPerByte(value=r.value, low=r.low, high=r.high, n=r.n or 0)) for share, r in found])
    baselines = [share * r.baseline for share, r in found if r.baseline is not None]
    baseline = sum(baselines) if len(baselines) == len(found) else None
    return replace(
        found[0][1], suite=suite, value=whole.value, low=whole.low, high=whole.high, n=whole.n, baseline=baseline
    )
