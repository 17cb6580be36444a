"""Soft targets: learning from another model's probabilities of every token beside the one that comes, straight from hidden states.

The logits of two models are twice as many as those of one, so they are made for some tokens at a time, as in cross_entropy.py, and the
gradient is worked out while they are there. Left out: temperatures other than 1 (Hinton et al. 2015, arXiv 1503.02531, section 2, raise
it for classifiers of a few classes; a token has thousands of likely neighbours), and the bias of an encoder's head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from onward.model.trunk import at_least_float32
from onward.train.cross_entropy import LOGITS_AT_ONCE

Scores = tuple[Tensor, Tensor]
"""Hidden states (N, width) and the words' vectors (V, width), whose products are the logits: `Head.factors`."""


def summed_soft_cross_entropy(student: Scores, teacher: Scores, targets: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The sum of (1 - share) * -log q[target] + share * KL(p || q), and that of KL(p || q) alone, which has no gradients. In nats.

    q: the student's probabilities.   p: the teacher's, of the tokens that both have: one may have been filled up to more rows than the
    tokenizer has tokens.   targets: (N,) int64.   Returns (), () in float32 at least.
    """
    total, divergence = _SummedSoftCrossEntropy.apply(*student, *teacher, targets, share)  # type: ignore[no-untyped-call]
    return total, divergence


@torch.no_grad()
def divergences(student: Scores, teacher: Scores) -> Tensor:
    """KL(p || q) of each token, (N,), without gradients. Otherwise as above."""
    hidden = student[0]
    found = torch.empty(len(hidden), dtype=at_least_float32(hidden.dtype), device=hidden.device)
    for part in _parts(student, teacher):
        found[part] = _divergence(*_log_probabilities(student, teacher, part))
    return found


class _SummedSoftCrossEntropy(torch.autograd.Function):
    """The gradient of the student's logits is q, less `1 - share` at the target, less `share` times p."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, taught: Tensor, of_teacher: Tensor, targets: Tensor, share: float
    ) -> tuple[Tensor, Tensor]:
        student, teacher = (hidden, weight), (taught, of_teacher)
        wide = at_least_float32(hidden.dtype)
        total, divergence = torch.zeros(2, dtype=wide, device=hidden.device)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros(weight.shape, dtype=wide, device=weight.device) if ctx.needs_input_grad[1] else None
        for part in _parts(student, teacher):
            log_q, log_p = _log_probabilities(student, teacher, part)
            from_teacher = _divergence(log_q, log_p).sum()
            own = log_q.gather(1, targets[part, None]).sum()
            divergence += from_teacher
            total += share * from_teacher - (1 - share) * own
            gradient = log_q.exp_()
            gradient[:, : log_p.shape[1]].sub_(log_p.exp_(), alpha=share)
            gradient[torch.arange(len(gradient), device=gradient.device), targets[part]] -= 1 - share
            rounded = gradient.to(hidden.dtype)
            if of_weight is not None:
                of_weight += rounded.mT @ hidden[part]
            of_hidden[part] = rounded @ weight.to(hidden.dtype)
        ctx.save_for_backward(of_hidden, of_weight)
        ctx.dtype = weight.dtype
        ctx.mark_non_differentiable(divergence)
        return total, divergence

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weighed = gradients[0]
        of_hidden, of_weight = ctx.saved_tensors
        of_weight = None if of_weight is None else (of_weight * weighed).to(ctx.dtype)
        return of_hidden * weighed.to(of_hidden.dtype), of_weight, None, None, None, None


def _parts(student: Scores, teacher: Scores) -> list[slice]:
    """So many tokens at a time that the logits of both models together are as many as cross-entropy makes of one."""
    hidden = student[0]
    tokens = max(1, LOGITS_AT_ONCE[hidden.device.type] // (len(student[1]) + len(teacher[1])))
    return [slice(first, first + tokens) for first in range(0, len(hidden), tokens)]


def _log_probabilities(student: Scores, teacher: Scores, part: slice) -> Scores:
    """(n, V) of the student; (n, the tokens that both have) of the teacher. float32 at least."""
    found = []
    for hidden, weight in (student, (teacher[0], teacher[1][: len(student[1])])):
        logits = hidden[part] @ weight.to(hidden.dtype).mT
        found.append(logits.to(at_least_float32(hidden.dtype)).log_softmax(-1))
    return found[0], found[1]


def _divergence(log_q: Tensor, log_p: Tensor) -> Tensor:
    """KL(p || q) of each row, (n,)."""
    return (log_p.exp() * (log_p - log_q[:, : log_p.shape[1]])).sum(-1)
