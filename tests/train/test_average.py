from dataclasses import replace

import pytest
import torch

from onward.train import checkpoints
from onward.train.average import Average, decay_at
from onward.train.fit import fit
from onward.train.objectives import next_token
from onward.train.optimisers import optimisers
from onward.train.plan import TrainPlan

PLAN = TrainPlan(steps=12, length=32, batch_tokens=128, rows_per_pass=4, lr=0.01)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_it_is_the_average_that_one_writes_by_hand(tiny_model, story_batches):
    model = tiny_model.double()
    average, by_hand = Average(model, 0.5), weights(model)

    def follow(step):
        nonlocal by_hand
        left = min(0.5, (1 + step.number) / (10 + step.number))
        by_hand = left * by_hand + (1 - left) * weights(step.model)

    fit(model, next_token, story_batches, PLAN, [average, follow])
    with average.in_place_of(model):
        assert torch.allclose(weights(model), by_hand, rtol=0, atol=1e-13)
    assert not torch.allclose(weights(model), by_hand, rtol=0, atol=1e-4), "the weights themselves are others"


def test_at_first_a_tenth_of_the_steps_counts_and_in_the_end_the_decay_that_was_asked_for():
    assert [decay_at(t, 0.999) for t in (1, 8, 90)] == pytest.approx([2 / 11, 0.5, 0.91])
    assert decay_at(10**6, 0.999) == 0.999


def test_after_a_measurement_the_model_has_its_own_weights_bit_for_bit(tiny_model, story_batches):
    average = Average(tiny_model, 0.9)
    fit(tiny_model, next_token, story_batches, replace(PLAN, steps=3), [average])
    before = weights(tiny_model).clone()
    with average.in_place_of(tiny_model):
        assert not torch.equal(weights(tiny_model), before)
    assert torch.equal(weights(tiny_model), before)


def test_a_checkpoint_brings_the_average_back(tiny_model, story_batches, tmp_path):
    average = Average(tiny_model, 0.9)

    def keep(step):
        checkpoints.save(
            tmp_path,
            step.number,
            step.model,
            step.optimisers,
            tokens=step.tokens,
            seconds=step.seconds,
            further={"average": average},
        )

    fit(tiny_model, next_token, story_batches, replace(PLAN, steps=3), [average, keep])
    fresh = Average(tiny_model, 0.9)
    checkpoints.load(checkpoints.existing(tmp_path)[-1], tiny_model, optimisers(tiny_model, PLAN), {"average": fresh})
    assert all(torch.equal(fresh.weights[name], tensor) for name, tensor in average.weights.items())
