"""Several continuations of one prompt, scored together: the prompt is read once, and the continuations then in one pass.

Prompts that begin alike, as those with the same examples before them, share that beginning through the engine's pages. Left out: scoring
one continuation with several of the likeliest tokens beside it (Engine.scored).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from onward.errors import FolderError, PlanError
from onward.generate.engine import DAMAGED, Engine, Scored
from onward.generate.pages import Table
from onward.generate.reader import News


def scored(
    engine: Engine, prompt: Sequence[int], continuations: Sequence[Sequence[int]], adapter: str | None = None
) -> list[list[float]]:
    """The log-probability in nats of each token of each continuation after the prompt and those before it.   Raises as `weighed` does."""
    return [one.log_probs for one in weighed(engine, prompt, continuations, adapter)]


@torch.inference_mode()
def weighed(
    engine: Engine, prompt: Sequence[int], continuations: Sequence[Sequence[int]], adapter: str | None = None
) -> list[Scored]:
    """As `scored`, with the likeliest token at each place beside it.

    A continuation's last token is not read, and needs no position. Raises PlanError where there is no prompt, or they are longer than that;
    FolderError; NoRoomError.
    """
    longest = max(map(len, continuations), default=0)
    if not prompt or len(prompt) + longest > engine.room + 1:
        raise PlanError(
            f"a prompt of {len(prompt)} and a continuation of {longest} tokens: 1 to {engine.room + 1} are wanted."
        )
    table = Table(engine.pages, adapter)
    tables: list[Table] = [table]
    try:
        first = _read(engine, table, list(prompt))[None]
        found = [_told(first, ids[:1]) for ids in continuations]
        further = [at for at, ids in enumerate(continuations) if len(ids) > 1]
        news = []
        for at in further:
            tables.append(table.fork())
            tables[-1].reserve(len(continuations[at]) - 1)
            ids = [*prompt, *continuations[at]]
            news.append(News(tables[-1], ids, len(continuations[at]) - 1, every=True))
        if news:
            log_probs = _normed(engine.reader.look(news).logits)
            begin = 0
            for at, one in zip(further, news, strict=True):
                rest = _told(log_probs[begin : begin + one.tokens], continuations[at][1:])
                found[at].log_probs.extend(rest.log_probs)
                found[at].alternatives.extend(rest.alternatives)
                begin += one.tokens
        return found
    finally:
        for each in tables:
            each.release()


def _told(log_probs: Tensor, ids: Sequence[int]) -> Scored:
    """Of each token what its row says, and which is the likeliest there.   log_probs: (N, V), or more rows than there are tokens."""
    rows = log_probs[: len(ids)]
    told = rows.gather(-1, torch.tensor(list(ids), dtype=torch.int64, device=rows.device)[:, None])[:, 0]
    best = rows.max(-1)
    likeliest = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Scored(told.tolist(), [[one] for one in likeliest])


def _read(engine: Engine, table: Table, prompt: list[int]) -> Tensor:
    """Read the prompt, as far as nobody has.   Returns (V,), log-probabilities of what follows it."""
    table.adopt(prompt)
    while True:
        tokens = min(engine.schedule.chunk, len(prompt) - table.length)
        logits = engine.reader.read([News(table, prompt, tokens)]).logits
        if table.length == len(prompt):
            return _normed(logits)[-1]


def _normed(logits: Tensor) -> Tensor:
    if not logits.isfinite().all():
        raise FolderError(DAMAGED)
    return logits.double().log_softmax(-1)
