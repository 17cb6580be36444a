"""Real processes, stopped with Ctrl-C, SIGTERM and kill -9 in the middle of things, and the same command again."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from samples import randomised

SMALL = ("--depth", 1, "--width", 32, "--heads", 2, "--length", 128, "--batch", 256, "--checkpoint-every", 1)


def begin(*command, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "onward", *map(str, command)], stderr=subprocess.PIPE, text=True, **options
    )


def stop(command, how, checkpoints):
    """Run a command until there is a checkpoint, stop it, and return what it said at the end."""
    process, began = begin(*command), time.monotonic()
    known = set(checkpoints.glob("step-*"))
    while not set(checkpoints.glob("step-*")) - known and process.poll() is None and time.monotonic() < began + 300:
        time.sleep(0.002)
    process.send_signal(how)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == (130 if how == signal.SIGINT else -how), said
    assert checkpoints.exists(), "it was stopped too late to test anything"
    return said.splitlines()[-1]


def same(one, other):
    a, b = (load_file(path / "model.safetensors") for path in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_build_that_is_killed_and_stopped_ends_as_if_nothing_had_been(onward, texts, chats, tmp_path):
    def command(out):
        return ("build", texts, "--chat", chats, "-o", tmp_path / out, "--steps", 60, *SMALL)

    assert onward(*command("whole")).code == 0
    stop(command("cut"), signal.SIGKILL, tmp_path / "cut" / "base.training" / "checkpoints")
    assert not (tmp_path / "cut" / "base").exists()
    said = stop(command("cut"), signal.SIGINT, tmp_path / "cut" / "sft.training" / "checkpoints")
    assert said == "onward: stopped. Nothing is lost: the same command goes on."
    assert onward(*command("cut")).code == 0
    for stage in ("base", "sft"):
        assert same(tmp_path / "cut" / stage, tmp_path / "whole" / stage)
    assert sorted(os.listdir(tmp_path / "cut")) == sorted(os.listdir(tmp_path / "whole"))


def test_instruction_tuning_that_is_stopped_and_killed_ends_as_if_nothing_had_been(onward, long_model, chats, tmp_path):
    def command(out):
        tuned = ("--steps", 40, "--length", 128, "--batch", 256, "--checkpoint-every", 1)
        return ("sft", long_model, chats, "-o", tmp_path / out, *tuned)

    assert onward(*command("whole")).code == 0
    for how in (signal.SIGINT, signal.SIGKILL):
        stop(command("cut"), how, tmp_path / "cut.training" / "checkpoints")
        assert not (tmp_path / "cut").exists()
    assert onward(*command("cut")).code == 0
    assert same(tmp_path / "cut", tmp_path / "whole")


def test_heads_whose_training_is_killed_and_stopped_end_as_if_nothing_had_been(onward, long_model, chats, tmp_path):
    def command(out):
        small = ("--steps", 40, "--length", 128, "--batch", 256, "--checkpoint-every", 1, "--heads", 2)
        return ("train-heads", long_model, chats, "-o", tmp_path / out, *small)

    assert onward(*command("whole")).code == 0
    for how in (signal.SIGKILL, signal.SIGINT):
        said = stop(command("cut"), how, tmp_path / "cut.training" / "checkpoints")
        assert not (tmp_path / "cut").exists()
    assert said == "onward: stopped. Nothing is lost: the same command goes on."
    assert onward(*command("cut")).code == 0
    one, other = ((tmp_path / name / "drafter.safetensors").read_bytes() for name in ("whole", "cut"))
    assert one == other


def test_reinforcement_that_is_killed_and_stopped_ends_as_if_nothing_had_been(onward, long_model, chats, tmp_path):
    """Killed and stopped after any step, also between two that learn from the same answers."""
    (tmp_path / "rules.py").write_text("def short(record, answer): return -len(answer)\n")

    def command(out):
        drawn = (
            "--rollouts",
            12,
            "--max-tokens",
            8,
            "--epochs",
            5,
            "--length",
            128,
            "--steps",
            40,
            "--checkpoint-every",
            1,
        )
        return ("rl", long_model, chats, "--reward", tmp_path / "rules.py:short", "-o", tmp_path / out, *drawn)

    assert onward(*command("whole")).code == 0
    for how in (signal.SIGKILL, signal.SIGINT):
        stop(command("cut"), how, tmp_path / "cut.training" / "checkpoints")
        assert not (tmp_path / "cut").exists()
    assert onward(*command("cut")).code == 0
    assert same(tmp_path / "cut", tmp_path / "whole")


def test_sigterm_before_the_first_step_is_said_as_ctrl_c_is(texts, tmp_path):
    process = begin("pretrain", texts, "-o", tmp_path / "base", "--steps", 100_000, *SMALL)
    assert process.stderr.readline().startswith("training a tokenizer")
    process.terminate()
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert said.endswith("\nonward: stopped. Nothing is lost: the same command goes on.\n")
    assert "Traceback" not in said


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_stopped_in_its_first_moments_it_says_so_in_one_line(how):
    """While it imports what it needs. The finder is asked for every module; it interrupts at the first one after the start."""
    code = (
        "import os, signal, sys\n"
        "from onward.cli import main\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        f"        sys.meta_path.remove(self); os.kill(os.getpid(), signal.{how})\n"
        "sys.argv = ['onward', 'show', 'x']\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "\nonward: stopped.\n")


@pytest.fixture
def long_model(tokenizer, tmp_path):
    """Small, but with room for an answer that goes on for seconds, and with no token that ends it."""
    shape = {"width": 32, "depth": 1, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 32}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=8192, **shape)
    model = randomised(LanguageModel(config).initialise(0))
    (tmp_path / "tokenizer").mkdir()
    tokenizer.save(tmp_path / "tokenizer")
    folder.save(tmp_path / "long", model, lineage=Lineage(verb="test"), tokenizer_folder=tmp_path / "tokenizer")
    return tmp_path / "long"


def test_ctrl_c_ends_an_answer_and_sigterm_the_conversation(long_model):
    process = begin(
        "chat", long_model, "--max-tokens", 8000, "--temperature", 0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    for how in (signal.SIGINT, signal.SIGTERM):
        process.stdin.write("Hi!\n")
        process.stdin.flush()
        answer = process.stdout.read(1)
        process.send_signal(how)
        while how == signal.SIGINT and not answer.endswith(" (stopped)\n"):
            answer += process.stdout.read(1) or pytest.fail("the conversation has ended")
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert said.endswith("\nonward: stopped.\n")
    assert "Traceback" not in said
