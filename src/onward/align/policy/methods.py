"""The methods: how many answers each draws, how it turns their worth into advantages, and what it then learns by.

    ppo         a critic foretells each token; the price of leaving the reference is paid token by token (Ouyang et al. 2022)
    grpo        no critic: an answer against the mean of its prompt's answers, in standard deviations (Shao et al. 2024)
    rloo        no critic: an answer against the mean of the others; the price is part of its worth (Ahmadian et al. 2024)
    best-of-n   the best of its prompt's answers is imitated (Nakano et al. 2021, section 3.4, then learned from)
    rejection   all answers above the mean are imitated; with a verifier, all that are right (Zelikman et al. 2022; Dong et al. 2023)

Sources: arXiv 2203.02155, 2402.03300, 2402.14740, 2112.09332, 2203.14465, 2304.06767.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from onward.align.policy import advantages
from onward.align.policy.losses import likelihood, policy_gradient
from onward.align.policy.rollouts import Rollouts
from onward.align.wishes import RolloutWishes
from onward.errors import PlanError
from onward.model.trunk import LanguageModel
from onward.train.objectives import Loss

DISCOUNT, SMOOTHING = 1.0, 0.95
"""An answer is short: a token is worth what all of it is worth. Smoothing as in Ziegler et al. 2019 (arXiv 1909.08593, table 1)."""

Estimate = Callable[[Rollouts, Tensor, Tensor, float], tuple[Tensor, Tensor | None]]
"""Of rollouts, what each is worth (N,), what was foretold (N, T - 1), and the price of divergence: advantages (N, T - 1), and returns."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """answers: to a prompt.   fewest: of them, for the method to make sense.   epochs, minibatches: as in RolloutWishes.
    kl: price of divergence.   in_loss: whether it is paid in the loss, and not in the reward.   imitates: learns chosen answers by
    likelihood.   critic: whether there is one."""

    answers: int
    fewest: int
    epochs: int
    minibatches: int
    kl: float
    in_loss: bool
    imitates: bool
    critic: bool
    estimate: Callable[[Rollouts, Tensor, Tensor, float, int], tuple[Tensor, Tensor]]

    def objective(self, asked: RolloutWishes) -> Callable[[LanguageModel, Rollouts], Loss]:
        if self.imitates:
            return likelihood
        price = self.kl if asked.kl is None else asked.kl
        return policy_gradient(clip=asked.clip, kl=price if self.in_loss else 0.0, entropy=asked.entropy)


def _ppo(rollouts: Rollouts, worth: Tensor, values: Tensor, kl: float, _: int) -> tuple[Tensor, Tensor]:
    mask = rollouts.mask
    earned = advantages.token_rewards(worth, rollouts.old - rollouts.reference, mask, kl)
    found, returns = advantages.generalised(earned, values, mask, discount=DISCOUNT, smoothing=SMOOTHING)
    return advantages.whitened(found, mask), returns


def _alike(rollouts: Rollouts, of_answers: Tensor) -> tuple[Tensor, Tensor]:
    """The same advantage for every token of an answer; nothing to foretell."""
    found = of_answers[:, None] * rollouts.mask
    return found, found.new_zeros(found.shape)


def _grpo(rollouts: Rollouts, worth: Tensor, _values: Tensor, _kl: float, answers: int) -> tuple[Tensor, Tensor]:
    return _alike(rollouts, advantages.relative_to_group(worth, answers))


def _rloo(rollouts: Rollouts, worth: Tensor, _values: Tensor, kl: float, answers: int) -> tuple[Tensor, Tensor]:
    drifted = (rollouts.old - rollouts.reference).sum(1)
    return _alike(rollouts, advantages.against_the_others(worth - kl * drifted, answers))


def _best(rollouts: Rollouts, worth: Tensor, _values: Tensor, _kl: float, answers: int) -> tuple[Tensor, Tensor]:
    return _alike(rollouts, advantages.best_of_group(worth, answers))


def _accepted(rollouts: Rollouts, worth: Tensor, _values: Tensor, _kl: float, _: int) -> tuple[Tensor, Tensor]:
    return _alike(rollouts, advantages.above_the_mean(worth))


_PPO = Method(
    answers=1, fewest=1, epochs=2, minibatches=2, kl=0.05, in_loss=False, imitates=False, critic=True, estimate=_ppo
)
METHODS = {
    "ppo": _PPO,
    "grpo": replace(_PPO, answers=8, fewest=2, epochs=1, in_loss=True, critic=False, estimate=_grpo),
    "rloo": replace(_PPO, answers=4, fewest=2, epochs=1, minibatches=1, critic=False, estimate=_rloo),
    "best-of-n": replace(_PPO, answers=8, fewest=2, kl=0.0, imitates=True, critic=False, estimate=_best),
    "rejection": replace(_PPO, answers=4, kl=0.0, imitates=True, critic=False, estimate=_accepted),
}


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A method with everything that was asked for."""

    method: Method
    prompts: int
    answers: int
    max_tokens: int
    epochs: int
    minibatches: int
    kl: float
    kl_target: float | None

    @property
    def rollouts(self) -> int:
        return self.prompts * self.answers

    @property
    def steps(self) -> int:
        """Optimiser steps between two drawings."""
        return self.epochs * self.minibatches


def settled(name: str, asked: RolloutWishes) -> Settled:
    """PlanError where what was asked for makes no sense for this method."""
    method = METHODS[name]
    answers = asked.answers or method.answers
    if answers < method.fewest:
        raise PlanError(
            f"--answers {answers}: {name} compares the answers to a prompt, so there must be at least {method.fewest}."
        )
    if asked.rollouts < answers:
        raise PlanError(f"--rollouts {asked.rollouts} is fewer than the {answers} answers to one prompt. Raise it.")
    if method.imitates and (asked.kl is not None or asked.kl_target is not None):
        raise PlanError(f"--kl and --kl-target: {name} only imitates chosen answers, and has no price of divergence.")
    if asked.kl_target is not None and method.in_loss:
        raise PlanError(
            f"--kl-target: {name} has the divergence in its loss at a fixed price; set --kl, or take ppo or rloo."
        )
    prompts = asked.rollouts // answers
    return Settled(
        method=method,
        prompts=prompts,
        answers=answers,
        max_tokens=asked.max_tokens,
        epochs=asked.epochs or method.epochs,
        minibatches=min(asked.minibatches or method.minibatches, prompts * answers),
        kl=method.kl if asked.kl is None else asked.kl,
        kl_target=asked.kl_target,
    )
