"""What is learned from answers: by hand, against autograd and finite differences, and in passes as in one batch."""

import math
from dataclasses import replace

import pytest
import torch

from onward.align.policy.critic import with_critic, without_critic
from onward.align.policy.losses import VALUE_WEIGHT, clipped, divergence, likelihood, policy_gradient
from onward.align.policy.rollouts import Rollouts, read
from onward.train.fit import take_step
from onward.train.plan import TrainPlan

OBJECTIVES = {
    "the ratio alone": policy_gradient(clip=0.2, kl=0.0, entropy=0.0),
    "with both penalties": policy_gradient(clip=0.2, kl=0.3, entropy=0.1),
    "likelihood": likelihood,
}


@pytest.fixture
def model(tiny_model):
    return tiny_model.double()


def weights(model):
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "held"),
    [
        (1.0, 2.0, -2.0, False),
        (1.1, 2.0, -2.2, False),
        (1.5, 2.0, -2.4, True),
        (0.5, 2.0, -1.0, False),  # what has become less likely, though it was good, is always mended
        (1.0, -2.0, 2.0, False),
        (0.9, -2.0, 1.8, False),
        (0.5, -2.0, 1.6, True),
        (1.5, -2.0, 3.0, False),  # and what has become likelier, though it was bad
        (1.3, 0.0, 0.0, False),
    ],
)
def test_the_clipped_loss_by_hand(ratio, advantage, loss, held):
    new = torch.tensor([math.log(ratio) - 3.0], dtype=torch.float64, requires_grad=True)
    found, clip = clipped(new, torch.tensor([-3.0], dtype=torch.float64), torch.tensor([advantage]), 0.2)
    assert found.item() == pytest.approx(loss, abs=1e-6)
    assert clip.item() == held
    found.sum().backward()
    assert new.grad.item() == pytest.approx(0.0 if held else -advantage * ratio, abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_just_inside_the_border_it_pulls_and_just_beyond_it_does_not(sign):
    for beyond in (False, True):
        border = 1.2 if sign > 0 else 0.8
        ratio = border + sign * (1e-4 if beyond else -1e-4)
        new = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
        clipped(new, torch.zeros(1, dtype=torch.float64), torch.tensor([float(sign)]), 0.2)[0].sum().backward()
        assert (new.grad.item() == 0) == beyond


def test_at_ratio_1_the_gradient_is_minus_the_advantage_times_the_score_function(model, answered):
    rollouts = answered(6)
    log_probs, mask = read(model, rollouts).log_probs, rollouts.mask
    here = torch.zeros(mask.shape, dtype=torch.float64).masked_scatter(mask, log_probs.detach())
    (-(rollouts.advantages[mask] * log_probs).mean()).backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    loss = OBJECTIVES["the ratio alone"](model, replace(rollouts, old=here))
    loss.value.backward()
    assert loss.stats["clipped"] == 0
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-12)


def test_the_divergence_is_never_negative_and_its_mean_is_the_true_one():
    """Of two small categorical distributions, by exact expectation over the one that draws."""
    new, reference = (torch.randn(50, 4, dtype=torch.float64).log_softmax(-1) for _ in range(2))
    found = divergence(new, reference)
    assert (found >= 0).all()
    assert torch.allclose((new.exp() * found).sum(-1), (new.exp() * (new - reference)).sum(-1), atol=1e-12)
    assert torch.equal(divergence(new, new), torch.zeros_like(new))


def test_log_probabilities_and_entropies_are_those_of_the_plain_forward_pass(model, answered):
    rollouts = answered(5)
    seen, at = read(model, rollouts), 0
    for row in range(5):
        asked, length = int(rollouts.asked[row]), int(rollouts.lengths[row])
        scores = model(rollouts.ids[row : row + 1, :length])[0].log_softmax(-1)
        for place in range(asked, length):
            assert seen.log_probs[at].item() == pytest.approx(scores[place - 1, rollouts.ids[row, place]].item())
            assert seen.entropies[at].item() == pytest.approx(
                torch.distributions.Categorical(logits=scores[place - 1]).entropy().item()
            )
            at += 1
    assert at == len(seen.log_probs) == rollouts.learnable


def test_likelihood_learns_the_chosen_answers_and_no_others(model, answered):
    rollouts = answered(6)
    chosen = torch.tensor([1.0, 0, 0, 1, 0, 0], dtype=torch.float64)
    rollouts = replace(rollouts, advantages=chosen[:, None] * rollouts.mask)
    likelihood(model, rollouts).value.backward()
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    kept = rollouts.rows(torch.tensor([0, 3]))
    (-read(model, kept).log_probs.sum() / rollouts.learnable).backward()
    for parameter, gradient in zip(model.parameters(), found, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-12)


WITH_CRITICS = [(name, False) for name in OBJECTIVES] + [("the ratio alone", True), ("with both penalties", True)]


@pytest.mark.parametrize(("name", "critic"), WITH_CRITICS)
def test_accumulated_passes_equal_one_batch(model, answered, name, critic):
    model, rollouts = with_critic(model) if critic else model, answered(7)
    plan = TrainPlan(steps=1, length=14, batch_tokens=7 * 14, rows_per_pass=7, clip=1e9)

    def gradient(rows):
        """One step of plain gradient descent shows the gradient; and what was said of it."""
        before = weights(model)
        descent = torch.optim.SGD(model.parameters(), lr=1.0)
        loss, stats = take_step(model, OBJECTIVES[name], rollouts, replace(plan, rows_per_pass=rows), [descent], 0)
        change = before - weights(model)
        torch.nn.utils.vector_to_parameters(before, model.parameters())
        return change, loss, stats

    whole, loss, stats = gradient(7)
    assert whole.abs().max() > 1e-3
    for rows in (1, 3):
        parts, its_loss, its_stats = gradient(rows)
        assert torch.allclose(parts, whole, atol=1e-9)
        assert its_loss == pytest.approx(loss, abs=1e-9)
        assert its_stats == pytest.approx(stats, abs=1e-6)


def test_the_critics_error_counts_by_its_weight(model, answered):
    rollouts = answered(5)
    alone = OBJECTIVES["with both penalties"](model, rollouts).value.item()
    judged = with_critic(model)
    found = OBJECTIVES["with both penalties"](judged, rollouts)
    error = rollouts.returns[rollouts.mask].square().mean().item()  # it foretells nothing yet
    assert found.stats["value_error"] == pytest.approx(error)
    assert found.value.item() == pytest.approx(alone + VALUE_WEIGHT * error)


def test_a_critic_shares_the_weights_and_is_taken_away_again(model, answered):
    judged, ids = with_critic(model), answered(3).ids
    assert {name for name, _ in judged.named_parameters()} - {name for name, _ in model.named_parameters()} == {
        "value.weight",
        "value.bias",
    }
    again = without_critic(judged)
    assert type(again) is type(model)
    assert again.state_dict().keys() == model.state_dict().keys()
    assert again.embedding.tokens.weight is model.embedding.tokens.weight
    assert torch.equal(again(ids), model(ids))
    assert not judged.values(judged.hidden(ids)).any()


@pytest.mark.parametrize(("name", "critic"), WITH_CRITICS)
def test_the_whole_objective_has_the_gradient_that_finite_differences_find(model, answered, name, critic):
    model, rollouts = with_critic(model) if critic else model, answered(6)
    with torch.no_grad():
        here = torch.zeros(rollouts.mask.shape, dtype=torch.float64)
        here[rollouts.mask] = read(model, rollouts).log_probs
    rollouts = replace(rollouts, old=here + 0.3 * torch.sign(rollouts.old + 6) * rollouts.mask, reference=here + 0.1)
    loss = OBJECTIVES[name](model, rollouts)
    if "clipped" in loss.stats:
        assert 0.2 < loss.stats["clipped"] < 0.8, "both sides of the border are tried"
    loss.value.backward()
    gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    before, chance = weights(model), torch.Generator().manual_seed(0)
    for _ in range(3):
        direction = torch.randn(before.shape, generator=chance, dtype=torch.float64)
        values = []
        for step in (1e-5, -1e-5):
            torch.nn.utils.vector_to_parameters(before + step * direction, model.parameters())
            with torch.no_grad():
                values.append(OBJECTIVES[name](model, rollouts).value.item())
        slope = (values[0] - values[1]) / 2e-5
        assert slope == pytest.approx((gradient @ direction).item(), rel=1e-5, abs=1e-7)


def test_rows_are_cut_to_the_longest_and_mean_the_same(answered):
    rollouts = answered(8)
    some = torch.tensor([5, 0, 3])
    part = rollouts.rows(some)
    assert part.ids.shape[1] == int(rollouts.lengths[some].max())
    assert isinstance(part, Rollouts)
    for name in ("old", "reference", "advantages", "returns"):
        for row, number in enumerate(some.tolist()):
            wanted = getattr(rollouts, name)[number][rollouts.mask[number]]
            assert torch.equal(getattr(part, name)[row][part.mask[row]], wanted)
    assert sum(one.learnable for one in rollouts.split(3)) == rollouts.learnable
