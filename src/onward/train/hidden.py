"""How well a model says what was hidden from it: bits per byte, bits per token, and the share it gets right, on held-out text.

The baseline takes each hidden token by its frequency in the training text: it knows the language's words, and nothing of what stands
around the gap. Left out: `xz`, the baseline of plain text, which cannot read what comes after a gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from onward.lineage import Result
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel, at_least_float32
from onward.tokens.tokenizer import Tokenizer
from onward.train.measure import AT_ONCE, Measured, autocast, byte_lengths, result, with_interval
from onward.train.packing import IGNORE, Batch, Rows, held_out_rows
from onward.train.shards import Shards

COUNTED = 4_000_000
"""Tokens of training text whose frequencies the baseline knows."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Of each document: the hidden tokens with their bytes; the model's bits and right guesses, the baseline's. (documents,) each.

    Special tokens, such as the one that ends a span, cost the model bits and count for nothing else; the baseline is told where they are.
    """

    tokens: Floats
    bytes: Floats
    bits: Floats
    right: Floats
    baseline_bits: Floats
    baseline_right: Floats

    def of(self, values: Floats, sizes: Floats) -> Measured:
        """A ratio of two of these, over the documents that have any."""
        return with_interval(values[self.tokens > 0], sizes[self.tokens > 0])


@torch.inference_mode()
def tally(
    model: LanguageModel,
    rows: Rows,
    tokenizer: Tokenizer,
    train: Shards,
    mask: Callable[[Batch], Mask],
    *,
    targets: int,
    device: str,
    precision: str,
) -> Tally:
    """Go once over up to `targets` held-out places, always the same ones, each hidden in the same way."""
    was_training = model.training
    model.eval()
    bytes_of = byte_lengths(tokenizer, model.config.vocab_size).numpy()
    surprise = frequency_bits(train, tokenizer)
    kept = np.zeros((6, rows.shards.documents))
    for numbers in held_out_rows(rows, max(1, AT_ONCE // rows.length), targets):
        batch = rows.batch(numbers)
        wanted = batch.targets.numpy()
        counted = wanted != IGNORE
        tokens, document = wanted[counted], rows.documents_of(numbers)[counted]
        ordinary = ~np.isin(tokens, list(tokenizer.special_ids))
        moved, places = batch.to(device), torch.from_numpy(counted).to(device)
        with autocast(device, precision), torch.compiler.set_stance("force_eager"):
            logits = model.logits(model.hidden(moved.inputs, moved.positions, mask(moved))[places])
        logits = logits.to(at_least_float32(logits.dtype))
        nats = torch.nn.functional.cross_entropy(logits, moved.targets[places], reduction="none").cpu().double().numpy()
        right = (logits.argmax(-1) == moved.targets[places]).cpu().numpy()
        guessed = tokens == surprise.argmin()
        told = np.where(ordinary, surprise[tokens], 0)
        each = (ordinary, bytes_of[tokens], nats / math.log(2), right & ordinary, told, guessed)
        for sums, values in zip(kept, each, strict=True):
            np.add.at(sums, document, values)
    model.train(was_training)
    return Tally(
        tokens=kept[0], bytes=kept[1], bits=kept[2], right=kept[3], baseline_bits=kept[4], baseline_right=kept[5]
    )


def frequency_bits(train: Shards, tokenizer: Tokenizer) -> Floats:
    """Minus the binary logarithm of each token's share of the training text, one added to every count.   Returns (V,), special
    tokens infinite."""
    counts, read = np.ones(tokenizer.highest_id + 1), 0
    for i in range(train.documents):
        if read >= COUNTED:
            break
        counts += np.bincount(train.document(i), minlength=len(counts))
        read += int(train.lengths[i])
    counts[list(tokenizer.special_ids)] = 0
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log2(counts / counts.sum()))


def masked_results(found: Tally, suite: str, tokenizer: Tokenizer, seed: int) -> list[Result]:
    """What is said of an encoder."""
    words = tokenizer.highest_id + 1 - len(tokenizer.special_ids)
    tokens = found.tokens.sum()
    return [
        removed_result(found, suite, seed),
        result(
            suite,
            found.of(found.bits, found.tokens),
            seed=seed,
            baseline=float(found.baseline_bits.sum() / tokens),
            metric="bits per masked token",
            chance=math.log2(words),
        ),
        result(
            suite,
            found.of(found.right, found.tokens),
            seed=seed,
            baseline=float(found.baseline_right.sum() / tokens),
            metric="masked tokens filled right",
            chance=1 / words,
        ),
    ]


def removed_result(found: Tally, suite: str, seed: int) -> Result:
    """Bits per byte of the text that was hidden."""
    baseline = float(found.baseline_bits.sum() / max(found.bytes.sum(), 1))
    return result(suite, found.of(found.bits, found.bytes), seed=seed, baseline=baseline)
