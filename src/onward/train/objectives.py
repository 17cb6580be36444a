"""Objectives: what a model is asked to get right. Each is a pure function `(model, batch) -> Loss`.

So far: the next token. Others (masked tokens, preferences, policies) are further functions beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from onward.model.masks import Mask
from onward.model.trunk import LanguageModel, at_least_float32
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


def token_losses(model: LanguageModel, batch: Batch) -> Tensor:
    """Minus the log-probability of each target in nats, 0 where there is none.   Returns (B, L), float32 at least."""
    mask = Mask.causal() if batch.single else Mask.causal() & Mask.documents(batch.documents)
    logits = model(batch.inputs, batch.positions, mask)
    losses = F.cross_entropy(
        logits.flatten(0, 1).to(at_least_float32(logits.dtype)),
        batch.targets.flatten(),
        ignore_index=IGNORE,
        reduction="none",
    )
    return losses.view_as(batch.targets)


def next_token(model: LanguageModel, batch: Batch) -> Loss:
    """Cross-entropy of the next token, averaged over the targets of the batch; with the router's balance, if there are experts."""
    value = token_losses(model, batch).sum() / batch.learnable
    if model.config.moe is None:
        return Loss(value, batch.learnable)
    balance = model.trunk.balance_loss(batch.documents >= 0)
    return Loss(value + model.config.moe.balance * balance, batch.learnable, {"balance": balance.item()})


def autocast(device: str, precision: str) -> torch.autocast:
    """Matrix products in bf16 where the plan says so; weights, norms and losses stay in fp32."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")
