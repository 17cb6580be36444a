"""Options of a training, from the command line to what lies on the disk."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from onward.errors import TrainingError
from onward.train import pretrain
from onward.train.objectives import next_token
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace

SMALL = ("--depth", 1, "--width", 32, "--heads", 2, "--length", 32, "--batch", 128, "--vocab", 320)


@pytest.fixture
def sea(tmp_path):
    path = tmp_path / "sea.txt"
    path.write_text(
        "\n<|endoftext|>\n".join(f"A ship with {i} sails went over the sea to island {i}." for i in range(90))
    )
    return path


def lineage_of(onward, folder):
    return json.loads(onward("show", folder, "--json").out)["lineage"]


def test_each_corpus_of_a_mixture_is_measured_on_its_own_beside_the_whole(onward, texts, sea, tmp_path):
    out = tmp_path / "base"
    ended = onward("pretrain", f"{texts}=0.75", f"{sea}=0.25", "-o", out, "--steps", 8, *SMALL)
    assert ended.code == 0, ended.err
    assert "share of the rows" in ended.err
    found = {result["suite"]: result for result in lineage_of(onward, out)["results"]}
    whole, stories, ships = (
        found["held-out text"],
        found["held-out text: stories.jsonl"],
        found["held-out text: sea.txt"],
    )
    for name in ("value", "baseline"):
        assert whole[name] == pytest.approx(0.75 * stories[name] + 0.25 * ships[name])
    assert all(result["low"] < result["value"] < result["high"] for result in found.values())
    last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    assert {name for name in last if name.startswith("held_out")} == {
        "held_out_bits_per_byte",
        "held_out_bits_per_byte/stories.jsonl",
        "held_out_bits_per_byte/sea.txt",
    }
    assert [source["share"] for source in lineage_of(onward, out)["data"]] == [0.75, 0.25]


def test_every_option_at_once_survives_a_kill(onward, texts, sea, model_folder, tmp_path):
    """Going on from a model, with a mixture, averaged weights and an eye on spikes."""

    def command(out):
        options = ("--length", 32, "--batch", 128, "--ema", 0.9, "--skip-spikes", "--checkpoint-every", 2)
        mixture = (f"{texts}=2", f"{sea}=1")
        return ["pretrain", *mixture, "--init", model_folder, "-o", tmp_path / out, "--steps", 14, *options]

    process = subprocess.Popen(
        [sys.executable, "-m", "onward", *map(str, command("killed"))], stderr=subprocess.DEVNULL
    )
    first, waited = tmp_path / "killed.training" / "checkpoints" / "step-00000002", time.monotonic()
    while not first.exists() and time.monotonic() < waited + 100:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed").exists(), "it was killed too late to test anything"
    for out in ("killed", "whole"):
        ended = onward(*command(out))
        assert ended.code == 0, ended.err
    killed, whole = (load_file(tmp_path / out / "model.safetensors") for out in ("killed", "whole"))
    assert all(torch.equal(killed[name], whole[name]) for name in whole)
    lines = [
        [json.loads(line) | {"seconds": 0} for line in (tmp_path / out / "metrics.jsonl").read_text().splitlines()]
        for out in ("killed", "whole")
    ]
    assert lines[0] == lines[1]


def test_the_folder_holds_the_average_and_says_what_it_is_worth(onward, texts, tmp_path):
    for name, options in (("plain", ()), ("averaged", ("--ema", 0.8))):
        assert onward("pretrain", texts, "-o", tmp_path / name, "--steps", 12, *SMALL, *options).code == 0
    plain, averaged = (lineage_of(onward, tmp_path / name) for name in ("plain", "averaged"))
    assert averaged["plan"]["ema"] == 0.8
    found = {result["suite"]: result["value"] for result in averaged["results"]}
    assert found["held-out text, without averaging"] == plain["results"][0]["value"]
    assert found["held-out text"] != plain["results"][0]["value"]
    last = json.loads((tmp_path / "averaged" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["held_out_bits_per_byte"] == pytest.approx(found["held-out text"])


def test_a_changed_parent_under_a_resumed_run_is_refused(onward, texts, model_folder, tmp_path):
    command = ("pretrain", texts, "--init", model_folder, "-o", tmp_path / "next", "--steps", 2)
    (tmp_path / "next.training" / "checkpoints" / "step-00000001").mkdir(parents=True)
    wishes = Wishes(steps=2)
    request = pretrain.request([str(texts)], wishes, Shape(), init=str(model_folder))
    request |= {"tokenizer": "None", "vocab": None, "skip_bad": False}
    (tmp_path / "next.training" / "onward-request.json").write_text(json.dumps(request))
    weights = bytearray((model_folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model_folder / "model.safetensors").write_bytes(weights)
    ended = onward(*command)
    assert ended.code == 2
    assert "its init was" in ended.err


def test_a_device_that_vanishes_is_named_and_the_training_goes_on_from_its_checkpoint(texts, tmp_path):
    """There is no card here to be pulled out: the error is the one that torch raises when there is."""
    wishes = Wishes(steps=9, length=32, batch=128, checkpoint_every=3)
    shape = Shape(depth=1, width=32, heads=2)

    def prepared():
        workspace = Workspace(tmp_path / "base", {})
        return pretrain.prepare([str(texts)], workspace, wishes, shape, vocab=320, console=Console(quiet=True))

    seen = []

    def vanishing(model, batch):
        seen.append(batch)
        if len(seen) == 8:
            raise torch.AcceleratorError("CUDA error: device lost\nCompile with TORCH_USE_CUDA_DSA")
        return next_token(model, batch)

    training = replace(prepared(), objective=vanishing)
    with (
        training.workspace,
        pytest.raises(TrainingError, match=r"cpu has failed \(CUDA error: device lost\).*after step 6\."),
    ):
        training.run(Console(quiet=True))
    whole = prepared()
    with whole.workspace:
        assert (whole.run(Console(quiet=True)) / "model.safetensors").exists()


def test_a_loss_that_is_no_number_names_step_batch_and_the_last_good_checkpoint(texts, tmp_path):
    workspace = Workspace(tmp_path / "base", {})
    wishes = Wishes(steps=9, length=32, batch=128, checkpoint_every=3)
    training = pretrain.prepare(
        [str(texts)], workspace, wishes, Shape(depth=1, width=32, heads=2), vocab=320, console=Console(quiet=True)
    )
    seen = []

    def broken(model, batch):
        seen.append(batch)
        loss = next_token(model, batch)
        return replace(loss, value=loss.value * float("nan")) if len(seen) == 8 else loss

    training.objective = broken
    with pytest.raises(TrainingError, match=r"step 8, on batch 7: the loss is nan.*step-00000006, after step 6\."):
        training.run(Console(quiet=True))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (("--ema", 1.5), "--ema 1.5"),
        (("--log", "paper"), "choose tensorboard"),
        (("--init", "nowhere/at/all"), "nowhere/at/all does not exist"),
    ],
)
def test_options_that_cannot_be_are_one_line(onward, texts, tmp_path, wish, words):
    ended = onward("pretrain", texts, "-o", tmp_path / "base", "--steps", 2, *wish)
    assert (ended.code, words in ended.err.splitlines()[-1]) == (2, True), ended.err


def test_options_of_every_training_are_offered_by_every_training(onward):
    for verb in ("build", "pretrain", "sft"):
        shown = onward(verb, "--help").out
        assert all(option in shown for option in ("--ema", "--skip-spikes", "--log"))
        assert ("--init" in shown) == (verb == "pretrain")


def test_an_encoder_learns_from_a_mixture_and_goes_on_as_an_encoder(onward, texts, sea, tmp_path):
    masked = ("--objective", "masked", "--steps", 2)
    ended = onward("pretrain", f"{texts}=1", f"{sea}=1", "-o", tmp_path / "first", *masked, *SMALL)
    assert ended.code == 0, ended.err
    results = lineage_of(onward, tmp_path / "first")["results"]
    assert [result["suite"].partition(": ")[2] for result in results[::3]] == ["", "stories.jsonl", "sea.txt"]
    rights = [result["value"] for result in results if result["metric"] == "masked tokens filled right"]
    assert rights[0] == pytest.approx((rights[1] + rights[2]) / 2)
    assert onward("pretrain", sea, "--init", tmp_path / "first", "-o", tmp_path / "next", *masked).code == 0
    ended = onward("pretrain", sea, "--init", tmp_path / "first", "-o", tmp_path / "other", "--steps", 2)
    assert (ended.code, "is an encoder (bert)" in ended.err) == (2, True)
