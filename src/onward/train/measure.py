"""How well a model predicts data that it was not trained on: bits per byte, with its interval and its baseline.

Bits per byte compare across tokenisers, and with any compressor: fewer is better, and 8 is no knowledge at all.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from onward.lineage import Result, command_line, now
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train.objectives import autocast, token_losses
from onward.train.packing import IGNORE, Batch, Packing, held_out_batches
from onward.train.shards import Shards

AT_THE_END = 65_536
"""Held-out targets measured for a result, at most."""
AT_ONCE = 8192
"""Tokens that are measured in one pass."""
CHANCE = 8.0
"""Bits per byte of one who finds every byte equally likely."""


@dataclass(frozen=True, kw_only=True)
class BitsPerByte:
    """A measurement with its 95 % interval: the bootstrap over the `n` rows that were measured."""

    value: float
    low: float
    high: float
    n: int


def byte_lengths(tokenizer: Tokenizer, vocab_size: int) -> torch.Tensor:
    """UTF-8 bytes that each token stands for; control tokens and unused ids stand for none.   Returns (V,) int64."""
    special = set(tokenizer.special.values())
    sizes = [0 if i in special else len(tokenizer.token_bytes(i)) for i in range(tokenizer.highest_id + 1)]
    return torch.tensor(sizes + [0] * (vocab_size - len(sizes)))


@torch.inference_mode()
def bits_per_byte(
    model: LanguageModel, batches: Iterable[Batch], bytes_of: torch.Tensor, device: str, precision: str
) -> BitsPerByte:
    """Of everything that the batches have targets for. For chats that is the answers, the questions being given.

    bytes_of: (V,) as `byte_lengths` gives it. The end of a document or a turn costs bits and counts no byte.
    """
    was_training = model.training
    model.eval()
    nats, sizes = [], []
    for batch in batches:
        with autocast(device, precision):
            nats.append(token_losses(model, batch.to(device)).sum(-1).double().cpu())
        targets = batch.targets.cpu()
        sizes.append((bytes_of[targets.clamp(min=0)] * (targets != IGNORE)).sum(-1))
    model.train(was_training)
    return _with_interval(torch.cat(nats).numpy() / math.log(2), torch.cat(sizes).numpy())


def _with_interval(bits: np.ndarray, sizes: np.ndarray, rounds: int = 1000) -> BitsPerByte:
    """The ratio of sums, and its percentile bootstrap over rows (Efron and Tibshirani 1993, chapter 13).   bits, sizes: (rows,)"""
    chosen = np.random.default_rng(0).integers(0, len(bits), (rounds, len(bits)))
    resampled = bits[chosen].sum(1) / np.maximum(sizes[chosen].sum(1), 1)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return BitsPerByte(value=float(bits.sum() / max(sizes.sum(), 1)), low=float(low), high=float(high), n=len(bits))


def held_out(
    model: LanguageModel, packing: Packing, tokenizer: Tokenizer, *, targets: int, device: str, precision: str
) -> BitsPerByte:
    """Bits per byte of up to `targets` held-out targets: always the same ones, taken from all the documents alike."""
    rows = max(1, AT_ONCE // packing.length)
    batches = held_out_batches(packing, rows, targets)
    return bits_per_byte(model, batches, byte_lengths(tokenizer, model.config.vocab_size), device, precision)


def result(suite: str, measured: BitsPerByte, *, seed: int, baseline: float | None) -> Result:
    """The measurement as it stands in a lineage."""
    return Result(
        suite=suite,
        metric="bits per byte",
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=measured.n,
        seeds=[seed],
        chance=CHANCE,
        baseline=baseline,
        command=command_line(),
        date=now(),
    )


def compressed_bits_per_byte(shards: Shards, tokenizer: Tokenizer, most: int = 8_000_000) -> float | None:
    """The baseline: bits per byte of `xz -9` on the same documents, up to `most` bytes of them.

    None for conversations: a model is measured on their answers, given the questions, and xz cannot be.
    """
    if shards.masked:
        return None
    texts, size = [], 0
    for i in range(shards.documents):
        texts.append(tokenizer.decode(shards.document(i).tolist()).encode())
        size += len(texts[-1])
        if size >= most:
            break
    whole = b"\n\n".join(texts)
    return 8 * len(lzma.compress(whole, preset=9)) / max(len(whole), 1)
