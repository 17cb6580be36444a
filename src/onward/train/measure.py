"""How well a model predicts data that it was not trained on: bits per byte, with its interval and its baseline.

Bits per byte compare across tokenisers, and with any compressor: fewer is better, and 8 is no knowledge at all.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from onward.lineage import Result, command_line, now
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import processes
from onward.train.objectives import backwards, token_losses
from onward.train.packing import IGNORE, Batch, Rows, held_out_rows
from onward.train.shards import Shards

AT_THE_END = 65_536
"""Held-out targets measured for a result, at most."""
AT_ONCE = 8192
"""Tokens that are measured in one pass."""
READ_BY_XZ = 4_000_000
"""Bytes of training text that the baseline reads."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How something is measured while training: its name in metrics.jsonl, in words, in short, and what a guess reaches, if known."""

    name: str
    words: str
    short: str
    chance: float | None


BITS_PER_BYTE = Metric(name="held_out_bits_per_byte", words="bits per byte", short="bits/byte", chance=8.0)
"""Chance: that of one who finds every byte equally likely."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A ratio measured on `n` documents or subjects, such as bits per byte or the share that is right, with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    n: int


def byte_lengths(tokenizer: Tokenizer, vocab_size: int) -> torch.Tensor:
    """UTF-8 bytes that each token stands for; control tokens and unused ids stand for none.   Returns (V,) int64."""
    special = set(tokenizer.special.values())
    sizes = [0 if i in special else len(tokenizer.token_bytes(i)) for i in range(tokenizer.highest_id + 1)]
    return torch.tensor(sizes + [0] * (vocab_size - len(sizes)))


def held_out(
    model: LanguageModel,
    packing: Rows,
    tokenizer: Tokenizer,
    *,
    targets: int,
    device: str,
    precision: str,
    mask: Callable[[Batch], Mask] = backwards,
) -> Measured:
    """Bits per byte of up to `targets` held-out targets: always the same ones, taken from all the documents alike.

    For chats these are the answers, the questions being given. The end of a document or a turn costs bits and counts no byte.
    """

    def bits(batch: Batch) -> torch.Tensor:
        return token_losses(model, batch, mask(batch)).double() / math.log(2)

    sizes = byte_lengths(tokenizer, model.config.vocab_size)
    return over_documents(model, packing, bits, sizes, targets=targets, device=device, precision=precision)


@torch.inference_mode()
def over_documents(
    model: LanguageModel,
    packing: Rows,
    worth: Callable[[Batch], torch.Tensor],
    sizes: torch.Tensor,
    *,
    targets: int,
    device: str,
    precision: str,
) -> Measured:
    """What up to `targets` held-out targets are worth, (B, L), over their sizes, (V,) by the token: a ratio of sums over documents."""
    was_training = model.training
    model.eval()
    size_of = sizes.numpy()
    found = np.zeros((3, packing.shards.documents))  # worth, size, how many targets
    for rows, counts in processes.shares(list(held_out_rows(packing, max(1, AT_ONCE // packing.length), targets))):
        batch, documents = packing.batch(rows), packing.documents_of(rows)
        with autocast(device, precision), torch.compiler.set_stance("force_eager"):
            values = worth(batch.to(device)).cpu().double().numpy()
        real = (batch.targets.numpy() != IGNORE) & counts
        weights = 1.0 if batch.weights is None else batch.weights.numpy()[real]
        for sums, added in zip(found, (values[real], weights * size_of[batch.targets.numpy()[real]], 1), strict=True):
            np.add.at(sums, documents[real], added)
    model.train(was_training)
    values, sums, count = (np.array(processes.summed(one.tolist())) for one in found)
    return with_interval(values[count > 0], sums[count > 0])


def autocast(device: str, precision: str) -> torch.autocast:
    """Matrix products in bf16 where the plan says so; weights, norms and losses stay in fp32."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


def mean(values: Sequence[float]) -> Measured:
    """Of one value for each prompt or answer, with its interval over these."""
    return with_interval(np.array(values, dtype=float), np.ones(len(values)))


def preferred(after: Sequence[float], before: Sequence[float]) -> list[float]:
    """To each thing that was done twice: 1 where it is worth more after than before, 0 where less, 0.5 where as much."""
    return [(new > old) + 0.5 * (new == old) for new, old in zip(after, before, strict=True)]


def with_interval(parts: NDArray[np.float64], sizes: NDArray[np.float64], rounds: int = 1000) -> Measured:
    """The ratio of sums; its percentile bootstrap over documents (Efron and Tibshirani 1993, chapter 13), which are what is
    independent: pieces of one document are not. Of one document there is no interval.   parts, sizes: (documents,)"""
    value = float(parts.sum() / max(sizes.sum(), 1))
    if len(parts) < 2:
        return Measured(value=value, low=None, high=None, n=len(parts))
    generator = np.random.default_rng(0)
    found = []
    for _ in range(rounds):
        chosen = generator.integers(0, len(parts), len(parts))
        found.append(parts[chosen].sum() / max(sizes[chosen].sum(), 1))
    low, high = np.percentile(found, [2.5, 97.5])
    return Measured(value=value, low=float(low), high=float(high), n=len(parts))


def result(
    suite: str,
    measured: Measured,
    *,
    seed: int,
    baseline: float | None,
    metric: str = BITS_PER_BYTE.words,
    chance: float | None = BITS_PER_BYTE.chance,
) -> Result:
    """The measurement as it stands in a lineage."""
    return Result(
        suite=suite,
        metric=metric,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=measured.n,
        seeds=[seed],
        chance=chance,
        baseline=baseline,
        command=command_line(),
        date=now(),
    )


def xz_bits_per_byte(train: Shards, packing: Rows, tokenizer: Tokenizer, *, targets: int) -> float | None:
    """The baseline: bits per byte that `xz -9` needs for the same held-out targets after it has read training text.

    It reads the last megabytes of it, as many as do not take long, and what they alone compress to is taken off.
    None for conversations: a model is measured on their answers, given the questions, and xz cannot be.
    """
    if train.masked:
        return None
    batches = (packing.batch(rows) for rows in held_out_rows(packing, 64, targets))
    rows = (row[row != IGNORE].tolist() for batch in batches for row in batch.targets.numpy())
    held = "\n".join(tokenizer.decode(row) for row in rows).encode()
    texts: list[bytes] = []
    wanted = READ_BY_XZ
    for i in reversed(range(train.documents)):
        if wanted <= 0:
            break
        texts.append(tokenizer.decode(train.document(i).tolist()).encode()[-READ_BY_XZ:] + b"\n")
        wanted -= len(texts[-1])
    read = b"".join(reversed(texts))
    return 8 * (_xz(read + held) - _xz(read)) / max(len(held), 1)


def _xz(data: bytes) -> int:
    """Bytes that `xz -9` makes of it. A dictionary larger than the data changes none of them, and takes ten times its size in memory."""
    dictionary = min(2**26, max(2**12, len(data)))
    return len(lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": dictionary}]))
