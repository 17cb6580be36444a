from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

from onward.errors import TrainingError
from onward.train import checkpoints
from onward.train.average import Average
from onward.train.callbacks import keep_checkpoints, read_metrics, write_metrics
from onward.train.fit import Start, fit
from onward.train.objectives import next_token
from onward.train.optimisers import optimisers
from onward.train.packing import IGNORE
from onward.train.plan import TrainPlan
from onward.train.spikes import ENOUGH, Spikes, checkpoints_needed, go_back, is_spike

PLAN = TrainPlan(
    steps=62, length=32, batch_tokens=128, rows_per_pass=4, lr=0.01, checkpoint_every=15, skip_spikes=True, ema=0.9
)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def poisoned(batches, *bad):
    """The same batches; those of the numbers `bad` have random targets, as if a file of noise had been read."""

    def batch(i):
        found = batches(i)
        if i not in bad:
            return found
        noise = torch.randint(0, 300, found.targets.shape, generator=torch.Generator().manual_seed(i))
        return replace(found, targets=torch.where(found.targets == IGNORE, IGNORE, noise))

    return batch


class Killed(Exception):
    pass


def run(model, batches, place, plan=PLAN, *, harm=(), kill_after=None):
    """As a Training runs: from the newest checkpoint, with all that stands beside the steps. Returns what was noted of each step.

    harm: after these steps the weights are damaged, before anything else happens.   kill_after: end here, without a word."""
    lines, noted = [], {}
    spikes = Spikes(skip=plan.skip_spikes, say=lines.append)
    kept = {"spikes": spikes, "average": Average(model, plan.ema)}
    found = optimisers(model, plan)
    start = Start()
    if newest := checkpoints.existing(place)[-1:]:
        start = Start(**checkpoints.load(newest[0], model, found, kept))
    elif plan.skip_spikes:
        checkpoints.save(place, 0, model, found, tokens=0, seconds=0.0, further=kept)

    def damage(step):
        if step.number in harm:
            with torch.no_grad():
                step.model.embedding.tokens.weight.mul_(8).add_(1.0)

    def note(step):
        noted[step.number] = (step.loss, dict(step.measured), weights(step.model).clone())
        if step.number == kill_after:
            raise Killed

    back = [go_back(spikes, place, kept)] if plan.skip_spikes else []
    keep = keep_checkpoints(place, kept, checkpoints_needed(plan.checkpoint_every))
    with suppress(Killed):
        fit(
            model,
            next_token,
            batches,
            plan,
            [damage, *back, kept["average"], keep, note],
            start=start,
            found=found,
            judge=spikes,
        )
    return noted, lines, kept["average"]


def fresh(model):
    other = type(model)(model.config)
    other.load_state_dict(model.state_dict())
    return other


def test_noise_of_any_size_is_no_spike():
    """50,000 losses of healthy trainings that fall and wobble: none is taken for a spike."""
    generator = np.random.default_rng(0)
    for wobble in (0.003, 0.03, 0.3):
        losses = 6 - np.linspace(0, 3, 5000) + wobble * generator.standard_normal(5000)
        for at in range(50, 5000):
            assert not is_spike(losses[at], losses[at - 50 : at].tolist())


def test_a_loss_far_above_the_others_is_a_spike_though_some_before_it_were_wild_too():
    before = [3.0, 3.1, 2.9, 3.05, 2.95] * 8 + [9.0] * 5
    assert is_spike(5.0, before)
    assert not is_spike(3.2, before)


def test_nothing_is_judged_before_enough_is_known_but_what_is_no_number():
    assert not is_spike(100.0, [3.0] * (ENOUGH - 1))
    assert is_spike(100.0, [3.0] * ENOUGH)
    assert is_spike(float("nan"), [])


def test_where_losses_hardly_vary_a_small_rise_is_none():
    assert not is_spike(3.01, [3.0] * 50)
    assert not is_spike(3.19, [3.0] * 50)
    assert is_spike(3.21, [3.0] * 50)
    assert is_spike(10.6, [10.0] * 50)
    assert not is_spike(10.4, [10.0] * 50)


def test_many_times_next_to_nothing_is_still_next_to_nothing():
    assert not is_spike(0.05, [0.0001, 0.00011] * 25)
    assert is_spike(0.25, [0.0001, 0.00011] * 25)


def test_a_poisoned_batch_is_reported_with_step_loss_and_what_it_was_before(tiny_model, story_batches, tmp_path):
    noted, lines, _ = run(tiny_model, poisoned(story_batches, 40), tmp_path, replace(PLAN, steps=45, skip_spikes=False))
    assert len(lines) == 1
    assert lines[0].startswith(f"step 41: the loss is {noted[41][0]:.4g}, and was ")
    assert "left_out" not in noted[41][1]
    assert not torch.equal(noted[41][2], noted[40][2]), "it is only reported: the batch was learned from"


def test_of_many_spikes_a_few_are_told_and_all_are_noted():
    lines = []
    spikes = Spikes(skip=False, say=lines.append)
    noted = [spikes(number, 9.0 if number >= ENOUGH and number % 5 == 0 else 3.0) for number in range(1, 80)]
    assert len([found for found in noted if "spike" in found]) > 2 * len(lines)
    assert [line.endswith("noted in metrics.jsonl only.") for line in lines] == [False, False, True]


def test_with_skip_spikes_a_poisoned_batch_never_touches_the_model(tiny_model, story_batches, tmp_path):
    noted, lines, _ = run(tiny_model, poisoned(story_batches, 40), tmp_path, replace(PLAN, steps=45))
    assert [step for step, (_, measured, _) in noted.items() if "left_out" in measured] == [41]
    assert torch.equal(noted[41][2], noted[40][2])
    assert not torch.equal(noted[42][2], noted[41][2])
    assert lines[0].endswith("Batch 40 is left out.")


def test_a_batch_whose_loss_is_no_number_is_left_out_too(tiny_model, story_batches, tmp_path):
    def objective(model, batch):
        loss = next_token(model, batch)
        bad = bool((batch.targets == 299).all())
        return replace(loss, value=loss.value * float("nan")) if bad else loss

    def with_a_bad_one(i):
        batch = story_batches(i)
        return replace(batch, targets=torch.full_like(batch.targets, 299), learnable=128) if i == 5 else batch

    before = weights(tiny_model).clone()
    spikes = Spikes(skip=True, say=[].append)
    noted = []
    fit(
        tiny_model,
        objective,
        with_a_bad_one,
        replace(PLAN, steps=8),
        [lambda step: noted.append("left_out" in step.measured), write_metrics(tmp_path / "metrics.jsonl", 0)],
        judge=spikes,
    )
    assert noted == [False] * 5 + [True] + [False] * 2
    metrics = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["loss"] is None for line in metrics] == noted
    assert torch.isfinite(weights(tiny_model)).all()
    assert not torch.equal(weights(tiny_model), before)


def test_a_damaged_model_goes_back_to_the_last_good_checkpoint(tiny_model, story_batches, tmp_path):
    """The damage comes just before a checkpoint, which is written damaged: the one before it is the good one."""
    noted, lines, _ = run(tiny_model, story_batches, tmp_path, harm=(45,))
    assert [step for step, (_, measured, _) in noted.items() if "left_out" in measured] == [46, 47, 48]
    assert noted[48][1]["gone_back_to"] == 30
    assert torch.equal(noted[48][2], noted[30][2])
    assert lines[-1].endswith("Back to the weights after step 30; batches 30 to 47 are left out.")
    assert noted[62][0] < 0.3 * noted[1][0], "it goes on learning"


@pytest.mark.parametrize("kill_after", [46, 48, 60])
def test_killed_around_going_back_it_ends_with_the_same_bytes(tiny_model, story_batches, tmp_path, kill_after):
    whole, again = fresh(tiny_model), fresh(tiny_model)
    batches = poisoned(story_batches, 25)
    noted, _, average = run(whole, batches, tmp_path / "whole", harm=(45,))
    run(again, batches, tmp_path / "killed", harm=(45,), kill_after=kill_after)
    later, _, again_average = run(fresh(tiny_model), batches, tmp_path / "killed", harm=(45,))
    assert torch.equal(noted[62][2], later[62][2])
    assert all(torch.equal(average.weights[n], t) for n, t in again_average.weights.items())
    assert all(noted[step][:2] == later[step][:2] for step in later)


def test_what_goes_wrong_twice_from_the_same_checkpoint_stops_the_training(tiny_model, story_batches, tmp_path):
    with pytest.raises(TrainingError, match="after going back to step 30 once"):
        run(tiny_model, story_batches, tmp_path, harm=(45, 52))


@pytest.mark.parametrize("every", [1, 5, 13, 100])
def test_there_is_always_a_checkpoint_old_enough_to_go_back_to(tiny_model, story_batches, tmp_path, every):
    noted, _, _ = run(tiny_model, story_batches, tmp_path, replace(PLAN, steps=48, checkpoint_every=every), harm=(45,))
    assert noted[48][1]["gone_back_to"] == 36 // every * every
