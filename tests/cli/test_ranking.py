"""The verb, from the command line."""

import json

import pytest


@pytest.fixture
def judge_folder(onward, model_folder, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    lines = [{"prompt": f"{i}?", "chosen": f"yes {i}", "rejected": f"no {i}"} for i in range(40)]
    pairs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert onward("reward", model_folder, pairs, "-o", tmp_path / "reward", "--steps", 1).code == 0
    return tmp_path / "reward"


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("".join(f"{i}?\n" for i in range(40)))
    return path


def test_rank_says_what_came_of_it_and_what_to_do_next(onward, model_folder, judge_folder, prompts, tmp_path):
    command = ("rank", model_folder, prompts, "--judge", judge_folder, "--max-tokens", 50)
    ended = onward(*command, "-o", tmp_path / "votes.jsonl")
    assert ended.code == 0, ended.err
    assert "one answer was found better than another" in ended.out
    assert "the longer answer is better" in ended.out
    assert f"onward reward {model_folder} {tmp_path / 'votes.jsonl'} -o mine/reward" in ended.err
    found = json.loads(onward(*command, "-o", tmp_path / "again.jsonl", "--json").out)
    assert found["ended"] == "every prompt has been judged"
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "votes.jsonl").read_bytes()
    assert sum(found["prompts"].values()) == 40


def test_what_cannot_be_done_is_one_line(onward, model_folder, prompts, tmp_path):
    out = ("-o", tmp_path / "votes.jsonl")
    for further, words in (
        (("--judge", "me"), "needs a terminal"),
        (("--judge", model_folder), "Give the folder of a reward model"),
        (("--judge", "http://127.0.0.1:9/v1#x", "--answers", 1), "--answers 1"),
        (("--judge", tmp_path / "nothing"), "nothing does not exist"),
    ):
        ended = onward("rank", model_folder, prompts, *out, *further)
        assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1), ended.err
        assert words in ended.err
        assert not (tmp_path / "votes.jsonl").exists()
