from dataclasses import replace

import pytest

from onward.errors import ConfigError, PlanError
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import size
from onward.train.machine import Machine
from onward.train.plan import Shape, TrainPlan, Wishes

LAPTOP = Machine(device="cpu", name="2 threads", precision="fp32", flops=2e11, memory=16 * 10**9)
SERVER = replace(LAPTOP, device="cuda", flops=4e14, memory=80 * 10**9)
DRAFT = TrainPlan(steps=1, length=256, batch_tokens=8192, rows_per_pass=1)


CONFIG = TrunkConfig(
    vocab_size=4096, width=128, depth=2, heads=2, kv_heads=1, head_size=64, ffn_width=384, max_positions=256
)


def shaped(machine, *, depth=None, width=None, heads=None, **wishes):
    flops = size.compute(machine, Wishes(**wishes))
    asked = Shape(depth=depth, width=width, heads=heads)
    return size.shape(asked, vocab_size=size.vocabulary(flops), flops=flops, length=256)[0]


def test_more_compute_buys_a_larger_model_and_vocabulary():
    sizes = [sum(shaped(LAPTOP, minutes=m).parameters().values()) for m in (1, 10, 60)]
    sizes.append(sum(shaped(SERVER, minutes=60).parameters().values()))
    assert sizes == sorted(sizes)
    assert sizes[0] < 2e6
    assert 5e7 < sizes[-1] < 5e8
    assert size.vocabulary(4e13) == 4096
    assert size.vocabulary(1e30) == 65536


def test_what_is_set_by_hand_is_kept():
    config = shaped(LAPTOP, minutes=10, depth=3, width=96, heads=4)
    assert (config.depth, config.width, config.heads, config.head_size) == (3, 96, 4, 24)


def test_heads_alone_choose_a_width_that_they_divide():
    for heads in (3, 6, 12):
        config = shaped(LAPTOP, minutes=10, heads=heads)
        assert config.width == heads * config.head_size


def test_every_shape_that_is_chosen_can_be_built():
    for minutes in (0.01, 1, 100, 10_000):
        config = shaped(SERVER, minutes=minutes)
        assert config.heads * config.head_size == config.width
    small = shaped(LAPTOP, minutes=1)
    assert sum(p.numel() for p in LanguageModel(small).parameters()) == sum(small.parameters().values())


@pytest.mark.parametrize("wishes", [{"width": 97, "heads": 4}, {"width": 4, "heads": 4}, {"heads": 1009}])
def test_shapes_that_do_not_fit_together_are_refused_in_words(wishes):
    with pytest.raises((PlanError, ConfigError), match="heads"):
        shaped(LAPTOP, **wishes)


def test_steps_fill_the_minutes():
    plan = size.with_time(DRAFT, Wishes(minutes=2), seconds_per_step=0.5, rows=10_000)
    assert plan.steps == 237  # the last measurement takes its share of the time
    assert plan.checkpoint_every == 120
    assert "1:59 at 0.50 s a step" in plan.reasons["steps"]


def test_passes_over_the_data_are_capped_where_asked():
    plan = size.with_time(DRAFT, Wishes(minutes=2), seconds_per_step=0.5, rows=64, most_passes=3)
    assert plan.steps == 6
    assert "3 passes" in plan.reasons["steps"]


def test_steps_set_by_hand_are_kept_whatever_the_time():
    plan = size.with_time(
        size.begin(DRAFT, Wishes(steps=7), LAPTOP, CONFIG), Wishes(steps=7), seconds_per_step=99, rows=5
    )
    assert plan.steps == 7


def test_too_little_time_for_a_step_is_refused_with_its_length():
    with pytest.raises(PlanError, match=r"takes 90\.0 s"):
        size.with_time(DRAFT, Wishes(minutes=1), seconds_per_step=90, rows=5)


def test_a_time_too_short_is_said_with_the_time_that_a_step_takes_however_quick_it_is():
    with pytest.raises(PlanError, match=r"takes 0\.0023 s here"):
        size.with_time(DRAFT, Wishes(minutes=1e-9), seconds_per_step=0.00234, rows=9)


def test_a_model_larger_than_the_memory_is_refused_with_the_numbers():
    config = shaped(LAPTOP, depth=64, width=8192, heads=64)
    with pytest.raises(PlanError, match=r"needs about .* GB and cpu has 16\.0 GB"):
        size.begin(DRAFT, Wishes(), LAPTOP, config)


def test_a_smaller_memory_takes_fewer_sequences_at_once():
    config = shaped(SERVER, minutes=60)
    draft = replace(DRAFT, batch_tokens=65_536)
    large, small = (size.begin(draft, Wishes(), replace(SERVER, memory=m), config) for m in (200 * 10**9, 12 * 10**9))
    assert large.rows_per_pass == 256
    assert 1 <= small.rows_per_pass < 256
    assert size.memory_needed(config, small.rows_per_pass * small.length) < 0.8 * 12e9


def test_with_steps_the_shape_does_not_depend_on_the_machine():
    fast, slow = shaped(SERVER, steps=5), shaped(replace(LAPTOP, flops=1e9), steps=5)
    assert fast == slow


def test_batches_are_small_for_little_data_and_whole_sequences():
    assert size.batch(10**9, 256, 8192) == 8192
    assert size.batch(200_000, 256, 8192) == 1792  # 2,000 tokens, in whole sequences
    assert size.batch(10, 256, 8192) == 1024
    assert size.batch(10, 5000, 8192) == 5000


def test_the_plan_explains_every_field():
    wishes = Wishes(minutes=1, ema=0.9, skip_spikes=True, keep=True)
    draft, reason = replace(DRAFT, base_precision="int8"), {"base_precision": "memory is short"}
    draft = size.explained(size.begin(draft, wishes, LAPTOP, CONFIG), reason)
    plan = size.with_time(draft, wishes, seconds_per_step=0.1, rows=500)
    explained = {name: (value, reason) for name, value, reason in plan.explain()}
    assert set(explained) == set(plan.to_json()) - {"reasons", "minutes", "most_steps", "planned_again"}
    assert TrainPlan(**plan.to_json()) == plan
    assert "GFLOP/s" in explained["device"][1]
    assert explained["skip_spikes"][0] == "yes"


def test_the_plan_says_nothing_of_options_that_nobody_asked_for():
    plan = size.begin(DRAFT, Wishes(steps=5), LAPTOP, CONFIG)
    assert not {"ema", "skip_spikes"} & ({name for name, _, _ in plan.explain()} | plan.reasons.keys())


def test_what_was_spent_before_the_steps_is_taken_off_but_never_more_than_half():
    def steps(spent):
        return size.with_time(DRAFT, Wishes(minutes=2), seconds_per_step=0.5, rows=10_000, spent=spent).steps

    assert steps(20) == 197
    assert steps(1000) == 120


def test_all_passes_of_a_batch_have_the_same_number_of_rows():
    machine = replace(LAPTOP, memory=size.memory_needed(CONFIG, 7 * 256))
    plan = size.begin(DRAFT, Wishes(minutes=1, batch=30 * 256), machine, CONFIG)
    assert plan.rows == 30
    assert plan.rows_per_pass == 5


def test_where_memory_is_short_activations_are_worked_out_twice():
    deep = replace(CONFIG, depth=40)
    short = replace(LAPTOP, memory=size.memory_needed(deep, 256, recompute=True) * 3 // 2)
    assert size.begin(DRAFT, Wishes(minutes=1), short, deep).recompute
    assert not size.begin(DRAFT, Wishes(minutes=1), LAPTOP, deep).recompute


@pytest.mark.parametrize(
    ("wishes", "worth"),
    [
        (Wishes(minutes=10), True),
        (Wishes(minutes=1), False),
        (Wishes(minutes=10, eager=True), False),
        (Wishes(steps=3), False),
    ],
)
def test_a_training_is_compiled_where_the_wait_is_won_back(wishes, worth):
    plan = size.begin(DRAFT, wishes, LAPTOP, CONFIG)
    assert plan.compile == worth
    assert plan.reasons["compile"]


def test_the_second_half_is_counted_again_by_the_clock():
    plan = replace(DRAFT, steps=100, decay=0.5, minutes=1.0)
    assert plan.decay_from == 50
    slow = size.in_time(plan, 50, 40.0)  # 0.8 s a step, 20 s are left
    assert (slow.steps, slow.decay_from, slow.planned_again) == (75, 50, 50)
    assert [round(slow.rate(step), 2) for step in (49, 50, 62, 74)] == [1.0, 1.0, 0.52, 0.04]
    assert size.in_time(plan, 50, 60.1).steps == 51
    assert "counted again after 50" in slow.reasons["steps"]


def test_a_count_with_more_steps_to_come_than_have_been_keeps_the_rate_flat_and_counts_again_later():
    plan = replace(DRAFT, steps=100, decay=0.5, minutes=1.0, warmup=0.04)
    quick = size.in_time(plan, 50, 20.0)
    assert (quick.steps, quick.decay_from, quick.planned_again) == (150, 75, 0)
    assert [quick.rate(step) for step in (3, 4, 74)] == [1.0, 1.0, 1.0], "the warm-up is over, and stays over"
    last = size.in_time(quick, 75, 30.0)
    assert (last.steps, last.decay_from, last.planned_again) == (150, 75, 75)


def test_counting_again_does_not_go_past_the_most_passes_over_the_data():
    plan = replace(DRAFT, steps=100, decay=0.5, minutes=1.0, most_steps=120)
    quick = size.in_time(plan, 50, 5.0)
    assert (quick.steps, quick.decay_from, quick.planned_again) == (120, 60, 0)
    assert size.in_time(quick, 60, 6.0).steps == 120


def test_checkpoints_and_measurements_keep_their_pace_in_time_when_the_steps_are_counted_again():
    plan = replace(DRAFT, steps=60, decay=0.5, minutes=4.0, checkpoint_every=15, held_out_every=3)
    quick = size.in_time(plan, 30, 3.0)  # 0.1 s a step, where 4 were planned with
    assert quick.steps == 2400
    assert quick.checkpoint_every == 600
    assert quick.held_out_every == size.held_out_every(2400, plan.batch_tokens)
    by_hand = replace(plan, reasons={"checkpoint_every": size.BY_HAND})
    assert size.in_time(by_hand, 30, 3.0).checkpoint_every == 15
    assert size.in_time(replace(plan, skip_spikes=True), 30, 3.0).checkpoint_every == 15
