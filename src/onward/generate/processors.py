"""What changes the logits before a token is drawn: penalties for what has been said, a bias for single tokens, what a grammar forbids.

Pure functions of the logits and of the text so far, so that a draft may be looked at as if it had been said. Left out: temperature and
filters (sampling.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onward.generate.settings import Sampling

Allowed = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one row's logits follow.   ids: the whole text.   drawn: those of them that were drawn.   bias: added to single tokens' logits.
    allowed: (V,) what a grammar lets come next; None: everything."""

    sampling: Sampling
    ids: Sequence[int]
    drawn: Sequence[int]
    bias: Mapping[int, float]
    allowed: Allowed | None = None

    @property
    def changes(self) -> bool:
        return bool(self.bias) or self.allowed is not None or self.sampling.penalises


def processed(logits: Tensor, said: Sequence[Said]) -> Tensor:
    """The logits (B, V) as they are drawn from."""
    if not any(one.changes for one in said):
        return logits
    logits = logits.clone()
    for row, one in zip(logits, said, strict=True):
        _penalise(row, one)
        for token, more in one.bias.items():
            row[token] += more
        if one.allowed is not None:
            row[: len(one.allowed)].masked_fill_(torch.from_numpy(~one.allowed).to(row.device), -torch.inf)
            row[len(one.allowed) :] = -torch.inf  # rows of the embedding that no token has
    return logits


def _penalise(row: Tensor, said: Said) -> None:
    """Repetition: logits of all that stands in the text are divided if positive, multiplied if negative (Keskar et al. 2019, arXiv
    1909.05858, section 4.1). Presence and frequency: taken off once, and for each time that it was drawn, as the OpenAI API has it."""
    asked = said.sampling
    if asked.repetition_penalty != 1 and said.ids:
        there = torch.tensor(sorted(set(said.ids)), device=row.device)
        old = row[there]
        row[there] = torch.where(old > 0, old / asked.repetition_penalty, old * asked.repetition_penalty)
    if said.drawn and (asked.presence_penalty or asked.frequency_penalty):
        times = Counter(said.drawn)
        taken = [asked.presence_penalty + asked.frequency_penalty * count for count in times.values()]
        row[list(times)] -= torch.tensor(taken, dtype=row.dtype, device=row.device)
