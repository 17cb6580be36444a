"""Objectives: what a model is asked to get right. Each is a pure function `(model, batch) -> Loss`.

All here are one cross-entropy under different masks: a token from those before it, a hidden token from both sides, a text from another
one, any number of hidden tokens of a block. Left out: how tokens come to be hidden (corruption.py, spans.py, diffusion.py), preferences
and policies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import torch
from torch import Tensor

from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.train.cross_entropy import cross_entropies, log_probs, summed_cross_entropy
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


def backwards(batch: Batch) -> Mask:
    """A place sees those before it in its document."""
    return Mask.causal() if batch.single else Mask.causal() & Mask.documents(batch.documents)


def both_ways(batch: Batch) -> Mask:
    """A place sees its whole document."""
    return Mask.full() & Mask.documents(batch.documents)


def prefix_first(batch: Batch) -> Mask:
    """A place sees the prefix of its document, and those before it."""
    assert batch.prefix is not None, "a batch without prefixes"
    return Mask.prefixes(batch.prefix) & Mask.documents(batch.documents)


def block_by_block(batch: Batch) -> Mask:
    """A place of a block sees its block, and what came before it in its document as it is."""
    assert batch.starts is not None, "a batch without blocks"
    return Mask.blocks(batch.positions, batch.starts) & Mask.documents(batch.documents)


def next_token(model: LanguageModel, batch: Batch) -> Loss:
    """Each token from those before it."""
    return averaged(model, batch, backwards(batch))


def masked_token(model: LanguageModel, batch: Batch) -> Loss:
    """Hidden tokens from all around them, which makes an encoder.   Source: BERT (arXiv 1810.04805), section 3.1, task 1."""
    return averaged(model, batch, both_ways(batch))


def prefix_token(model: LanguageModel, batch: Batch) -> Loss:
    """A text from a prefix that is read both ways: an encoder and a decoder in one trunk, for span corruption as for translation.

    Source: the prefix language model of T5 (arXiv 1910.10683), section 3.2.1.
    """
    return averaged(model, batch, prefix_first(batch))


def masked_diffusion(model: LanguageModel, batch: Batch) -> Loss:
    """Hidden tokens of a block from its others and all before it, weighed so that the mean is an upper bound of what the text costs.

    Source: LLaDA (arXiv 2502.09992), equation 3, and MDLM (2406.07524); by blocks, BD3-LM (2503.09573), section 3.
    """
    assert batch.weights is not None, "a batch without weights"
    hidden, targets = learned_places(model, batch, block_by_block(batch))
    found = log_probs(*model.head.factors(hidden, model.embedding.tokens.weight), model.head.bias, targets)
    value = -(batch.weights[batch.targets != IGNORE].to(found.dtype) * found).sum() / batch.learnable
    return balanced(model, batch, Loss(value, batch.learnable))


def averaged(model: LanguageModel, batch: Batch, mask: Mask) -> Loss:
    """Cross-entropy, averaged over the targets of the batch; with the router's balance, if there are experts."""
    return balanced(model, batch, Loss(summed_loss(model, batch, mask) / batch.learnable, batch.learnable))


def balanced(model: LanguageModel, batch: Batch, loss: Loss) -> Loss:
    """The loss of the pass just made, with the router's balance, if there are experts."""
    if model.config.moe is None:
        return loss
    balance = model.trunk.balance_loss(batch.documents >= 0)
    stats = loss.stats | {"balance": balance.item()}
    return Loss(loss.value + model.config.moe.balance * balance, loss.weight, stats)


def summed_loss(model: LanguageModel, batch: Batch, mask: Mask) -> Tensor:
    """The cross-entropies of all targets together, in nats, with their gradients.   Returns ()."""
    hidden, targets = learned_places(model, batch, mask)
    factors = model.head.factors(hidden, model.embedding.tokens.weight)
    return summed_cross_entropy(*factors, model.head.bias, targets)


@torch.no_grad()
def token_losses(model: LanguageModel, batch: Batch, mask: Mask | None = None) -> Tensor:
    """Minus the log-probability of each target in nats, times its weight; 0 where there is none.   Returns (B, L), float32 at least.

    mask: by default `backwards`.
    """
    hidden, targets = learned_places(model, batch, backwards(batch) if mask is None else mask)
    found = cross_entropies(*model.head.factors(hidden, model.embedding.tokens.weight), model.head.bias, targets)
    losses = torch.zeros(batch.targets.shape, dtype=found.dtype, device=found.device)
    losses[batch.targets != IGNORE] = found
    return losses if batch.weights is None else losses * batch.weights.to(losses.dtype)


def learned_places(model: LanguageModel, batch: Batch, mask: Mask) -> tuple[Tensor, Tensor]:
    """The hidden states that have a target, and the targets.   Returns (N, width) and (N,)."""
    hidden = model.hidden(batch.inputs, batch.positions, mask)
    learned = batch.targets != IGNORE
    return hidden[learned], batch.targets[learned]
