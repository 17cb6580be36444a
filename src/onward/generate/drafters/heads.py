"""Heads: from what the model's last token was drawn from, each foretells one further token, all at once.

Medusa (arXiv 2401.10774, section 2.1), with distinct weights for each head, and three changes, all measured in docs/drafters.md. A head is
told the token that was drawn, as in Hydra (arXiv 2402.05109), since the hidden state cannot know it. It has no vocabulary of its own: what
it makes is scored by the model's words, which are read once for all heads. And it has a second matrix, which learns more slowly and goes
further. Left out: heads that see one another's guesses.
"""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onward.errors import PlanError
from onward.generate.drafters.learned import Foretelling
from onward.model.trunk import LanguageModel

AHEAD = 4
"""Heads, where nothing is said: a fifth is right too seldom to pay for its place in the tree."""


class Heads(nn.Module, Foretelling):
    """Head j gives h + V_j silu(W_j [h; e]), for the hidden state h and the token's vector e, normed."""

    kind = "heads"
    window, listens, every = 1, True, 1

    def __init__(self, width: int, ahead: int) -> None:
        super().__init__()
        if ahead < 1:
            raise PlanError(f"{ahead} heads foretell nothing. Take at least 1.")
        self.ahead = ahead
        self.inwards = nn.ModuleList(nn.Linear(2 * width, width, bias=False) for _ in range(ahead))
        self.outwards = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(ahead))

    @classmethod
    def shaped(cls, model: LanguageModel, **shape: int) -> Self:
        return cls(model.config.width, **shape)

    @torch.no_grad()
    def initialise(self, model: LanguageModel, seed: int) -> Self:
        """Each head begins as the model's own."""
        generator = torch.Generator().manual_seed(seed)
        std = (2 * model.config.width) ** -0.5
        for weight in self.inwards.parameters():
            weight.copy_(torch.empty(weight.shape).normal_(0, std, generator=generator))
        for weight in self.outwards.parameters():
            weight.zero_()
        return self

    def shape(self) -> dict[str, int]:
        return {"ahead": self.ahead}

    def guesses(self, model: LanguageModel, hidden: Tensor, ids: Tensor, there: Tensor) -> Tensor:
        del there  # a text that goes on has a last token
        vectors = model.embedding.tokens(ids[:, -1])
        both = torch.cat([hidden, F.rms_norm(vectors, vectors.shape[-1:])], dim=-1)
        pairs = zip(self.inwards, self.outwards, strict=True)
        return torch.stack([hidden + outwards(F.silu(inwards(both))) for inwards, outwards in pairs], dim=1)
