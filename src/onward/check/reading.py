"""Equivalences of reading: what a model makes of a text does not depend on how the text comes to it.

With a cache or without, in a batch or alone, in a row of its own or in one with other documents. Compared are log-probabilities
in nats. Each function takes the part that could be broken as an argument, so that a test can break it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onward.check.row import Found, NotTriedError
from onward.check.subject import Subject, losses
from onward.generate.cache import KVCache
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.train.packing import Batch

NATS = 1e-3
"""Far above what rounding in float32 does to a log-probability, and far below what a wrong mask or a wrong position does."""


def log_probabilities(logits: Tensor) -> Tensor:
    return logits.double().log_softmax(-1)


def apart(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors of one shape; NaN where there is one in either."""
    return (one - other).abs().max().item()


@torch.inference_mode()
def cache_and_full_forward(subject: Subject, cache: type[KVCache] = KVCache) -> Found:
    """A text read in pieces, a long one, then token by token, then a few at once; and read as a whole."""
    _check_looks_around(subject)
    rows, length = 2, subject.length
    ids = subject.ids(rows, length)
    kept = _cache(subject, cache, rows)
    half, quarter = length // 2, length // 4
    pieces = torch.split(ids, [half, *[1] * quarter, length - half - quarter], dim=1)
    found = torch.cat([subject.model(piece, cache=kept) for piece in pieces], dim=1)
    return Found(apart(log_probabilities(found), log_probabilities(subject.model(ids))), NATS, "nats")


@torch.inference_mode()
def padded_and_alone(subject: Subject, cache: type[KVCache] = KVCache) -> Found:
    """Texts of different lengths read in one batch, the short ones filled up; and each of them alone."""
    _check_looks_around(subject)
    lengths = [subject.length // 2, 1, subject.length // 3, subject.length // 4]
    texts = [ids[:length] for ids, length in zip(subject.ids(len(lengths), subject.length), lengths, strict=True)]
    if not subject.causal:
        together = _encoded(subject.model, texts)
        alone = [subject.model(text[None])[0] for text in texts]
    else:
        further = subject.ids(len(texts), subject.length // 4)
        together = _read_on(subject, texts, further, cache)
        alone = [_read_on(subject, [text], rest[None], cache)[0] for text, rest in zip(texts, further, strict=True)]
    found = (
        apart(log_probabilities(one), log_probabilities(other)) for one, other in zip(together, alone, strict=True)
    )
    return Found(_largest(found), NATS, "nats")


def _read_on(subject: Subject, texts: Sequence[Tensor], further: Tensor, make: type[KVCache]) -> list[Tensor]:
    """As the engine decodes: the texts in one padded batch, then `further` (B, T) token by token. Logits after each text and after each
    further token, (T + 1, V) for each."""
    lengths = torch.tensor([len(text) for text in texts], device=subject.device)
    cache = _cache(subject, make, len(texts))
    logits = subject.model(_filled(texts), cache=cache)
    cache.truncate(lengths)
    found = [logits[torch.arange(len(texts)), lengths - 1]]
    found += [subject.model(tokens[:, None], cache=cache)[:, 0] for tokens in further.unbind(1)]
    return list(torch.stack(found, dim=1))


def _encoded(model: LanguageModel, texts: Sequence[Tensor]) -> list[Tensor]:
    """Logits of each text, read in one padded batch by an encoder."""
    ids = _filled(texts)
    present = torch.tensor([[0] * len(text) + [-1] * (ids.shape[1] - len(text)) for text in texts], device=ids.device)
    logits = model(ids, mask=Mask.documents(present))
    return [row[: len(text)] for row, text in zip(logits, texts, strict=True)]


def _filled(texts: Sequence[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(texts), batch_first=True)


@torch.inference_mode()
def packed_and_unpacked(subject: Subject, losses: Callable[[LanguageModel, Batch], Tensor] = losses) -> Found:
    """Documents that share rows, kept apart by masks and positions; and each in a row of its own. Compared is every target's loss."""
    _check_looks_around(subject)
    batch = subject.batch(0).to(subject.device)
    packed = losses(subject.model, batch)
    worst = []
    for row, documents in enumerate(batch.documents):
        for number in range(int(documents.max()) + 1):
            places = documents == number
            worst.append(apart(packed[row, places], losses(subject.model, _alone(batch, row, places))[0]))
    return Found(_largest(worst), NATS, "nats", f"{len(worst)} documents in {len(batch.inputs)} rows")


def _alone(batch: Batch, row: int, places: Tensor) -> Batch:
    """The document at some places of a row, as a batch of its own."""
    inputs, targets = batch.inputs[row, places][None], batch.targets[row, places][None]
    positions = torch.arange(inputs.shape[1], device=inputs.device)[None]
    return replace(
        batch,
        inputs=inputs,
        targets=targets,
        positions=positions,
        documents=torch.zeros_like(positions),
        learnable=int((targets >= 0).sum()),
        single=True,
    )


def draws_alone_and_in_a_batch(subject: Subject, engine: type[Engine] = Engine) -> Found:
    """Texts drawn by the engine in one batch, with prompts and settings of all kinds; and each of them alone. Counted are tokens."""
    if not subject.causal:
        raise NotTriedError("an encoder draws no text")
    if subject.tokenizer is None:
        raise NotTriedError("the folder has no tokenizer, without which no text is drawn")
    runner, half, tokens = engine(subject.model, subject.tokenizer), subject.length // 2, subject.length // 4
    settings = [
        Sampling(temperature=1.0, seed=subject.seed, max_tokens=tokens),
        Sampling(temperature=1.0, top_p=0.9, seed=subject.seed + 1, max_tokens=tokens),
        Sampling(temperature=0.7, top_k=50, seed=subject.seed, max_tokens=tokens),
        Sampling(temperature=0.0, max_tokens=tokens),
    ]
    sizes = (half, 1, half // 2, 3)
    prompts = [ids[:size].tolist() for ids, size in zip(subject.ids(len(sizes), half), sizes, strict=True)]
    requests = [Request(prompt=p, sampling=s) for p, s in zip(prompts, settings, strict=True)]
    together = [done.ids for done in runner.run(requests)]
    alone = [runner.run([request])[0].ids for request in requests]
    differing = sum(_differing(*pair) for pair in zip(together, alone, strict=True))
    return Found(differing, 0, "tokens", f"of {sum(map(len, alone))} drawn")


def _differing(one: list[int], other: list[int]) -> int:
    """Places at which two texts differ, those that only one of them has included."""
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


def _cache(subject: Subject, make: type[KVCache], rows: int) -> KVCache:
    if not subject.causal:
        raise NotTriedError("an encoder reads the whole text at once and has no cache")
    return make(subject.model.config, rows, subject.length, dtype=subject.dtype, device=subject.device)


def _check_looks_around(subject: Subject) -> None:
    """A model whose attention says nothing, as with fresh weights, gives the same numbers whatever it is shown: no fault would show."""
    ids = subject.ids(2, subject.length)
    mask = Mask.causal() if subject.causal else Mask.full()
    itself = mask & Mask.documents(torch.arange(subject.length, device=subject.device)[None])
    seen, blind = (log_probabilities(subject.model(ids, mask=one)) for one in (mask, itself))
    if apart(seen, blind) <= NATS:
        raise NotTriedError("the model pays no attention to other tokens (fresh weights?), so no fault would show")


def _largest(values: Iterable[float]) -> float:
    """The largest; NaN if there is one, which `max` could pass over."""
    return torch.tensor(list(values), dtype=torch.float64).max().item()
