"""cost, and eval --every-checkpoint, on the command line."""

from __future__ import annotations

import json

import pytest

from onward import lineage

QUICK = ("--rounds", 1, "--alone", 2, "--at-once", 2, "--tokens", 4)


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "mine.yaml"
    lines = "".join(f"  - {{prompt: 'cat {i}?', answer: cat, kind: '{i % 2}'}}\n" for i in range(12))
    path.write_text("max_tokens: 4\nitems:\n" + lines)
    return path


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"dog {i}?"}) + "\n" for i in range(20)))
    return path


def test_cost_prints_a_table_and_the_lineage_has_it(onward, model_folder, prompts, tmp_path):
    given = (*QUICK, "--prompts", prompts, "--per-hour", 0.1, "--watts", 20, "-o", tmp_path / "out")
    ended = onward("cost", model_folder, *given)
    assert ended.code == 0, ended.err
    for words in (
        "time to first token, ms, p95",
        "tokens a second, 2 at once",
        "operations a token",
        "at 20 W, as given",
    ):
        assert words in ended.out
    known = {one.metric: one for one in lineage.of(model_folder).results if one.suite == "cost"}
    assert known["price of a million tokens"].value > 0
    assert known["tokens a second, alone"].n == 2
    told = json.loads(onward("cost", model_folder, *given, "--json").out)
    again = {one["metric"] for one in told[0]["results"]}
    assert {name for name in again ^ known.keys() if "memory" not in name} == set(), "memory may be taken once, or not"
    assert [file.suffix for file in (tmp_path / "out" / "cost").iterdir()] == [".json"]


def test_quality_against_cost_is_a_picture_with_its_front(onward, model_folder, suite, tmp_path):
    ended = onward("cost", model_folder, *QUICK, "--suite", suite, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "share right" in ended.out
    assert "nobody is better for less, by seconds an answer" in ended.out
    drawn = (tmp_path / "out" / "cost" / "mine.svg").read_text()
    assert f"{model_folder.parent.name}/model" in drawn
    assert "operations an answer" in drawn
    assert {one.suite for one in lineage.of(model_folder).results} == {"mine", "cost, mine"}


def test_what_is_wrong_with_prices_is_one_line(onward, model_folder, tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("mine: 3\n")
    ended = onward("cost", model_folder, "--prices", path)
    assert ended.code == 2
    assert "mine wants input: and output:" in " ".join(ended.err.split())


def test_every_checkpoint_is_examined_and_lines_and_a_picture_are_written(onward, texts, suite, tmp_path):
    out = tmp_path / "made"
    shape = ("--depth", 1, "--width", 32, "--heads", 2, "--vocab", 320, "--length", 64, "--batch", 128)
    ended = onward("pretrain", texts, "--steps", 6, *shape, "--checkpoint-every", 2, "--keep", "-o", out)
    assert ended.code == 0, ended.err
    ended = onward("eval", out, "--suite", suite, "--every-checkpoint", "-o", tmp_path / "answers")
    assert ended.code == 0, ended.err
    assert "mine, 3 checkpoints" in ended.out
    lines = [json.loads(line) for line in (out / "evaluations" / "mine.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert list(lines[0]["kinds"]) == ["all", "0", "1"]
    assert "not above chance" in (out / "evaluations" / "mine.svg").read_text()
    assert [one.value for one in lineage.of(out).results if one.metric == "share right"] == [
        lines[-1]["kinds"]["all"]["value"]
    ]
    again = onward("eval", out, "--suite", suite, "--every-checkpoint", "-o", tmp_path / "answers", "--json")
    assert again.err.count("all was known") == 3
    assert [line["step"] for line in json.loads(again.out)] == [2, 4, 6]


def test_a_budget_that_leaves_something_out_makes_no_curve(onward, texts, tmp_path):
    out, path = tmp_path / "made", tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"cat {i}?", "answer": "cat"}) + "\n" for i in range(60)))
    shape = ("--depth", 1, "--width", 32, "--heads", 2, "--vocab", 320, "--length", 64, "--batch", 128)
    assert onward("pretrain", texts, "--steps", 2, *shape, "--checkpoint-every", 1, "--keep", "-o", out).code == 0
    ended = onward("eval", out, "--suite", path, "--every-checkpoint", "--budget", 50, "-o", tmp_path / "answers")
    assert ended.code == 2
    assert "Give a larger --budget" in " ".join(ended.err.split())
    assert not (out / "evaluations").exists()


def test_a_folder_that_kept_nothing_says_how_to_keep(onward, model_folder, suite):
    ended = onward("eval", model_folder, "--suite", suite, "--every-checkpoint")
    assert ended.code == 2
    assert "Train with --keep" in " ".join(ended.err.split())
