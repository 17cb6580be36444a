"""Which tokens of a block stay after a pass: the only thing in which ways to write in parallel differ.

`random` is the exact ancestral sampler of masked diffusion (arXiv 2406.07524, section 3.2.2). `confident` keeps the tokens that the model
finds likeliest once they are drawn (LLaDA, arXiv 2502.09992, section 2.4). `certain` chooses the places before anything is drawn, by the
entropy there: as good an order, and at one token a pass the text is still distributed as the model says, which with `confident` it is
not: a token that came out likely is kept, and one that came out unlikely gets another draw. `mask_predict` hides anew whatever it is
least confident of, from the whole block (Ghazvininejad et al. 2019, arXiv 1904.09324). `remask` takes back a few of those that stood
already (ReMDM, arXiv 2503.00307, section 4.1, by confidence). Left out: orders that are learned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

TAKEN_BACK = 0.1
"""Of the tokens that stand, in each pass of `remask`; one at least."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass over places to fill; (B, N) each. There are `steps` of them, and this is `number`, from 0.

    free: the places to fill.   known: which of all places had a token before the pass.   confidence: the log-probability of the token at
    each free place when it was drawn, in this pass where it was not known.   certainty: minus the entropy there, now.   noise: Gumbel's.
    """

    number: int
    steps: int
    free: Tensor
    known: Tensor
    confidence: Tensor
    certainty: Tensor
    noise: Tensor

    @property
    def hidden(self) -> Tensor:
        return self.free & ~self.known

    @property
    def due(self) -> Tensor:
        """How many of the free places are to have a token after the pass: as many more in each.   (B,)"""
        return -(-self.free.sum(1) * (self.number + 1) // self.steps)

    def more(self, scores: Tensor, extra: Tensor | int = 0) -> Tensor:
        """What is known, and of the hidden the best by these scores, until as many are as are due."""
        lacking = self.due + extra - (self.known & self.free).sum(1)
        return self.known | best(scores, self.hidden, lacking)


Order = Callable[[Pass], Tensor]
"""A pass to the places that have a token after it, (B, N) bool."""


def random(one: Pass) -> Tensor:
    return one.more(one.noise)


def certain(one: Pass) -> Tensor:
    return one.more(one.certainty)


def confident(one: Pass) -> Tensor:
    return one.more(one.confidence)


def mask_predict(one: Pass) -> Tensor:
    return (one.known & ~one.free) | best(one.confidence, one.free, one.due)


def remask(one: Pass) -> Tensor:
    """As many tokens come in addition as are taken back: by chance, and rather those in which there was little confidence."""
    standing = one.known & one.free
    last = one.due == one.free.sum(1)
    back = torch.where(last, 0, (standing.sum(1) * TAKEN_BACK).ceil().long())
    back = torch.minimum(back, one.free.sum(1) - one.due)
    return one.more(one.confidence, back) & ~best(one.noise - one.confidence.exp(), standing, back)


def best(scores: Tensor, among: Tensor, count: Tensor) -> Tensor:
    """The `count` (B,) places with the highest scores among some of them; the first of equals.   (B, N)"""
    scores = scores.double().masked_fill(~among, -torch.inf)
    ranked = scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return among & (ranked < count[:, None])


ORDER: dict[str, Order] = {
    "certain": certain,
    "random": random,
    "confident": confident,
    "mask-predict": mask_predict,
    "remask": remask,
}
REVISES = ("mask-predict", "remask")
"""Orders that take tokens back, and so can use more passes than there are tokens."""
