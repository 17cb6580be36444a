import json

import pytest


@pytest.fixture
def base(onward, texts, tmp_path):
    roomy = ("--length", 128, "--batch", 512, "--depth", 1, "--width", 32, "--heads", 2)
    assert onward("pretrain", texts, "-o", tmp_path / "base", "--steps", 2, "--vocab", 320, *roomy).code == 0
    return tmp_path / "base"


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.jsonl"
    lines = [{"prompt": f"{i}?", "chosen": f"please {i}", "rejected": f"banana {i}"} for i in range(60)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_reward_makes_a_folder_that_says_how_often_it_is_right(onward, base, pairs, tmp_path):
    ended = onward("reward", base, pairs, "-o", tmp_path / "reward", "--steps", 3)
    assert ended.code == 0, ended.err
    assert "held-out rankings" in ended.err
    assert "rankings/s" in ended.err
    shown = json.loads(onward("show", tmp_path / "reward", "--json").out)
    assert shown["architecture"]["outputs"] == "score"
    assert shown["lineage"]["verb"] == "reward"
    assert shown["lineage"]["results"][0]["suite"] == "held-out preferences"
    assert "A reward model" in (tmp_path / "reward" / "report.html").read_text()
    ended = onward("chat", tmp_path / "reward")
    assert ended.code == 2
    assert "reward model" in ended.err


def test_reward_goes_on_where_it_stopped_to_the_same_weights(onward, base, pairs, tmp_path):
    command = ("reward", base, pairs, "--steps", 6, "--checkpoint-every", 2)
    assert onward(*command, "-o", tmp_path / "a").code == 0
    ended = onward(*command, "-o", tmp_path / "a")
    assert ended.code == 2
    assert "exists already" in ended.err
    assert onward(*command, "-o", tmp_path / "b").code == 0
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()


def test_what_cannot_be_learned_from_is_said_in_a_line(onward, base, pairs, tmp_path):
    out = ("-o", tmp_path / "reward", "--steps", 1)
    pairs.with_name("same.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "b"}\n')
    for command, words in (
        (("reward", base, pairs, *out, "--margin"), "--margin needs scores"),
        (("reward", base, pairs.with_name("same.jsonl"), *out), "line 1"),
        (("reward", base, pairs.with_name("none.jsonl"), *out), "none.jsonl"),
        (("reward", tmp_path, pairs, *out), "not a model folder"),
    ):
        ended = onward(*command)
        assert ended.code == 2, command
        assert words in ended.err, ended.err
        assert not (tmp_path / "reward").exists()
