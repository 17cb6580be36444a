"""The methods: what each settles on, what it refuses, and how it values answers."""

from dataclasses import replace

import pytest
import torch

from onward.align.policy.advantages import against_the_others, at_the_end, relative_to_group, whitened
from onward.align.policy.losses import likelihood
from onward.align.policy.methods import METHODS, settled
from onward.align.wishes import RolloutWishes
from onward.errors import PlanError


@pytest.mark.parametrize(
    ("method", "asked", "words"),
    [
        ("grpo", {"answers": 1}, "--answers 1: grpo compares the answers to a prompt, so there must be at least 2"),
        ("rloo", {"answers": 1}, "--answers 1"),
        ("best-of-n", {"answers": 1}, "--answers 1"),
        ("grpo", {"rollouts": 4}, "--rollouts 4 is fewer than the 8 answers to one prompt"),
        ("best-of-n", {"kl": 0.1}, "has no price of divergence"),
        ("rejection", {"kl_target": 4.0}, "has no price of divergence"),
        ("rejection", {"entropy": 0.1}, "has no reward for entropy"),
        ("grpo", {"kl_target": 4.0}, "set --kl, or take ppo or rloo"),
        ("ppo", {"kl_target": 4.0, "kl": 0.0}, "a price of 0 can be neither raised nor lowered"),
    ],
)
def test_what_makes_no_sense_for_a_method_is_refused_in_a_line(method, asked, words):
    with pytest.raises(PlanError, match=words) as caught:
        settled(method, RolloutWishes(**asked))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "asked",
    [
        {"answers": 0},
        {"rollouts": 0},
        {"max_tokens": 0},
        {"epochs": 0},
        {"minibatches": 0},
        {"rollouts": 8, "minibatches": 9},
        {"kl": -0.1},
        {"kl": float("nan")},
        {"kl_target": 0.0},
        {"clip": 0.0},
        {"entropy": -1.0},
    ],
)
def test_a_wish_that_nobody_can_fulfil_is_refused_by_its_name(asked):
    name = list(asked)[-1]
    with pytest.raises(PlanError, match=f"--{name.replace('_', '-')} "):
        RolloutWishes(**asked)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_asked_for_the_method_chooses_and_what_is_asked_for_is_taken(method):
    chosen = settled(method, RolloutWishes())
    assert chosen.rollouts == chosen.prompts * chosen.answers == 128
    assert chosen.steps == chosen.epochs * chosen.minibatches
    asked = settled(method, RolloutWishes(answers=3, rollouts=20, epochs=5, minibatches=18, max_tokens=7))
    assert (asked.prompts, asked.answers, asked.rollouts) == (6, 3, 18)
    assert (asked.epochs, asked.minibatches, asked.max_tokens) == (5, 18, 7)
    fewer = settled(method, RolloutWishes(answers=3, rollouts=20, minibatches=20))
    assert fewer.minibatches == fewer.rollouts == 18, "no step is without answers"


def test_the_price_is_paid_in_the_loss_or_in_the_reward_and_not_twice(tiny_model, answered):
    rollouts = replace(answered(4), advantages=torch.zeros(4, 13))
    away = {
        method: METHODS[method].objective(RolloutWishes(kl=1.0))(tiny_model, rollouts).value.item()
        for method in ("ppo", "rloo", "grpo")
    }
    assert away["ppo"] == away["rloo"] == 0
    assert away["grpo"] > 0.01
    dear, cheap = (
        METHODS["rloo"].estimate(rollouts, torch.zeros(4, 13), torch.zeros(4, 13), kl, 2)[0] for kl in (1.0, 0.0)
    )
    assert dear.abs().max() > 0.01
    assert not cheap.any()


def test_each_method_values_answers_in_its_own_way(answered):
    rollouts, worth = answered(8), torch.tensor([1.0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5], dtype=torch.float64)
    mask, nothing = rollouts.mask, torch.zeros(8, 13, dtype=torch.float64)
    earned = at_the_end(worth, mask)
    found = {name: method.estimate(rollouts, earned, nothing, 0.0, 4)[0] for name, method in METHODS.items()}
    for advantages in found.values():
        assert not advantages[~mask].any()
    assert torch.equal(found["grpo"], relative_to_group(worth, 4)[:, None] * mask)
    assert torch.allclose(found["rloo"], against_the_others(worth, 4)[:, None] * mask)
    assert torch.equal(found["best-of-n"], torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0]).double()[:, None] * mask)
    assert torch.equal(found["rejection"], torch.tensor([1.0, 0, 0, 0, 1, 1, 1, 1]).double()[:, None] * mask)
    left = 0.95 ** (mask.flip(1).cumsum(1).flip(1) - 1).clamp(min=0) * worth[:, None] * mask
    assert torch.allclose(found["ppo"], whitened(left, mask), atol=1e-6), (
        "nothing foretold, each token away counts less"
    )
    assert METHODS["rejection"].objective(RolloutWishes()) is likelihood
