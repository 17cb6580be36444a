"""Cross-entropy straight from hidden states: the logits of all tokens never exist at once.

With V words, the logits of a batch are by far its largest tensor, and their fp32 copy and its gradient are twice more of it. Here they
are made for some tokens at a time, and the gradient is worked out while they are there, so that the three matrix products are those of
the plain way and nothing is done twice. A weight that does not learn, as beside an adapter, gets no gradient: it would be as large as all
of the embeddings. The idea: Liger kernels (arXiv 2410.10989, section 3.2). Gains: benchmarks/cross_entropy.py.
Where a loss depends on several tokens together, as that of preferences does, their weights are not known before the way back: for that
there is `log_probs`, which keeps the exponentials where they are few, and otherwise makes them twice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from onward.model.trunk import at_least_float32

LOGITS_AT_ONCE = {"cpu": 2**21, "cuda": 2**27}
"""So many are made together: what stays near the processor's cores, or fills a GPU."""
LOGITS_KEPT = {"cpu": 2**25, "cuda": 2**28}
"""Up to so many are kept for the way back of `log_probs`: 128 MB, or 1 GB."""


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
        losses[part] = _exponentials(hidden[part], weight, bias, targets[part])[2]
    return losses


def log_probs(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Each token's own log-probability in nats, (N,), with gradients, so that a loss can be any function of them."""
    found: Tensor = _LogProbs.apply(hidden, weight, bias, targets)  # type: ignore[no-untyped-call]
    return found


class _SummedCrossEntropy(torch.autograd.Function):
    """The gradient of the logits is softmax minus one at the target, and softmax is exponentials over their sum."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        wide = at_least_float32(hidden.dtype)
        total = torch.zeros((), dtype=wide, device=hidden.device)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros(weight.shape, dtype=wide, device=weight.device) if ctx.needs_input_grad[1] else None
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=wide)
        gradients = _gradients if hidden.dtype == wide else _gradients_rounded_late
        for part in _parts(hidden, weight):
            x, y = hidden[part], targets[part]
            exponentials, sums, losses = _exponentials(x, weight, bias, y)
            total += losses.sum()
            if of_bias is not None:
                of_bias.addmv_(exponentials.mT, 1 / sums).index_add_(0, y, torch.ones_like(sums), alpha=-1)
            of_hidden[part] = gradients(exponentials, sums, x, y, weight, of_weight)
        ctx.save_for_backward(of_hidden, of_weight, of_bias)
        ctx.dtypes = weight.dtype, None if bias is None else bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (share,) = gradients
        of_hidden, of_weight, of_bias = ctx.saved_tensors
        of_weight_dtype, of_bias_dtype = ctx.dtypes
        of_bias = None if of_bias is None else (of_bias * share).to(of_bias_dtype)
        of_weight = None if of_weight is None else (of_weight * share).to(of_weight_dtype)
        return of_hidden * share.to(of_hidden.dtype), of_weight, of_bias, None


class _LogProbs(torch.autograd.Function):
    """The gradient of the logits is that of the log-probability, times one at the target minus softmax."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        found = torch.empty(len(targets), dtype=at_least_float32(hidden.dtype), device=hidden.device)
        keep = len(targets) * len(weight) <= LOGITS_KEPT[hidden.device.type] and any(ctx.needs_input_grad)
        ctx.kept = {}
        for number, part in enumerate(_parts(hidden, weight)):
            exponentials, sums, losses = _exponentials(hidden[part], weight, bias, targets[part])
            found[part] = -losses
            if keep:
                ctx.kept[number] = exponentials, sums
        ctx.save_for_backward(hidden, weight, bias, targets)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets = ctx.saved_tensors
        wide = at_least_float32(hidden.dtype)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros(weight.shape, dtype=wide, device=weight.device) if ctx.needs_input_grad[1] else None
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=wide)
        for number, part in enumerate(_parts(hidden, weight)):
            x, y, given = hidden[part], targets[part], gradients[0][part]
            exponentials, sums = ctx.kept.pop(number, None) or _exponentials(x, weight, bias, y)[:2]
            of_logits = exponentials.mul_((-given / sums)[:, None])
            of_logits[torch.arange(len(y), device=y.device), y] += given
            if of_bias is not None:
                of_bias += of_logits.sum(0)
            of_logits = of_logits.to(x.dtype)
            if of_weight is not None:
                of_weight += of_logits.mT @ x
            of_hidden[part] = of_logits @ weight.to(x.dtype)
        of_weight = None if of_weight is None else of_weight.to(weight.dtype)
        return of_hidden, of_weight, None if of_bias is None else of_bias.to(bias.dtype), None


def _gradients(
    exponentials: Tensor, sums: Tensor, x: Tensor, y: Tensor, weight: Tensor, of_weight: Tensor | None
) -> Tensor:
    """That of x, (n, width); that of the weight is added to `of_weight`, if wanted. Dividing by the sums, and taking away the target's one,
    are done on rows of the width, which are shorter than rows of the vocabulary."""
    share = (1 / sums)[:, None]
    if of_weight is not None:
        of_weight.addmm_(exponentials.mT, x * share).index_add_(0, y, x, alpha=-1)
    return (exponentials @ weight).mul_(share).sub_(weight[y])


def _gradients_rounded_late(
    exponentials: Tensor, sums: Tensor, x: Tensor, y: Tensor, weight: Tensor, of_weight: Tensor | None
) -> Tensor:
    """The same for 16 bits, where the difference of two large numbers would keep nothing: it is taken before rounding."""
    gradient = exponentials.div_(sums[:, None])
    gradient[torch.arange(len(y), device=y.device), y] -= 1
    gradient = gradient.to(x.dtype)
    if of_weight is not None:
        of_weight += gradient.mT @ x
    return gradient @ weight.to(x.dtype)


def _parts(hidden: Tensor, weight: Tensor) -> list[slice]:
    tokens = max(1, LOGITS_AT_ONCE[hidden.device.type] // len(weight))
    return [slice(first, first + tokens) for first in range(0, len(hidden), tokens)]


def _exponentials(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(n, V) exponentials of the logits, each row's divided by its largest; (n,) their sums; (n,) the losses. float32 at least."""
    logits = (hidden @ weight.to(hidden.dtype).mT).to(at_least_float32(hidden.dtype))
    logits = logits if bias is None else logits.add_(bias)
    logits.sub_(logits.amax(-1, keepdim=True))
    wanted = logits.gather(1, targets[:, None]).squeeze(1)
    sums = logits.exp_().sum(-1)
    return logits, sums, sums.log() - wanted
