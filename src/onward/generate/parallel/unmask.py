"""The loop of every parallel sampler: all hidden tokens are drawn at once, some stay, the rest is drawn again.

The tokens of one pass do not know of one another. That is the price: at one pass the text has the right words at each place and not
together ("a white cat, a black dog" may become "a white dog"); with a pass for each token it is the chain rule in some order.
Draws are a function of seed, position and pass: in the first pass the noise is that of `onward.generate.sampling`, so that a block of
one token gets the token that the engine would draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.generate.parallel.orders import ORDER, REVISES, Pass
from onward.generate.sampling import draw, gumbel
from onward.generate.settings import Sampling

Conditionals = Callable[[Tensor, Tensor], Tensor]
"""Tokens (B, N) int64 and which of them are known (B, N) bool, to the logits (B, N, V) of every hidden one given those."""

_PASS = 2**32
_ORDER = 2**62


@dataclass(frozen=True, eq=False)
class Canvas:
    """Places and what stands there; (B, N) each. Where `known` is false, `ids` mean nothing.

    log_probs: of each token when it was drawn, in nats, under the model as it is; 0 where it was given.
    """

    ids: Tensor
    known: Tensor
    log_probs: Tensor

    @classmethod
    def of(cls, ids: Tensor, known: Tensor) -> Canvas:
        return cls(ids, known, torch.zeros(ids.shape, dtype=torch.float64, device=ids.device))


def unmask(
    conditionals: Conditionals,
    canvas: Canvas,
    free: Tensor,
    settings: Sequence[Sampling],
    positions: Tensor,
    *,
    steps: int,
    order: str,
) -> Canvas:
    """Fill the free places that are hidden, in `steps` passes; what else is hidden stays so.

    free: (B, N) bool.   settings: one a row; temperature and filters count.   positions: (B, N) int64, of each place in its text.
    """
    if order not in REVISES:
        steps = min(steps, max(1, int(free.sum(1).max())))
    for number in range(steps):
        hidden = free & ~canvas.known
        drawn = _drawn(conditionals(canvas.ids, canvas.known), hidden, canvas, settings, positions + number * _PASS)
        ids, log_probs, certainty = drawn
        noise = _order_noise(settings, positions + number * _PASS)
        known = ORDER[order](Pass(number, steps, free, canvas.known, log_probs, certainty, noise))
        canvas = replace(canvas, ids=ids, log_probs=log_probs, known=known)
    return canvas


def _drawn(
    logits: Tensor, hidden: Tensor, canvas: Canvas, settings: Sequence[Sampling], counters: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, their log-probabilities, and minus the entropy, with those of the hidden places new.   (B, N) each"""
    rows, places = hidden.nonzero(as_tuple=True)
    there = logits[rows, places]
    new = draw(there, [settings[row] for row in rows.tolist()], counters[rows, places])
    all_log_probs = there.double().log_softmax(-1)
    ids, log_probs = canvas.ids.clone(), canvas.log_probs.clone()
    ids[rows, places] = new
    log_probs[rows, places] = all_log_probs.gather(1, new[:, None])[:, 0]
    certainty = torch.zeros_like(log_probs)
    certainty[rows, places] = (all_log_probs.exp() * all_log_probs.clamp(min=-1e30)).sum(-1)
    return ids, log_probs, certainty


def _order_noise(settings: Sequence[Sampling], counters: Tensor) -> Tensor:
    seeds = torch.tensor([s.seed for s in settings], device=counters.device)[:, None].expand_as(counters)
    return gumbel(seeds.flatten(), counters.flatten() + _ORDER, 1).view(counters.shape)
