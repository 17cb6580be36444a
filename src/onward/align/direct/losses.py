"""The losses of DPO, IPO and KTO, as pure functions of the log-probabilities of whole answers, and what one wants to see beside them.

Each takes (P,) sums over an answer's tokens, of better and worse answers to the same prompts, as the policy gives them and as its start,
the reference, did; and returns (P,) losses. `beta` holds the policy near the reference: the larger, the nearer. What these methods share
is that the policy is its own reward model: an answer's implicit reward is `beta` times its log-ratio, by how much likelier it has become.
Left out: smoothed labels, other divergences, and the many further losses of this family.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def dpo(
    policy_chosen: Tensor, policy_rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """-log sigmoid(beta * (difference of the two log-ratios)): Bradley and Terry's loss on the implicit rewards.

    Source: Rafailov et al. 2023 (arXiv 2305.18290), equation 7.
    """
    chosen, rejected = policy_chosen - reference_chosen, policy_rejected - reference_rejected
    return -F.logsigmoid(beta * (chosen - rejected))


def ipo(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    tokens_chosen: Tensor,
    tokens_rejected: Tensor,
    beta: float,
) -> Tensor:
    """(difference of the two log-ratios - 1 / (2 * beta))^2: a margin to reach and not to exceed, where DPO's has no end.

    Source: Azar et al. 2023 (arXiv 2310.12036), equation 17, where beta is tau. Its log-ratios are means over an answer's tokens here, (P,)
    of them in `tokens_*`: with sums, one margin would have to do for long and for short answers. So does TRL, and says that the authors
    have confirmed it.
    """
    chosen = (policy_chosen - reference_chosen) / tokens_chosen
    rejected = (policy_rejected - reference_rejected) / tokens_rejected
    return (chosen - rejected - 1 / (2 * beta)).square()


def kto(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    divergence: Tensor,
    beta: float,
) -> Tensor:
    """How far from certain it is that a better answer has gained on the point of reference, and a worse one lost: a mean of the two.

    1 - sigmoid(beta * (log-ratio - divergence)), and 1 - sigmoid(beta * (divergence - log-ratio)). Both weights (lambda) are 1, as there
    are as many of the one kind as of the other.   divergence: (), from `reference_point`.
    Source: Ethayarajh et al. 2024 (arXiv 2402.01306), equation 8.
    """
    gained = beta * (policy_chosen - reference_chosen - divergence)
    lost = beta * (divergence - (policy_rejected - reference_rejected))
    return (F.sigmoid(-gained) + F.sigmoid(-lost)) / 2


def reference_point(policy: Tensor, reference: Tensor) -> Tensor:
    """KTO's estimate of the divergence from the reference, (): the mean log-ratio of answers to other prompts, and at least 0.

    policy, reference: (M,) sums of log-probabilities. It is not differentiated. Source: section 4.1 of the paper.
    """
    return (policy - reference).mean().clamp(min=0).detach()
