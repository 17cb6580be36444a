"""Advantages: how much better an answer, or a token of it, was than was to be expected.

Pure functions of rewards, log-probabilities and values. Sources: generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438),
group baselines (Shao et al. 2024, arXiv 2402.03300, section 4.1; Ahmadian et al. 2024, arXiv 2402.14740, section 2), the penalty for leaving
the reference (Ziegler et al. 2019, arXiv 1909.08593, section 2.2).   Left out: rewards of single steps.
"""

from __future__ import annotations

import torch
from torch import Tensor


def token_rewards(rewards: Tensor, drift: Tensor, mask: Tensor, kl: float) -> Tensor:
    """What each token earns: the answer's reward at its last token, and everywhere less what it has drifted from the reference.

    rewards: (N,).   drift: (N, T), log-probability now less that of the reference.   mask: (N, T).   Returns (N, T).
    """
    last = mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))
    return torch.where(last, rewards[:, None], 0.0) - kl * drift * mask


def generalised(
    earned: Tensor, values: Tensor, mask: Tensor, *, discount: float, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, (N, T) each: the sum of all later surprises, each step away counting `discount` * `smoothing` less.

    earned, values: (N, T), the values being foretold before each token.   mask: (N, T), True in one run of each row.
    With smoothing 1 the return is all that is earned from here on; with 0 what is earned now and foretold next.
    """
    advantages = torch.zeros_like(earned)
    carried, foretold = torch.zeros(len(earned)), torch.zeros(len(earned))
    for t in range(earned.shape[1] - 1, -1, -1):
        surprise = earned[:, t] + discount * foretold - values[:, t]
        carried = torch.where(mask[:, t], surprise + discount * smoothing * carried, 0.0)
        foretold = torch.where(mask[:, t], values[:, t], 0.0)
        advantages[:, t] = carried
    return advantages, (advantages + values) * mask


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """With mean 0 and variance 1 where the mask is; 0 elsewhere.   (N, T)"""
    chosen = values[mask]
    return (values - chosen.mean()) / (chosen.std(unbiased=False) + 1e-8) * mask


def relative_to_group(rewards: Tensor, samples: int) -> Tensor:
    """By how many standard deviations an answer is better than the answers to its prompt; 0 where all are worth the same.   (N,)

    rewards: (N,), the `samples` answers to a prompt side by side.
    """
    groups = rewards.view(-1, samples)
    spread = groups.std(1, keepdim=True, unbiased=False)
    return ((groups - groups.mean(1, keepdim=True)) / (spread + 1e-4) * (spread > 1e-8)).flatten()


def against_the_others(rewards: Tensor, samples: int) -> Tensor:
    """How much better an answer is than the other answers to its prompt: REINFORCE, leave-one-out.   (N,)"""
    groups = rewards.view(-1, samples)
    return (groups - (groups.sum(1, keepdim=True) - groups) / (samples - 1)).flatten()


def best_of_group(rewards: Tensor, samples: int) -> Tensor:
    """1 for the first of the best answers to a prompt, 0 for the others; 0 for all where all are worth the same.   (N,)"""
    groups = rewards.view(-1, samples)
    chosen = torch.nn.functional.one_hot(groups.argmax(1), samples)
    return (chosen * (groups.amax(1) > groups.amin(1))[:, None]).flatten().to(rewards)


def above_the_mean(rewards: Tensor) -> Tensor:
    """1 for answers that are worth more than the mean of all, 0 for the others: of right and wrong ones, the right ones.   (N,)"""
    return (rewards > rewards.mean()).to(rewards)
