import os
import signal
from dataclasses import replace

import pytest
import torch

from onward.errors import TrainingError
from onward.train import callbacks, checkpoints
from onward.train.fit import Start, fit, take_step
from onward.train.objectives import Loss, next_token
from onward.train.optimisers import optimisers
from onward.train.packing import Batches, Packing
from onward.train.plan import TrainPlan
from onward.train.shards import Shards, write_shards
from samples import story

PLAN = TrainPlan(steps=12, length=32, batch_tokens=128, rows_per_pass=4, lr=0.01)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_training_lowers_the_loss(tiny_model, story_batches):
    losses = []
    fit(tiny_model, next_token, story_batches, replace(PLAN, steps=60), [lambda step: losses.append(step.loss)])
    assert sum(losses[-5:]) / 5 < 0.6 * losses[0]


def test_same_seed_same_weights(tiny_model, story_batches):
    other = type(tiny_model)(tiny_model.config)
    other.load_state_dict(tiny_model.state_dict())
    fit(tiny_model, next_token, story_batches, PLAN)
    fit(other, next_token, story_batches, PLAN)
    assert torch.equal(weights(tiny_model), weights(other))


def test_going_on_from_a_checkpoint_ends_with_the_same_bytes(tiny_model, story_batches, tmp_path):
    other = type(tiny_model)(tiny_model.config)
    other.load_state_dict(tiny_model.state_dict())
    fit(tiny_model, next_token, story_batches, PLAN)

    def stop_after_five(step):
        if step.number == 5:
            checkpoints.save(tmp_path, 5, step.model, step.optimisers, tokens=step.tokens, seconds=step.seconds)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(other, next_token, story_batches, PLAN, [stop_after_five])
    fresh = type(tiny_model)(tiny_model.config).initialise(99)
    found = optimisers(fresh, PLAN)
    state = checkpoints.load(checkpoints.existing(tmp_path)[-1], fresh, found)
    fit(fresh, next_token, story_batches, PLAN, start=Start(**state), found=found)
    assert torch.equal(weights(tiny_model), weights(fresh))


@pytest.mark.parametrize("rows_per_pass", [1, 2, 3])
def test_accumulated_gradients_equal_one_big_batch(tiny_model, story_batches, rows_per_pass):
    model = tiny_model.double()

    def gradient(plan):
        """One step of plain gradient descent shows the gradient, whatever its parts."""
        before = weights(model).clone()
        descent = torch.optim.SGD(model.parameters(), lr=1.0)
        take_step(model, next_token, story_batches(0), replace(plan, clip=1e9), [descent], 0)
        change = before - weights(model)
        with torch.no_grad():
            torch.nn.utils.vector_to_parameters(before, model.parameters())
        return change

    assert torch.allclose(gradient(PLAN), gradient(replace(PLAN, rows_per_pass=rows_per_pass)), atol=1e-12)


def test_packed_documents_train_as_if_each_were_alone(tiny_model, tokenizer, tmp_path):
    """The loss of rows that hold several documents is the loss of the documents one by one."""
    model = tiny_model.double()
    texts = [tokenizer.encode(story(i))[:14] for i in range(12)]
    losses = {}
    for name, length in (("packed", 45), ("alone", 15)):
        write_shards(((ids, None, 1) for ids in texts), tmp_path / name, vocab_size=400, tokenizer_hash="", meta={})
        packing = Packing(Shards(tmp_path / name), length, tokenizer.bos_id)
        batch = Batches(packing, packing.rows, 0).batch(0)
        losses[name] = next_token(model, batch).value.item()
        assert batch.single == (name == "alone")
    assert losses["packed"] == pytest.approx(losses["alone"], abs=1e-12)


def test_a_loss_that_is_no_number_stops_before_it_reaches_the_weights(tiny_model, story_batches):
    before = weights(tiny_model).clone()

    def broken(model, batch):
        return Loss(next_token(model, batch).value * float("nan"), batch.learnable)

    with pytest.raises(TrainingError, match="step 1, on batch 0: the loss is nan"):
        fit(tiny_model, broken, story_batches, PLAN)
    assert torch.equal(weights(tiny_model), before)


def test_a_gradient_that_is_no_number_stops_too_though_the_loss_is_one(tiny_model, story_batches):
    before = weights(tiny_model).clone()

    def broken(model, batch):
        value = next_token(model, batch).value
        return Loss(value + (value - value.detach()).sqrt(), batch.learnable)  # the root of 0 has no slope

    with pytest.raises(TrainingError, match="gradient's norm"):
        fit(tiny_model, broken, story_batches, PLAN)
    assert torch.equal(weights(tiny_model), before)


def test_a_step_that_does_not_fit_into_memory_is_one_line(tiny_model, story_batches):
    def greedy(model, batch):
        torch.empty(2**50)
        return next_token(model, batch)

    with pytest.raises(TrainingError, match="does not fit into memory"):
        fit(tiny_model, greedy, story_batches, PLAN)


def test_asked_to_stop_in_the_last_step_the_training_is_whole(tiny_model, story_batches):
    def ask(step):
        if step.number == PLAN.steps - 1:
            os.kill(os.getpid(), signal.SIGINT)

    assert fit(tiny_model, next_token, story_batches, PLAN, [ask]) is True


def test_weights_that_a_callback_has_put_back_are_those_that_compute_next(tiny_model, story_batches):
    """In bf16 a copy computes, which must not stay as it was."""
    plan, losses = replace(PLAN, steps=4, precision="bf16"), []

    def spoil(step):
        losses.append(step.loss)
        if step.number == 2:
            with torch.no_grad():
                step.model.embedding.tokens.weight.fill_(3.0)
            step.restored = True

    fit(tiny_model, next_token, lambda _: story_batches(0), plan, [spoil], judge=lambda *_: {"left_out": 1.0})
    assert losses[0] == losses[1], "every step is left out"
    assert losses[2] == losses[3] != losses[1]


def test_stats_of_an_objective_reach_the_callbacks(tiny_model, story_batches):
    seen = []

    def with_stats(model, batch):
        loss = next_token(model, batch)
        return Loss(loss.value, loss.weight, {"double": 2 * loss.value.item()})

    fit(tiny_model, with_stats, story_batches, replace(PLAN, rows_per_pass=1), [lambda step: seen.append(step)])
    assert all(step.measured["double"] == pytest.approx(2 * step.loss) for step in seen)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_finishes_the_step_and_tells_its_callbacks(tiny_model, story_batches, number):
    steps, before = [], signal.getsignal(number)

    def ask(step):
        steps.append((step.number, step.stopping))
        if step.number == 3:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        fit(tiny_model, next_token, story_batches, PLAN, [ask])
    assert steps[-1] == (4, True)
    assert signal.getsignal(number) is before


def test_matrices_of_the_blocks_go_to_muon_and_the_rest_to_adamw(tiny_model):
    muon, adamw = optimisers(tiny_model, PLAN)
    names = {id(parameter): name for name, parameter in tiny_model.named_parameters()}
    of_muon = {names[id(p)] for p in muon.param_groups[0]["params"]}
    of_adamw = {names[id(p)] for p in adamw.param_groups[0]["params"]}
    assert {name.split(".")[-2] for name in of_muon} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    }
    assert "embedding.tokens.weight" in of_adamw
    assert of_muon | of_adamw == set(names.values())


def test_the_rate_goes_up_stays_and_comes_down_to_zero():
    plan = replace(PLAN, steps=100, warmup=0.1, decay=0.5)
    rates = [plan.rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:50] == [1.0] * 40
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0
    assert all(rate > 0 for rate in rates[:100])


def timed(model, batches, plan, *, pace):
    """The learning rates, and the plans settled on, of a training whose n-th step takes `pace(n)` seconds of a clock of its own."""
    settled, rates, now = [], [], 0.0

    def settle(plan):
        settled.append(plan)
        return plan

    def clock(step):
        nonlocal now
        now += pace(step.number)
        step.seconds = now

    fit(model, next_token, batches, plan, [clock, callbacks.keep_to_time(settle), lambda step: rates.append(step.rate)])
    return rates, settled, now


def test_a_plan_made_in_a_bad_moment_is_counted_again_until_its_time_is_used(tiny_model, story_batches):
    """Planned for sixteen seconds at two seconds a step, as while something else keeps the machine busy; a step takes 0.1 s in truth."""
    plan = replace(PLAN, steps=8, minutes=16 / 60, warmup=0.25)
    rates, settled, seconds = timed(tiny_model, story_batches, plan, pace=lambda _: 0.1)
    assert 158 <= len(rates) <= 160
    assert seconds == pytest.approx(16, rel=0.02)
    assert [new.planned_again > 0 for new in settled] == [False, True]
    assert rates[:2] == [0.5, 1.0]
    assert set(rates[2:79]) == {1.0}
    assert sorted(rates[79:], reverse=True) == rates[79:]
    assert rates[-1] < 0.03


def test_a_training_that_becomes_slow_begins_to_end_when_half_of_its_time_is_over(tiny_model, story_batches):
    """Planned for ten seconds at 0.1 s a step; from the tenth step on each takes a second."""
    plan = replace(PLAN, steps=100, minutes=10 / 60)
    rates, settled, seconds = timed(tiny_model, story_batches, plan, pace=lambda n: 0.1 if n <= 10 else 1.0)
    assert seconds < 25, "planned for 91"
    assert [new.planned_again for new in settled] == [14]
    assert sorted(rates[14:], reverse=True) == rates[14:]
    assert rates[-1] < 0.1
