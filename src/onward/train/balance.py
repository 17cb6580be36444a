"""How evenly a mixture of experts is used: the share of the tokens that each expert gets, layer by layer.

Left out: the load-balancing loss that keeps it even (model/trunk.py), which is also what metrics.jsonl reports step by step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from onward.errors import ConfigError
from onward.model.trunk import LanguageModel, MixtureOfExperts
from onward.train.measure import AT_ONCE
from onward.train.objectives import token_losses
from onward.train.packing import Packing, held_out_rows


@torch.inference_mode()
def shares(model: LanguageModel, packing: Packing, targets: int, device: str) -> Tensor:
    """Over up to `targets` held-out tokens, padding left out.   Returns (sparse layers, experts) float64, each row adding up to 1.

    Raises ConfigError for a model without experts.
    """
    sparse = [layer for layer in model.modules() if isinstance(layer, MixtureOfExperts)]
    if not sparse:
        raise ConfigError("this model has no experts, so there is no load to share")
    was_training = model.training
    model.eval()
    counts = torch.zeros(len(sparse), len(sparse[0].experts), dtype=torch.float64)
    for rows in held_out_rows(packing, max(1, AT_ONCE // packing.length), targets):
        batch = packing.batch(rows).to(device)
        token_losses(model, batch)
        real = batch.documents >= 0
        for number, layer in enumerate(sparse):
            assert layer.scores is not None
            chosen = layer.choose(layer.scores)[1][real]
            counts[number] += torch.bincount(chosen.flatten(), minlength=len(layer.experts)).cpu()
    model.train(was_training)
    return counts / counts.sum(-1, keepdim=True)
