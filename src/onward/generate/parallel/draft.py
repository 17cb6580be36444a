"""A draft that is mended: what a model that sees both sides finds least likely in it is hidden and written anew.

The draft may come from anywhere: a model that carries texts on, a look-up, an older text. The idea is mask-predict's (Ghazvininejad et
al. 2019, arXiv 1904.09324), with another's text in the place of the first pass; the score is the pseudo-likelihood (Salazar et al. 2020,
arXiv 1910.14659), in a few turns instead of one for each token. The text that comes of it is distributed neither as the drafter says
nor as the mender does. Left out: a rule for how much to hide.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from onward.generate.parallel.orders import best
from onward.generate.parallel.unmask import Canvas, Conditionals, unmask
from onward.generate.settings import Sampling

TURNS = 4
"""Passes in which every token is hidden once, every fourth at a time, and scored from the rest."""
_MENDING = 2**61


def mended(
    conditionals: Conditionals,
    ids: Tensor,
    free: Tensor,
    settings: Sequence[Sampling],
    positions: Tensor,
    *,
    share: float,
    steps: int,
    order: str = "certain",
) -> Canvas:
    """A draft with the `share` of its free tokens that fit worst written anew, in `steps` passes after the TURNS that score it.

    ids, positions: (B, N) int64; free: (B, N) bool, what may be changed.   The rest as for `unmask`.
    """
    doubtful = best(-fits(conditionals, ids, free), free, (free.sum(1) * share).ceil().long())
    canvas = Canvas.of(ids, ~doubtful)
    return unmask(conditionals, canvas, doubtful, settings, positions + _MENDING, steps=steps, order=order)


def fits(conditionals: Conditionals, ids: Tensor, free: Tensor) -> Tensor:
    """The log-probability of each free token, given what is not hidden in its turn; 0 elsewhere.   Returns (B, N) float64."""
    found = torch.zeros(ids.shape, dtype=torch.float64, device=ids.device)
    turn = free.cumsum(1) % TURNS
    for number in range(TURNS):
        hidden = free & (turn == number)
        log_probs = conditionals(ids, ~hidden).double().log_softmax(-1).gather(-1, ids[:, :, None])[:, :, 0]
        found = torch.where(hidden, log_probs, found)
    return found
