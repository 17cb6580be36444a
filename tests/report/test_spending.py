"""What a run cost."""

import pytest

from onward.model.describe import describe
from onward.model.folder import read_config
from onward.report.page import write_report
from onward.report.spending import spent
from onward.report.stage import stages
from onward.train import size
from onward.train.machine import Machine
from onward.train.plan import TrainPlan, Wishes
from steps import lines


def test_operations_are_those_of_full_rows_three_times_forward(run):
    place = run("base", "pretrain")
    row = spent(place, stages(place))[0]
    per_token = read_config(place / "base")[1].flops_per_token(16)
    assert row.operations == (3 * per_token * 64 * 3, 3 * per_token * 64 * 3), "four rows of 16 in three steps"
    assert row.share == pytest.approx(row.operations[0] / 1.5 / 1.5e12)
    assert (row.minutes, row.learned_from, row.machine) == (0.025, "180 tokens", "cpu, 2 threads, bf16")
    assert row.bytes == sum(describe(place / "base")["files"].values())


def test_of_rankings_a_most_is_known_and_of_reinforcement_a_least_and_so_of_the_sum(run):
    run("base", "pretrain")
    run("reward", "reward", parents=["base"])
    place = run("chat", "rl", parents=["base"], metrics=lines(reward=0.5))
    base, reward, chat, together = spent(place, stages(place))
    assert reward.told == ("at most", base.operations[0])
    assert chat.told == ("at least", 3 * read_config(place / "chat")[1].flops_per_token(1) * 180)
    assert together.told == ("at least", base.operations[0] + chat.operations[0])
    assert together.minutes == pytest.approx(0.075)
    assert reward.share is chat.share is together.share is None


def test_the_data_of_a_road_lie_on_the_disk_too(run):
    run("base", "pretrain")
    place = run("sft", "sft", parents=["base"])
    (place / "data").mkdir()
    (place / "data" / "texts.jsonl").write_bytes(b"x" * 5000)
    data, together = spent(place, stages(place))[-2:]
    assert data.bytes == 5000
    assert together.bytes == 5000 + sum(stage.bytes for stage in stages(place))


def test_what_nobody_knows_is_left_out(run):
    place = run("base", "pretrain", plan={})
    row = spent(place, stages(place))[0]
    assert (row.operations, row.share, row.machine) == (None, None, "")
    assert "·10<sup>" not in write_report(place).read_text()


def test_the_speed_is_found_in_the_reason_that_plans_give(tiny_model):
    machine = Machine(device="cpu", name="2 threads", precision="bf16", flops=1.23456e12, memory=10**10)
    draft = TrainPlan(steps=1, length=16, batch_tokens=64, rows_per_pass=1)
    plan = size.begin(draft, Wishes(), machine, tiny_model.config)
    assert plan.reasons["device"] == "2 threads: 1,235 GFLOP/s measured in bf16"
    assert plan.reasons["device"].startswith("2 threads: ")
