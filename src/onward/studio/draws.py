"""What happens at one place of a text where a word is drawn: the model's distribution, and what temperature and the filters make of it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import torch

from onward.generate.processors import Said, processed
from onward.generate.sampling import probabilities
from onward.generate.settings import Sampling
from onward.serve.models import Served

SHOWN = 14
"""Of the likeliest words."""


@dataclass(frozen=True)
class Word:
    """probability: under the model as it is.   chance: with which it is drawn, after temperature, penalties and filters; 0: left out."""

    id: int
    probability: float
    chance: float
    rank: int


@dataclass(frozen=True)
class Place:
    """words: the likeliest, and the one that stands there.   entropy, settled: in bits, of the model's distribution, and of what is drawn
    from.   left: so many of `vocabulary` words can be drawn."""

    words: list[Word]
    here: Word
    entropy: float
    settled: float
    left: int
    vocabulary: int


async def look(served: Served, ids: list[int], at: int, begin: int, sampling: Sampling) -> Place:
    """At ids[at], after what stands before; what was drawn, and not given, begins at `begin`.   Raises PlanError, FolderError."""
    engine, adapter = served.model.engine, served.model.adapter
    size = engine.model.config.vocab_size

    def scored() -> list[tuple[int, float]]:
        return engine.scored(ids[:at], ids[at : at + 1], adapter, alternatives=size).alternatives[0]

    found = await asyncio.wrap_future(served.worker.do(scored))
    return _place(found, ids, at, begin, sampling)


def _place(found: list[tuple[int, float]], ids: list[int], at: int, begin: int, sampling: Sampling) -> Place:
    """found: every token's log-probability, the likeliest first."""
    log_probs = torch.full((len(found),), -torch.inf, dtype=torch.float64)
    log_probs[torch.tensor([token for token, _ in found])] = torch.tensor([p for _, p in found], dtype=torch.float64)
    said = Said(sampling=sampling, ids=ids[:at], drawn=ids[begin:at], bias={})
    chances = probabilities(processed(log_probs[None], [said]), [sampling])[0].tolist()
    every = [Word(token, math.exp(p), chances[token], rank) for rank, (token, p) in enumerate(found, 1)]
    here = next(word for word in every if word.id == ids[at])
    shown = every[:SHOWN] if here.rank <= SHOWN else [*every[: SHOWN - 1], here]
    return Place(
        words=shown,
        here=here,
        entropy=_bits([word.probability for word in every]),
        settled=_bits(chances),
        left=sum(chance > 0 for chance in chances),
        vocabulary=len(found),
    )


def _bits(chances: list[float]) -> float:
    return -sum(p * math.log2(p) for p in chances if p > 0)
