"""What is learned from rollouts: the clipped policy gradient with its penalties, and likelihood of the chosen answers.

Means over tokens, so that every token of a step counts the same, whichever answer it is in. Sources: PPO (Schulman et al. 2017, arXiv
1707.06347, equations 7 and 9), the estimate of the divergence that is never negative (Schulman 2020, "Approximating KL divergence", k3),
which GRPO has in its loss (arXiv 2402.03300, equation 4).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from onward.align.policy.critic import ActorCritic
from onward.align.policy.rollouts import Rollouts, read
from onward.model.trunk import LanguageModel
from onward.train.objectives import Loss

VALUE_WEIGHT = 0.1
"""Of the critic's error in the loss. It shares the trunk, which must go on to serve the policy (Ziegler et al. 2019, appendix A)."""


def clipped(new: Tensor, old: Tensor, advantages: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """Minus what is gained, token by token, and where the ratio of the probabilities is held: it pays no more to go beyond 1 ± clip.

    All (M,).   Returns (M,) and (M,) bool.
    """
    ratio = (new - old).exp()
    gained = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    held = gained < ratio * advantages
    return -gained, held


def divergence(new: Tensor, reference: Tensor) -> Tensor:
    """An estimate of the divergence from the reference that is never negative, and 0 only where they agree.   (M,)"""
    difference = reference - new
    return difference.exp() - difference - 1


def policy_gradient(*, clip: float, kl: float, entropy: float) -> Callable[[LanguageModel, Rollouts], Loss]:
    """The objective of PPO, GRPO and RLOO; the critic's error is part of it where the model has one.

    kl: weight of the divergence in the loss; 0 where it is part of the reward.   entropy: weight of the entropy, which is wanted.
    """

    def objective(model: LanguageModel, rollouts: Rollouts) -> Loss:
        seen, mask = read(model, rollouts), rollouts.mask
        losses, held = clipped(seen.log_probs, rollouts.old[mask], rollouts.advantages[mask], clip)
        away = divergence(seen.log_probs, rollouts.reference[mask])
        value = losses.mean() + kl * away.mean() - entropy * seen.entropies.mean()
        stats = {"clipped": held.float().mean().item(), "entropy": seen.entropies.mean().item()}
        if isinstance(model, ActorCritic):
            error = (model.values(seen.hidden) - rollouts.returns[mask]).square().mean()
            value = value + VALUE_WEIGHT * error
            stats["value_error"] = error.item()
        return Loss(value, rollouts.learnable, stats)

    return objective


def likelihood(model: LanguageModel, rollouts: Rollouts) -> Loss:
    """Of the answers that were chosen, those with an advantage of 1: minus their log-probability, a mean over all tokens."""
    seen = read(model, rollouts)
    value = -(rollouts.advantages[rollouts.mask] * seen.log_probs).mean()
    return Loss(value, rollouts.learnable, {"entropy": seen.entropies.mean().item()})
