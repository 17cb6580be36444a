"""`onward rl` from the outside: what it writes, what it only shows, and what it refuses in a line."""

import json
import os

import pytest

SMALL = ("--rollouts", 12, "--max-tokens", 8, "--steps", 4)


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"{i}?"}) + "\n" for i in range(30)))
    return path


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text("def short(record, answer): return -len(answer)\ndef none(record, answer): pass\n")
    return path


def test_rl_makes_a_folder_that_one_can_talk_to_with_a_page_about_it(onward, model_folder, prompts, rules, tmp_path):
    out = tmp_path / "liked"
    ended = onward(
        "rl", model_folder, prompts, "-o", out, "--reward", f"{rules}:short", "--watch", f"1*{rules}:short", *SMALL
    )
    assert ended.code == 0, ended.err
    assert "answers drawn" in ended.err
    assert f"Talk to it:  onward chat {out}" in ended.err
    assert f"{out}/report.html" in ended.err.replace("\n", "")
    shown = json.loads(onward("show", out, "--json").out)
    assert shown["lineage"]["verb"] == "rl"
    assert [result["metric"] for result in shown["lineage"]["results"]][:2] == [
        "reward",
        "preferred to the answers before",
    ]
    assert "Reinforcement" in (out / "report.html").read_text()
    assert not (tmp_path / "liked.training").exists()
    again = onward("rl", model_folder, prompts, "-o", out, "--reward", f"{rules}:short", *SMALL)
    assert again.code == 2
    assert "exists already" in again.err


def test_plan_shows_and_writes_nothing(onward, model_folder, prompts, rules, tmp_path):
    before = sorted(os.listdir(tmp_path))
    command = ("rl", model_folder, prompts, "-o", tmp_path / "liked", "--reward", f"{rules}:short", *SMALL, "--plan")
    ended = onward(*command, "--method", "grpo", "--answers", 4)
    assert ended.code == 0, ended.err
    assert "12 answers drawn, 4 to each of 3 prompts" in " ".join(ended.err.split())
    assert [name for name in sorted(os.listdir(tmp_path)) if name != "__pycache__"] == before


def test_what_cannot_be_done_is_said_in_a_line(onward, model_folder, prompts, rules, tmp_path):
    out = ("-o", tmp_path / "liked")
    short = ("--reward", f"{rules}:short")
    for command, words in (
        ((model_folder, prompts, *out, *SMALL), "--method ppo needs a --reward"),
        ((model_folder, prompts, *out, *SMALL, *short, "--method", "dqn"), "--method dqn: choose ppo, grpo"),
        ((model_folder, prompts, *out, *short, "--steps", 1, "--max-tokens", 64), "have 64 positions together"),
        ((model_folder, prompts, *out, *SMALL, "--reward", "nowhere"), "there is no such folder"),
        ((model_folder, prompts, *out, *SMALL, "--reward", f"{rules}:tall"), "has no function 'tall'"),
        ((model_folder, prompts, *out, *SMALL, "--reward", f"{rules}:none"), "and no finite number"),
        ((model_folder, prompts, *out, *SMALL, "--reward", "gold"), 'needs the "truth"'),
        ((model_folder, prompts, *out, *SMALL, "--reward", model_folder), "holds a language model"),
        ((model_folder, prompts, *out, *SMALL, *short, "--clip", 0), "--clip 0"),
        ((model_folder, tmp_path / "none.jsonl", *out, *SMALL, *short), "none.jsonl"),
        ((tmp_path, prompts, *out, *SMALL, *short), "not a model folder"),
    ):
        ended = onward("rl", *command)
        assert ended.code == 2, command
        assert words in " ".join(ended.err.split()), ended.err
        assert "Traceback" not in ended.err
        assert not (tmp_path / "liked").exists()


def test_a_model_that_cannot_answer_is_refused(onward, texts, prompts, rules, tmp_path):
    small = ("--length", 64, "--batch", 256, "--depth", 1, "--width", 32, "--heads", 2, "--vocab", 320, "--steps", 1)
    assert onward("pretrain", texts, "-o", tmp_path / "encoder", "--objective", "masked", *small).code == 0
    ended = onward("rl", tmp_path / "encoder", prompts, "-o", tmp_path / "liked", "--reward", f"{rules}:short", *SMALL)
    assert ended.code == 2
    assert "holds an encoder, which fills blanks and cannot answer" in " ".join(ended.err.split())
