"""Real runs of two processes, started by torchrun as a person would.

Four processes, torchrun's restart and two machines are the slow proof: benchmarks/processes.py."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from onward.cli import main
from onward.errors import FolderError, PlanError
from onward.train import checkpoints, processes
from onward.train.size import memory_needed
from samples import story

STEPS = 20
SMALL = (
    "--length",
    32,
    "--batch",
    128,
    "--depth",
    2,
    "--width",
    32,
    "--heads",
    2,
    "--vocab",
    320,
    "--precision",
    "fp32",
)
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "onward")


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """`command(out)` is a training of 20 steps, with a checkpoint every 4."""
    texts = tmp_path_factory.mktemp("texts") / "stories.jsonl"
    texts.write_text("".join(json.dumps({"text": story(i)}) + "\n" for i in range(60)))

    def arguments(out):
        return [str(a) for a in ("pretrain", texts, "--steps", STEPS, *SMALL, "--checkpoint-every", 4, "-o", out)]

    return arguments


def in_this_process(arguments):
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SystemExit):
        patch.setattr(sys, "argv", ["onward", *arguments])
        main()


def together(arguments):
    return subprocess.Popen([*TORCHRUN, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for_steps(out, steps):
    metrics = Path(f"{out}.training/metrics.jsonl")
    while not metrics.exists() or metrics.read_bytes().count(b"\n") < steps:
        time.sleep(0.02)


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def said(text):
    return [line for line in text.splitlines() if line.startswith("onward: ")]


@pytest.fixture(scope="module")
def one(command, tmp_path_factory):
    """The losses of one process."""
    out = tmp_path_factory.mktemp("one") / "model"
    in_this_process(command(out))
    return losses(out)


@pytest.fixture(scope="module")
def killed(command, tmp_path_factory):
    """A training of two processes, of which the second was killed after a few steps: its place, what was printed, and a copy of
    its last checkpoint."""
    out = tmp_path_factory.mktemp("killed") / "model"
    running = together(command(out))
    wait_for_steps(out, 9)
    os.kill(process_of_rank(1, out), signal.SIGKILL)
    _, printed = running.communicate(timeout=100)
    assert running.returncode != 0
    kept = checkpoints.existing(Path(f"{out}.training/checkpoints"))[-1]
    return out, printed, shutil.copytree(kept, out.parent / kept.name)


def process_of_rank(rank, out):
    """The worker of this rank among all processes that write to `out`."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = str(out).encode() in (place / "cmdline").read_bytes()
            if mine and f"\0RANK={rank}\0".encode() in b"\0" + (place / "environ").read_bytes():
                return int(place.name)
    raise AssertionError("no such worker")


def test_a_killed_worker_ends_the_others_with_one_line(killed):
    _, printed, _ = killed
    assert len(said(printed)) == 1
    assert "another process of this training has ended" in printed
    assert "the same command goes on" in printed


def test_what_two_processes_began_one_process_finishes_with_the_same_losses(killed, command, one):
    out, _, kept = killed
    assert {file.suffix for file in kept.iterdir()} == {".safetensors", ".json"}
    in_this_process(command(out))
    assert losses(out) == pytest.approx(one, abs=1e-5)


def test_a_checkpoint_that_lacks_a_part_is_named_as_broken(killed, tiny_model, tmp_path):
    _, _, kept = killed
    shutil.copytree(kept, tmp_path / "step")
    next((tmp_path / "step").glob("shard-00001*")).unlink()
    with pytest.raises(FolderError, match="1 of its 2 parts are there"):
        checkpoints.load(tmp_path / "step", tiny_model, [])


def test_what_one_process_began_two_finish_with_the_same_losses(command, one, tmp_path):
    out = tmp_path / "model"

    def stop():
        wait_for_steps(out, 5)
        os.kill(os.getpid(), signal.SIGINT)

    stopping = threading.Thread(target=stop)
    stopping.start()
    in_this_process(command(out))
    stopping.join()
    assert not out.exists()
    running = together(command(out))
    _, printed = running.communicate(timeout=100)
    assert running.returncode == 0, printed
    assert printed.count(f"pretrain {STEPS}/{STEPS}") == 1  # one process speaks for both
    assert losses(out) == pytest.approx(one, abs=1e-5)


def test_bad_input_is_one_line_from_all_processes_together(tmp_path):
    running = together(["pretrain", str(tmp_path / "none.txt"), "--steps", "3", "-o", str(tmp_path / "model")])
    _, printed = running.communicate(timeout=100)
    assert len(said(printed)) == 1
    assert "none.txt does not exist" in printed
    assert "exitcode  : 2" in printed  # as torchrun reports it


@pytest.fixture
def as_rank(monkeypatch):
    def be(rank, count):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", str(count))

    return be


@pytest.mark.parametrize("parts", [1, 3, 4, 7, 8])
def test_work_is_dealt_out_once_and_all_take_equally_many_turns(as_rank, parts):
    dealt = []
    for rank in range(4):
        as_rank(rank, 4)
        dealt.append(list(processes.shares(range(parts))))
    assert len({len(share) for share in dealt}) == 1
    assert sorted(part for share in dealt for part, counts in share if counts) == list(range(parts))


def test_a_verb_for_one_process_says_so(as_rank):
    as_rank(1, 2)
    with pytest.raises(PlanError, match="without torchrun"):
        processes.alone("build")


def test_half_an_environment_of_torchrun_is_explained(as_rank, monkeypatch):
    as_rank(0, 2)
    monkeypatch.delenv("RANK")
    with pytest.raises(PlanError, match="RANK is None"):
        processes.is_first()


def test_the_memory_of_the_weights_is_shared(as_rank, tiny_model):
    alone = memory_needed(tiny_model.config, 0)
    as_rank(0, 4)
    assert memory_needed(tiny_model.config, 0) == alone // 4


def test_averaged_weights_and_what_is_known_of_spikes_pass_from_two_processes_to_one(command, tmp_path):
    options = ["--ema", "0.9", "--skip-spikes"]
    running = together([*command(tmp_path / "both"), *options])
    wait_for_steps(tmp_path / "both", 9)
    os.kill(process_of_rank(1, tmp_path / "both"), signal.SIGKILL)
    running.communicate(timeout=100)
    for out in ("both", "one"):
        in_this_process([*command(tmp_path / out), *options])
    both, one = (load_file(tmp_path / out / "model.safetensors") for out in ("both", "one"))
    assert all(torch.allclose(both[name], one[name], atol=1e-5) for name in one)
