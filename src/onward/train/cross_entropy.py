"""Cross-entropy straight from hidden states: the logits of all tokens never exist at once.

With V words, the logits of a batch are by far its largest tensor, and their fp32 copy and its gradient are twice more of it. Here they
are made for some tokens at a time, and the gradient is worked out while they are there, so that the three matrix products are those of
the plain way and nothing is done twice. The idea: Liger kernels (arXiv 2410.10989, section 3.2). Gains: benchmarks/cross_entropy.py.
Left out: a weight for each token, which would have to be known before the way back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from onward.model.trunk import at_least_float32

LOGITS_AT_ONCE = {"cpu": 2**21, "cuda": 2**27}
"""So many are made together: what stays near the processor's cores, or fills a GPU."""


def summed_cross_entropy(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """The sum of -log softmax(hidden @ weight.T + bias)[target], in nats, float32 at least, with its gradients.

    hidden: (N, width); weight: (V, width); bias: (V,); targets: (N,) int64, 0 to V - 1.   Returns ().
    """
    total: Tensor = _SummedCrossEntropy.apply(hidden, weight, bias, targets)  # type: ignore[no-untyped-call]
    return total


@torch.no_grad()
def cross_entropies(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Each token's own, (N,), without gradients. Otherwise as above."""
    losses = torch.empty(len(targets), dtype=at_least_float32(hidden.dtype), device=hidden.device)
    for part in _parts(hidden, weight):
        logits, normaliser = _logits(hidden[part], weight, bias)
        losses[part] = normaliser - _at(logits, targets[part])
    return losses


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        wide = at_least_float32(hidden.dtype)
        total = torch.zeros((), dtype=wide, device=hidden.device)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros(weight.shape, dtype=wide, device=weight.device)
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=wide)
        for part in _parts(hidden, weight):
            x, y = hidden[part], targets[part]
            logits, normaliser = _logits(x, weight, bias)
            total += (normaliser - _at(logits, y)).sum()
            # The gradient of the logits: softmax minus one at the target.
            gradient = logits.sub_(normaliser[:, None]).exp_()
            gradient[torch.arange(len(y), device=y.device), y] -= 1
            if of_bias is not None:
                of_bias += gradient.sum(0)
            gradient = gradient.to(x.dtype)
            torch.mm(gradient, weight.to(x.dtype), out=of_hidden[part])
            if x.dtype == wide:
                of_weight.addmm_(gradient.mT, x)
            else:
                of_weight += gradient.mT @ x
        ctx.save_for_backward(of_hidden, of_weight, of_bias)
        ctx.dtypes = weight.dtype, None if bias is None else bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (share,) = gradients
        of_hidden, of_weight, of_bias = ctx.saved_tensors
        of_weight_dtype, of_bias_dtype = ctx.dtypes
        of_bias = None if of_bias is None else (of_bias * share).to(of_bias_dtype)
        return of_hidden * share.to(of_hidden.dtype), (of_weight * share).to(of_weight_dtype), of_bias, None


def _parts(hidden: Tensor, weight: Tensor) -> list[slice]:
    tokens = max(1, LOGITS_AT_ONCE[hidden.device.type] // len(weight))
    return [slice(first, first + tokens) for first in range(0, len(hidden), tokens)]


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """(n, V) logits and (n,) log of the sum of their exponentials, float32 at least."""
    logits = (hidden @ weight.to(hidden.dtype).mT).to(at_least_float32(hidden.dtype))
    logits = logits if bias is None else logits + bias
    return logits, logits.logsumexp(-1)


def _at(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.gather(1, targets[:, None]).squeeze(1)
