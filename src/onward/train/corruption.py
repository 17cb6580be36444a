"""Corruption: tokens are hidden, for a model to say what they were. Here: single tokens, as BERT does; spans.py hides whole spans.

A corruption is a pure function of a batch and of noise, and the noise is a hash of (seed, number of the batch): batch i is the same
whenever it is asked for, and a row is corrupted anew in each epoch, as its batch has another number. Held-out rows are corrupted in one
way for ever.

Left out: masking whole words, and next-sentence prediction, which RoBERTa (arXiv 1907.11692, section 4.2) found to be of no use.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from onward.train.packing import IGNORE, PADDING, Batch, Ints, Packing

SHARE = 0.15
"""Of the tokens that are hidden (BERT, arXiv 1810.04805, section 3.1; T5, arXiv 1910.10683, section 3.3.4)."""
MASKED, REPLACED = 0.8, 0.1
"""Of the hidden tokens: shown as the mask, shown as some random token; the rest is shown as it is."""
CHANNELS = 3
TRAINING, HELD_OUT = 1, 2

Noise = NDArray[np.float64]
Corruption = Callable[[Batch, Noise], Batch]
"""A batch and noise (CHANNELS, B, L) in [0, 1), to a batch of the same size."""


def noise(shape: tuple[int, ...], seed: int, *key: int) -> Noise:
    """Even numbers in [0, 1), from raw Philox numbers, a stream that numpy promises not to change."""
    raw = np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)).random_raw(math.prod(shape))
    return (raw >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53


def corrupted(
    batches: Callable[[int], Batch],
    corruption: Corruption,
    seed: int,
    spread: Callable[[Noise], Noise] = lambda noise: noise,
) -> Callable[[int], Batch]:
    """Batch i of the training data, corrupted: a pure function of (data, seed, i).   spread: what is made of its noise first."""

    def batch(i: int) -> Batch:
        clean = batches(i)
        return corruption(clean, spread(noise((CHANNELS, *clean.inputs.shape), seed, TRAINING, i)))

    return batch


class CorruptedRows:
    """The rows of a packing, each always corrupted in the same way, whatever rows it is asked for with: what is measured on."""

    def __init__(self, packing: Packing, corruption: Corruption) -> None:
        self.packing, self.corruption = packing, corruption
        self.shards, self.length, self.rows = packing.shards, packing.length, packing.rows

    def batch(self, rows: Ints) -> Batch:
        """The rows of these numbers, (B,) int64, as one batch."""
        of_rows = [noise((CHANNELS, self.length), 0, HELD_OUT, int(row)) for row in rows]
        return self.corruption(self.packing.batch(rows), np.stack(of_rows, axis=1))

    def documents_of(self, rows: Ints) -> Ints:
        """Which document each place belongs to, as `Packing.documents_of` says it; pieces may have moved, but keep their number."""
        before, now = self.packing.batch(rows).documents.numpy() + 1, self.batch(rows).documents.numpy() + 1
        document = np.full((len(rows), int(before.max()) + 1), PADDING, dtype=np.int64)
        np.put_along_axis(document, before, self.packing.documents_of(rows), axis=1)
        return np.take_along_axis(document, now, axis=1)


@dataclass(frozen=True, eq=False)
class Masking:
    """15 % of each row's tokens are targets; the model sees 80 % of them as the mask, 10 % as a random token, 10 % as they are.

    The row is the tokens themselves, with the boundary after a document's last one, which is seen and never hidden. Exactly 15 %
    (rounded, at least one), not each token with a chance of 15 %: BERT's own code does so too.
    mask_id: of the mask.   boundary_id: the packing's.   ordinary: (N,) int64, what a random token is drawn from.
    """

    mask_id: int
    boundary_id: int
    ordinary: Ints

    def __call__(self, batch: Batch, noise: Noise) -> Batch:
        tokens = batch.targets.numpy()
        hidden = self._hidden((tokens != IGNORE) & (tokens != self.boundary_id), noise[0])
        random = self.ordinary[(noise[2] * len(self.ordinary)).astype(np.int64)]
        shown = np.where(tokens == IGNORE, self.boundary_id, tokens)
        shown = np.where(hidden & (noise[1] < MASKED), self.mask_id, shown)
        shown = np.where(hidden & (noise[1] >= MASKED) & (noise[1] < MASKED + REPLACED), random, shown)
        return replace(
            batch,
            inputs=torch.from_numpy(shown),
            targets=torch.from_numpy(np.where(hidden, tokens, IGNORE)),
            learnable=int(hidden.sum()),
        )

    @staticmethod
    def _hidden(eligible: NDArray[np.bool_], noise: Noise) -> NDArray[np.bool_]:
        """The eligible places with the least noise, as many in each row as are to be hidden.   (B, L)"""
        eligible_in_row = eligible.sum(1)
        count = np.minimum(eligible_in_row, np.maximum(1, np.rint(SHARE * eligible_in_row)))
        rank = np.where(eligible, noise, np.inf).argsort(1, kind="stable").argsort(1, kind="stable")
        return np.asarray(rank < count[:, None])
