"""Beam search: the likeliest text as far as it can be found by following the few likeliest beginnings.

Left out: drawing (a beam has no luck in it), and diverse beams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from onward.errors import PlanError
from onward.generate.engine import Engine
from onward.generate.pages import Table
from onward.generate.reader import News


@dataclass(frozen=True)
class Beam:
    """A text that was found.   ids: after the prompt, with the token that ended it.   log_prob: of these, in nats."""

    ids: list[int]
    text: str
    log_prob: float
    ended: bool


@dataclass
class _Path:
    table: Table
    ids: list[int]
    log_prob: float = 0.0


@torch.inference_mode()
def search(
    engine: Engine, prompt: Sequence[int], width: int, max_tokens: int, *, length_penalty: float = 1.0
) -> list[Beam]:
    """The `width` best that were found, the best first: by log-probability over tokens ** length_penalty (0: the probability itself).

    With a width of 1, the likeliest token at every place.   Source: Graves 2012 (arXiv 1211.3711), section 2.5; the length as in Wu et al.
    2016 (arXiv 1609.08144), section 7, simplified.   Raises PlanError.
    """
    if width < 1 or not 0 < len(prompt) < engine.room:
        raise PlanError(f"a beam of {width} after {len(prompt)} tokens: 1 or more, after 1 to {engine.room - 1}.")
    room = min(max_tokens, engine.room - len(prompt))
    paths, done = [_Path(Table(engine.pages, None), list(prompt))], list[Beam]()

    def worth(beam: Beam) -> float:
        return float(beam.log_prob / len(beam.ids) ** length_penalty)

    try:
        for _ in range(room):
            paths = _further(engine, paths, len(prompt), width, done)
            if not paths:
                break
        done += [_beam(engine, path.ids[len(prompt) :], path.log_prob, ended=False) for path in paths]
    finally:
        for path in paths:
            path.table.release()
    return sorted(done, key=worth, reverse=True)[:width]


def _further(engine: Engine, paths: list[_Path], prompt: int, width: int, done: list[Beam]) -> list[_Path]:
    """The likeliest `width` continuations by a token that end nothing; those among the best that end a text are done."""
    news = [News(path.table, path.ids, len(path.ids) - path.table.length) for path in paths]
    log_probs = engine.reader.read(news).logits.double().log_softmax(-1)
    total = log_probs + torch.tensor([[path.log_prob] for path in paths], device=log_probs.device)
    best = total.flatten().topk(min(width + len(engine.ends) * len(paths), total.numel()))
    further = list[_Path]()
    for place, value in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        path, token = paths[place // total.shape[1]], place % total.shape[1]
        if token in engine.ends:
            done.append(_beam(engine, [*path.ids[prompt:], token], value, ended=True))
        elif len(further) < width:
            further.append(_Path(path.table.fork(), [*path.ids, token], value))
    for path in paths:
        path.table.release()
    return further


def _beam(engine: Engine, ids: list[int], log_prob: float, *, ended: bool) -> Beam:
    return Beam(ids, engine.tokenizer.decode(ids[:-1] if ended else ids), log_prob, ended)
