"""Two optimisers, each for what it is best at: Muon for the matrices of the blocks, AdamW for everything else.

Muon (Jordan et al. 2024) makes each update of a matrix orthogonal; embeddings, the output matrix, routers, gains
and biases are not matrices in that sense and go to AdamW, torch's own.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from onward.train.muon import Muon
from onward.train.plan import TrainPlan


def optimisers(model: nn.Module, plan: TrainPlan) -> list[Optimizer]:
    """The optimisers of a plan over all parameters that want a gradient. Each group keeps its peak rate in `peak`."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim == 2 and ".blocks." in name and not name.endswith("router.weight")
            (matrices if is_matrix else others).append(parameter)
    precision = torch.bfloat16 if plan.precision == "bf16" else torch.float32
    found: list[Optimizer] = []
    if matrices:
        found.append(Muon(matrices, lr=plan.lr, weight_decay=plan.weight_decay, precision=precision))
    if others:
        found.append(AdamW(others, lr=plan.lr_embedding, betas=(0.9, 0.95), weight_decay=0.0, fused=True))
    for optimiser in found:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return found


def set_rate(found: list[Optimizer], share: float) -> None:
    """Set every group's learning rate to `share` of its peak."""
    for optimiser in found:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * share
