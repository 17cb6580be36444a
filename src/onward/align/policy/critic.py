"""The critic: a second head on a chat model that foretells, at every place of an answer, what the answer will be worth.

It shares the trunk with the policy, as in Ziegler et al. 2019 (arXiv 1909.08593, section 2.2), and is taken away before the model is saved.
Left out: a critic with a trunk of its own, which costs as much again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel, at_least_float32


class ActorCritic(LanguageModel):
    """A language model with a value head."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__(config)
        self.value = nn.Linear(config.width, 1)

    @torch.no_grad()
    def expect(self, worth: float) -> None:
        """Begin with this everywhere: what the first answers are worth on average, so that only differences are left to learn."""
        self.value.bias.fill_(worth)

    def values(self, hidden: Tensor) -> Tensor:
        """What is foretold at each place.   hidden: (..., width).   Returns (...), float32 at least."""
        found: Tensor = self.value(hidden).squeeze(-1)
        return found.to(at_least_float32(found.dtype))


def with_critic(model: LanguageModel) -> ActorCritic:
    """The same model, sharing its weights, with a critic that begins at zero: nothing is foretold before anything has been seen."""
    with torch.device("meta"):
        found = ActorCritic(model.config)
    found.embedding, found.trunk, found.head = model.embedding, model.trunk, model.head
    found.value = found.value.to_empty(device=model.embedding.tokens.weight.device).to(
        model.embedding.tokens.weight.dtype
    )
    nn.init.zeros_(found.value.weight)
    nn.init.zeros_(found.value.bias)
    return found.train(model.training)


def without_critic(model: LanguageModel) -> LanguageModel:
    """The language model alone; it shares the weights."""
    with torch.device("meta"):
        found = LanguageModel(model.config)
    found.embedding, found.trunk, found.head = model.embedding, model.trunk, model.head
    return found.train(model.training)
