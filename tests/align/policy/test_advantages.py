"""Advantages: by hand, against the plain double sum, and what they must be whatever the rewards are."""

import pytest
import torch

from onward.align.policy.advantages import (
    above_the_mean,
    against_the_others,
    at_the_end,
    best_of_group,
    generalised,
    relative_to_group,
    token_rewards,
    whitened,
)


def ragged(seed, rows=6, places=9):
    """Rewards and values of runs that begin and end anywhere; what stands beside them must not matter."""
    chance = torch.Generator().manual_seed(seed)
    begin = torch.randint(0, places - 1, (rows,), generator=chance)
    length = 1 + (torch.rand(rows, generator=chance) * (places - begin)).long()
    place = torch.arange(places)[None]
    mask = (place >= begin[:, None]) & (place < (begin + length)[:, None])
    earned, values = (torch.randn(rows, places, generator=chance, dtype=torch.float64) for _ in range(2))
    return earned, values, mask


def test_three_tokens_by_hand():
    """Surprises 0.6 - 0.5, 0.8 - 0.6 and 1 - 0.8; each is carried back by half."""
    mask = torch.tensor([[False, True, True, True, False]])
    earned = torch.tensor([[9.0, 0.0, 0.0, 1.0, 9.0]])
    values = torch.tensor([[9.0, 0.5, 0.6, 0.8, 9.0]])
    found, returns = generalised(earned, values, mask, discount=1, smoothing=0.5)
    assert torch.allclose(found, torch.tensor([[0, 0.25, 0.3, 0.2, 0]]))
    assert torch.allclose(returns, torch.tensor([[0, 0.75, 0.9, 1.0, 0]]))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_sum_of_all_later_surprises(seed):
    earned, values, mask = ragged(seed)
    discount, smoothing = 0.9, 0.7
    found, returns = generalised(earned, values, mask, discount=discount, smoothing=smoothing)
    for row in range(len(mask)):
        run = mask[row].nonzero()[:, 0].tolist()
        foretold = {t: values[row, t].item() for t in run}
        surprise = {t: earned[row, t].item() + discount * foretold.get(t + 1, 0.0) - foretold[t] for t in run}
        for t in run:
            summed = sum((discount * smoothing) ** (later - t) * surprise[later] for later in run if later >= t)
            assert found[row, t].item() == pytest.approx(summed, abs=1e-12)
    assert torch.equal(found[~mask], torch.zeros_like(found[~mask]))
    assert torch.allclose(returns[mask], (found + values)[mask])


def test_with_smoothing_1_the_return_is_all_that_is_earned_from_here_on_and_with_0_only_what_comes_next():
    earned, values, mask = ragged(7)
    everything = generalised(earned, values, mask, discount=1, smoothing=1)[1]
    later = (earned * mask).flip(1).cumsum(1).flip(1)
    assert torch.allclose(everything[mask], later[mask])
    following = torch.nn.functional.pad((values * mask)[:, 1:], (0, 1))
    next_one = generalised(earned, values, mask, discount=0.9, smoothing=0)[1]
    assert torch.allclose(next_one[mask], (earned + 0.9 * following)[mask])


def test_whitened_has_mean_0_and_variance_1_where_the_mask_is():
    values, _, mask = ragged(3)
    found = whitened(values, mask)
    assert found[mask].mean().item() == pytest.approx(0, abs=1e-12)
    assert found[mask].var(unbiased=False).item() == pytest.approx(1, abs=1e-6)
    assert not found[~mask].any()
    assert torch.equal(whitened(torch.full((2, 3), 0.7), torch.ones(2, 3).bool()), torch.zeros(2, 3))


def test_the_answers_reward_is_at_its_last_token_and_leaving_the_reference_costs_everywhere():
    mask = torch.tensor([[False, True, True, False], [True, True, True, True], [False, False, True, False]])
    drift = torch.full(mask.shape, 0.5) * mask
    found = token_rewards(at_the_end(torch.tensor([1.0, 2.0, 3.0]), mask), drift, mask, kl=0.1)
    expected = torch.tensor([[0, -0.05, 0.95, 0], [-0.05, -0.05, -0.05, 1.95], [0, 0, 2.95, 0]])
    assert torch.allclose(found, expected)
    assert torch.allclose(found.sum(1), torch.tensor([1.0, 2.0, 3.0]) - 0.1 * drift.sum(1))


GROUPS = torch.tensor([1.0, 0, 0, 1, 0.79, 0.79, 0.79, 0.79, 3, 1, 2, -1])


def test_within_a_group_it_counts_standard_deviations_and_ties_are_worth_nothing():
    found = relative_to_group(GROUPS, 4).view(3, 4)
    assert torch.allclose(found[0], torch.tensor([1.0, -1, -1, 1]), atol=1e-3)
    assert torch.equal(found[1], torch.zeros(4))
    assert found.sum(1).abs().max() < 1e-5
    assert found[2].argsort().tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize("value", [0.1, 12.3, 1e4])
def test_ties_are_exactly_0_whatever_they_are_worth(value):
    tie = torch.full((9,), value)
    for found in (relative_to_group(tie, 3), best_of_group(tie, 3), above_the_mean(tie)):
        assert torch.equal(found, torch.zeros(9))
    assert against_the_others(tie, 3).abs().max() <= 1e-6 * value


@pytest.mark.parametrize("samples", [2, 3, 8])
def test_against_the_others_is_the_difference_from_the_mean_made_larger(samples):
    rewards = torch.randn(5 * samples, generator=torch.Generator().manual_seed(samples), dtype=torch.float64)
    found = against_the_others(rewards, samples).view(5, samples)
    groups = rewards.view(5, samples)
    assert torch.allclose(found.sum(1), torch.zeros(5, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(found, samples / (samples - 1) * (groups - groups.mean(1, keepdim=True)))


def test_of_a_group_the_first_of_the_best_is_chosen_and_of_all_those_above_the_mean():
    assert best_of_group(GROUPS, 4).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert above_the_mean(torch.tensor([1.0, 0, 0, 1, 1])).tolist() == [1, 0, 0, 1, 1]
    assert above_the_mean(torch.tensor([0.2, 0.1, 3.0])).tolist() == [0, 0, 1]
