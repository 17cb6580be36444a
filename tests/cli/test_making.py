"""The verbs that make a model, from the command line to what lies on the disk."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

SMALL = ("--depth", 1, "--width", 32, "--heads", 2, "--length", 32, "--batch", 128)


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def base(onward, texts, tmp_path):
    ended = onward("pretrain", texts, "-o", tmp_path / "base", "--steps", 12, "--vocab", 320, *SMALL)
    assert ended.code == 0, ended.err
    return tmp_path / "base"


def test_pretrain_shows_the_preflight_trains_and_leaves_one_whole_folder(onward, base, tmp_path):
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base", "stories.jsonl"]
    shown = json.loads(onward("show", base, "--json").out)
    assert shown["family"] == "qwen3"
    result = shown["lineage"]["results"][0]
    assert result["low"] < result["value"] < result["high"]
    assert (result["chance"], result["suite"]) == (8.0, "held-out text")
    assert 0 < result["baseline"] < 8
    lines = [json.loads(line) for line in (base / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_the_folder_opens_in_transformers_and_says_the_same(onward, base):
    transformers = pytest.importorskip("transformers")
    from onward.model import folder

    theirs = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    ids = torch.randint(0, 300, (1, 20))
    assert torch.allclose(theirs(ids).logits, folder.load(base)(ids), atol=1e-4)
    text = "The cat sat on the mat. 12 cats\n"
    ours = json.loads(onward("tokens", base, text, "--json").out)["ids"]
    assert transformers.AutoTokenizer.from_pretrained(base)(text)["input_ids"] == ours


def test_the_same_command_gives_the_same_bytes(onward, base, texts, tmp_path):
    onward("pretrain", texts, "-o", tmp_path / "again", "--steps", 12, "--vocab", 320, *SMALL)
    assert (base / "model.safetensors").read_bytes() == (tmp_path / "again" / "model.safetensors").read_bytes()


def test_a_training_killed_three_times_goes_on_and_ends_with_the_same_bytes(onward, base, texts, tmp_path):
    """Killed after its first checkpoint, after its fourth, and as soon as it goes on from there; benchmarks/kill.py does it 20 times."""
    out = tmp_path / "killed"
    command = ["pretrain", texts, "-o", out, "--steps", 12, "--vocab", 320, *SMALL, "--checkpoint-every", 1]
    checkpoints = tmp_path / "killed.training" / "checkpoints"
    for step in (1, 4, 5):
        process = subprocess.Popen([sys.executable, "-m", "onward", *map(str, command)], stderr=subprocess.DEVNULL)
        waited = time.monotonic()
        while not any(int(p.name[5:]) >= step for p in checkpoints.glob("step-*")) and time.monotonic() < waited + 60:
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert not out.exists(), "it was killed too late to test anything"
    assert onward(*command).code == 0
    assert same(weights(out), weights(base))
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 13)), "metrics neither lost nor doubled"
    assert not (tmp_path / "killed.training").exists()


def test_plan_shows_the_plan_and_leaves_nothing(onward, texts, tmp_path):
    ended = onward("pretrain", texts, "-o", tmp_path / "base", "--minutes", 0.1, "--vocab", 320, *SMALL, "--plan")
    assert ended.code == 0
    assert "s a step" in ended.err
    assert "What will be seen" in ended.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["stories.jsonl"]


def test_another_command_does_not_go_on_with_an_unfinished_run(onward, texts, tmp_path):
    (tmp_path / "base.training" / "checkpoints" / "step-00000001").mkdir(parents=True)
    (tmp_path / "base.training" / "onward-request.json").write_text("{}")
    ended = onward("pretrain", texts, "-o", tmp_path / "base", "--steps", 2, *SMALL)
    assert ended.code == 2
    assert "holds another run" in ended.err


def test_sft_with_replay_says_what_was_gone_over_again(onward, texts, chats, tmp_path):
    base, roomy = tmp_path / "roomy", ("--length", 128, "--batch", 512, "--depth", 1, "--width", 32, "--heads", 2)
    assert onward("pretrain", texts, "-o", base, "--steps", 2, "--vocab", 320, *roomy).code == 0
    command = ("sft", base, chats, "-o", tmp_path / "chat", "--replay", texts, "--steps", 10, "--batch", 512)
    ended = onward(*command)
    assert ended.code == 0, ended.err
    data = json.loads((tmp_path / "chat" / "onward.json").read_text())["data"]
    assert [(source["path"].rpartition("/")[2], source.get("corpus")) for source in data] == [
        (chats.name, None),
        (texts.name, "replay"),
    ]
    ended = onward("sft", base, chats, "-o", tmp_path / "other", "--replay", tmp_path / "none.txt", "--steps", 1)
    assert ended.code == 2
    assert "none.txt" in ended.err


def test_sft_learns_from_the_answers_alone(onward, base, chats, tmp_path):
    ended = onward("sft", base, chats, "-o", tmp_path / "chat", "--steps", 10, "--length", 32, "--batch", 128)
    assert ended.code == 2, "32 positions are too few for the questions"
    shutil.rmtree(base)
    wide = ("--depth", 1, "--width", 32, "--heads", 2, "--length", 128, "--batch", 256)
    onward("pretrain", tmp_path / "stories.jsonl", "-o", base, "--steps", 4, "--vocab", 320, *wide)
    ended = onward("sft", base, chats, "-o", tmp_path / "chat", "--steps", 10, "--batch", 512)
    assert ended.code == 0, ended.err
    assert "OpenAI messages conversations" in ended.err
    lineage = json.loads(onward("show", tmp_path / "chat", "--json").out)["lineage"]
    assert lineage["verb"] == "sft"
    assert lineage["parents"][0]["verb"] == "pretrain"
    assert lineage["results"][0]["suite"] == "held-out answers"
    assert not same(weights(base), weights(tmp_path / "chat"))


def test_tokenizer_prints_statistics_and_writes_a_folder(onward, texts, tmp_path):
    ended = onward("tokenizer", texts, "-o", tmp_path / "cut", "--vocab", 280, "--json")
    found = json.loads(ended.out)
    assert found["vocab_size"] == 280
    assert found["bytes_per_token"][str(texts)] > 1.5
    assert "onward.json" in {p.name for p in (tmp_path / "cut").iterdir()}
    assert "Bytes per token" in onward("tokenizer", texts, "-o", tmp_path / "cut", "--vocab", 280, "--force").out


BAD = {
    "missing": (lambda _: None, "missing.txt"),
    "empty": (lambda path: path.write_text(""), "empty"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 9), "text"),
    "latin": (lambda path: path.write_bytes("Die Bäume im Garten. ".encode("latin-1") * 9), "UTF-8"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_texts_are_one_line_and_leave_nothing_half_made(onward, tmp_path, kind):
    make, word = BAD[kind]
    path = tmp_path / f"{kind}.txt"
    make(path)
    ended = onward("pretrain", path, "-o", tmp_path / "base", "--steps", 2, *SMALL)
    assert (ended.code, ended.err.splitlines()[-1].startswith("onward: ")) == (2, True)
    assert word in ended.err
    assert str(path) in ended.err
    assert not (tmp_path / "base").exists()


def test_a_broken_line_is_named_and_can_be_left_out(onward, texts, tmp_path):
    lines = texts.read_text().splitlines()
    texts.write_text("\n".join([*lines[:20], '{"text": "cut', *lines[20:]]) + "\n")
    command = ("pretrain", texts, "-o", tmp_path / "base", "--steps", 2, "--vocab", 320, *SMALL)
    ended = onward(*command)
    assert ended.code == 2
    assert f"{texts}, line 21" in ended.err
    ended = onward(*command, "--skip-bad")
    assert ended.code == 0
    assert "1 bad lines left out" in ended.err


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (("--minutes", 1, "--steps", 1), "give one of them"),
        (("--steps", 0), "--steps 0"),
        (("--steps", 2, "--batch", 8), "less than one sequence"),
        (("--steps", 2, "--heads", 7), "7 heads cannot share --width 32"),
        (("--steps", 2, "--width", 1, "--heads", 1), "Take a --width that 2 divides"),
        (("--steps", 2, "--lr", 1e300), "--lr 1e+300"),
        (("--steps", 2, "--batch", 10**18), "--batch 1000000000000000000"),
        (("--steps", 2, "--depth", 10**18), "--depth"),
        (("--steps", 2, "--vocab", 10**9), "--vocab 1048576 or less"),
        (("--steps", 2, "--vocab", 10**22), "--vocab 1048576 or less"),
        (("--steps", 2, "--lr", -1), "--lr -1"),
        (("--steps", 2, "--device", "tpu9"), "--device tpu9"),
        (("--steps", 2, "--precision", "fp4"), "choose fp32 or bf16"),
        (("--steps", 2, "--vocab", 100), "256"),
        (("--steps", 2, "--width", 2**17, "--depth", 90, "--heads", 64), "GB"),
        (("--minutes", 1e-9), "too short for one step"),
        (("--steps", 2, "--seed", -1), "seed"),
    ],
)
def test_impossible_wishes_are_one_line(onward, texts, tmp_path, wish, words):
    given = {SMALL[i]: SMALL[i + 1] for i in range(0, len(SMALL), 2)} | {
        wish[i]: wish[i + 1] for i in range(0, len(wish), 2)
    }
    ended = onward("pretrain", texts, "-o", tmp_path / "base", *[part for pair in given.items() for part in pair])
    assert ended.code == 2, ended.err
    assert words in ended.err.splitlines()[-1]
    assert not (tmp_path / "base").exists()


def test_an_output_that_exists_is_refused_and_kept(onward, base, texts):
    before = (base / "model.safetensors").read_bytes()
    ended = onward("pretrain", texts, "-o", base, "--steps", 2)
    assert (ended.code, "exists already" in ended.err) == (2, True)
    assert (base / "model.safetensors").read_bytes() == before


def test_chats_with_wrong_roles_are_named(onward, base, tmp_path):
    path = tmp_path / "bad.jsonl"
    good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    bad = {"messages": [{"role": "wizard", "content": "a"}, {"role": "assistant", "content": "b"}]}
    path.write_text("\n".join(map(json.dumps, [good, good, bad])))
    ended = onward("sft", base, path, "-o", tmp_path / "chat", "--steps", 1)
    assert ended.code == 2
    assert f"{path}, line 3" in ended.err
    assert "wizard" in ended.err


def test_a_base_that_is_no_model_is_one_line(onward, chats, tmp_path):
    ended = onward("sft", tmp_path, chats, "-o", tmp_path / "chat", "--steps", 1)
    assert ended.code == 2
    assert str(tmp_path) in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_one_line(onward, texts, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    ended = onward("pretrain", texts, "-o", tmp_path / "locked" / "base", "--steps", 2, *SMALL)
    assert ended.code == 2
    assert "no permission" in ended.err


def test_a_full_disk_loses_nothing_and_the_same_command_goes_on_when_there_is_room(onward, base, texts, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 300_000))
    command = (
        "pretrain",
        texts,
        "-o",
        small_disk / "full",
        "--steps",
        12,
        "--vocab",
        320,
        *SMALL,
        "--checkpoint-every",
        3,
    )
    ended = onward(*command)
    assert ended.code == 2
    assert "no space left" in ended.err.splitlines()[-1]
    assert not (small_disk / "full").exists()
    ballast.unlink()
    assert onward(*command).code == 0
    assert same(weights(small_disk / "full"), weights(base))


def test_sft_with_an_adapter_then_merge(onward, texts, chats, tmp_path):
    base, adapter, merged = tmp_path / "roomy", tmp_path / "adapter", tmp_path / "merged"
    roomy = ("--length", 128, "--batch", 512, "--depth", 1, "--width", 32, "--heads", 2)
    assert onward("pretrain", texts, "-o", base, "--steps", 2, "--vocab", 320, *roomy).code == 0
    before = weights(base)
    command = ("sft", base, chats, "-o", adapter, "--adapter", "lora", "--rank", 4, "--steps", 3, "--batch", 512)
    ended = onward(*command)
    assert ended.code == 0, ended.err
    assert "2,432 weights learn" in ended.err
    assert same(weights(base), before)
    assert not (adapter / "model.safetensors").exists()
    assert "an adapter (lora) of 2,432 weights" in onward("show", adapter).out
    shown = json.loads(onward("show", adapter, "--json").out)
    assert (shown["method"], shown["settings"]["r"], shown["lineage"]["verb"]) == ("lora", 4, "sft")
    checked = onward("check", adapter)
    assert checked.code == 0, checked.err
    assert "merged = adapter" in checked.out
    ended = onward("merge", base, adapter, "-o", merged)
    assert ended.code == 0, ended.err
    assert [one["verb"] for one in json.loads(onward("show", merged, "--json").out)["lineage"]["parents"]] == [
        "pretrain",
        "sft",
    ]
    for wrong, words in (
        (("merge", adapter, base, "-o", tmp_path / "x"), "base first"),
        (("merge", base, adapter, "-o", merged), "exists already"),
        ((*command[:3], "-o", tmp_path / "x", "--adapter", "magic"), "choose one of lora, dora"),
        ((*command[:3], "-o", tmp_path / "x", "--rank", 4), "Add --adapter"),
        ((*command[:3], "-o", tmp_path / "x", "--base-precision", "int8"), "Add --adapter"),
        (("check", tmp_path / "x"), "does not exist"),
    ):
        ended = onward(*wrong)
        assert ended.code == 2, wrong
        assert words in ended.err, ended.err
