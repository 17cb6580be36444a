"""What of a model is learned: all of it, or, where an adapter learns, the adapter alone. The rest stays as the folder has it that it came
from, and is neither kept in checkpoints, nor averaged, nor held twice.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from onward.model.trunk import LanguageModel
from onward.train import processes


def learned(model: nn.Module) -> dict[str, Tensor]:
    """The weights that learn, by name; of several processes, each has its part. (`parameters()` would give whole ones where FSDP has just
    gathered them.)"""
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name in names}


def copied(model: LanguageModel, *, int8_only: bool = False) -> LanguageModel:
    """A copy for a while, which has the weights that stay as they are in common with the model.

    int8_only: only those in int8, where the others are about to be changed to another precision.
    """
    common = {id(p): p for p in model.parameters() if (p.dtype == torch.int8 if int8_only else not p.requires_grad)}
    return copy.deepcopy(model, common)


def weight_bytes(model: nn.Module, precision: str) -> int:
    """Bytes in each process for weights and what belongs to them: 16 for each that learns (itself, its gradient, and two moments, in fp32);
    for the others what they are stored in, and 2 for the copy that computes in bf16."""
    total = 0
    for parameter in model.parameters():
        if parameter.requires_grad:
            total += 16 * parameter.numel()
        else:
            copies = 2 * parameter.numel() if precision == "bf16" and parameter.is_floating_point() else 0
            total += parameter.nbytes + copies
    return (total + sum(buffer.nbytes for buffer in model.buffers())) // processes.count()
