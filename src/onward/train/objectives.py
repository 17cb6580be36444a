"""Objectives: what a model is asked to get right. Each is a pure function `(model, batch) -> Loss`.

So far: the next token. Others (masked tokens, preferences, policies) are further functions beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import torch
from torch import Tensor

from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.train.cross_entropy import cross_entropies, summed_cross_entropy
from onward.train.packing import IGNORE, Batch


@dataclass(frozen=True)
class Loss:
    """What one pass is worth. `value` is a mean over `weight` things learned from, so that passes can be added up exactly."""

    value: Tensor
    weight: int
    stats: dict[str, float] = field(default_factory=dict)


class Learnable(Protocol):
    """What `fit` needs to know of a batch: how much there is to learn in it, and how to cut and move it."""

    @property
    def learnable(self) -> int: ...
    def split(self, rows: int) -> list[Self]: ...
    def to(self, device: str) -> Self: ...


def next_token(model: LanguageModel, batch: Batch) -> Loss:
    """Cross-entropy of the next token, averaged over the targets of the batch; with the router's balance, if there are experts."""
    value = summed_loss(model, batch) / batch.learnable
    if model.config.moe is None:
        return Loss(value, batch.learnable)
    balance = model.trunk.balance_loss(batch.documents >= 0)
    return Loss(value + model.config.moe.balance * balance, batch.learnable, {"balance": balance.item()})


def summed_loss(model: LanguageModel, batch: Batch) -> Tensor:
    """The cross-entropies of all targets together, in nats, with their gradients.   Returns ()."""
    hidden, targets = _learned(model, batch)
    factors = model.head.factors(hidden, model.embedding.tokens.weight)
    return summed_cross_entropy(*factors, model.head.bias, targets)


@torch.no_grad()
def token_losses(model: LanguageModel, batch: Batch) -> Tensor:
    """Minus the log-probability of each target in nats, 0 where there is none.   Returns (B, L), float32 at least."""
    hidden, targets = _learned(model, batch)
    found = cross_entropies(*model.head.factors(hidden, model.embedding.tokens.weight), model.head.bias, targets)
    losses = torch.zeros(batch.targets.shape, dtype=found.dtype, device=found.device)
    losses[batch.targets != IGNORE] = found
    return losses


def _learned(model: LanguageModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """The hidden states that have a target, and the targets.   Returns (N, width) and (N,)."""
    mask = Mask.causal() if batch.single else Mask.causal() & Mask.documents(batch.documents)
    hidden = model.hidden(batch.inputs, batch.positions, mask)
    learned = batch.targets != IGNORE
    return hidden[learned], batch.targets[learned]
