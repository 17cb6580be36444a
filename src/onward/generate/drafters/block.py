"""A parallel block drafter: one pass of a few layers over the last tokens and some look-ahead places gives all the next tokens at once.

Look-ahead vectors that are learned stand where the next tokens will be (PaSS, arXiv 2311.13581). They go through copies of the model's
first layers, which learn with them, and what comes out is scored by the model's own head. Left out: a cache. The last 32 tokens are read
again for each draft, which for a few layers costs hardly more than keeping count of them.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from onward.errors import PlanError
from onward.generate.drafters.learned import Foretelling
from onward.generate.drafters.model import shallower
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel, Trunk

WINDOW = 32


class Block(nn.Module, Foretelling):
    """Foretells `ahead` tokens: the first at the text's last token, the others at the look-ahead places."""

    kind = "block"
    window, listens, every = WINDOW, False, 8

    def __init__(self, trunk: Trunk, ahead: int) -> None:
        super().__init__()
        if ahead < 1:
            raise PlanError(f"a block of {ahead} tokens is none. Take at least 1.")
        self.ahead, self.trunk = ahead, trunk
        self.places = nn.Parameter(torch.empty(ahead - 1, trunk.config.width))

    @classmethod
    def shaped(cls, model: LanguageModel, **shape: int) -> Self:
        """With a quarter of the model's layers, where nothing is said."""
        depth = shape.pop("depth", -(-model.config.depth // 4))
        return cls(Trunk(shallower(model.config, depth)), **shape)

    @torch.no_grad()
    def initialise(self, model: LanguageModel, seed: int) -> Self:
        """The model's own first layers and norm; look-ahead vectors about as large as those of words."""
        own = {name: weight for name, weight in model.trunk.state_dict().items() if name in self.trunk.state_dict()}
        self.trunk.load_state_dict(own)
        size = float(model.embedding.tokens.weight.square().mean().sqrt())
        self.places.copy_(
            torch.empty(self.places.shape).normal_(0, size, generator=torch.Generator().manual_seed(seed))
        )
        return self

    def shape(self) -> dict[str, int]:
        return {"ahead": self.ahead, "depth": self.trunk.config.depth}

    def guesses(self, model: LanguageModel, hidden: Tensor, ids: Tensor, there: Tensor) -> Tensor:
        del hidden
        texts, tokens = ids.shape
        slots = torch.arange(tokens + self.ahead - 1, device=ids.device)[None]
        words = model.embedding(ids, slots[:, :tokens])
        x = torch.cat([words, self.places.to(words.dtype).expand(texts, -1, -1)], dim=1)
        documents = torch.cat([there.long() - 1, there.new_zeros(texts, self.ahead - 1, dtype=torch.long)], dim=1)
        seen: Tensor = self.trunk(x, slots, Mask.causal() & Mask.documents(documents))
        return seen[:, tokens - 1 :]
