"""`onward pretrain --objective` and `onward fill`, from the command line to what lies on the disk."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

SMALL = ("--depth", 1, "--width", 32, "--heads", 2, "--length", 32, "--batch", 128, "--steps", 12, "--vocab", 320)


@pytest.fixture
def made(onward, texts, tmp_path):
    def make(objective, name="made"):
        ended = onward("pretrain", texts, "-o", tmp_path / name, "--objective", objective, *SMALL)
        assert ended.code == 0, ended.err
        return tmp_path / name, ended

    return make


def results(onward, path):
    shown = json.loads(onward("show", path, "--json").out)
    return shown["family"], {result["metric"]: result for result in shown["lineage"]["results"]}


def test_masked_makes_a_stock_bert_that_transformers_fills_blanks_with(onward, made):
    path, ended = made("masked")
    assert "<|mask|>" in ended.err, "the preflight shows what is hidden"
    assert "onward fill" in ended.err
    family, found = results(onward, path)
    assert family == "bert"
    assert set(found) == {"bits per byte", "bits per masked token", "masked tokens filled right"}
    assert all(result["baseline"] and result["chance"] and result["n"] > 1 for result in found.values())
    assert not (path / "generation_config.json").exists()

    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForMaskedLM.from_pretrained(path)
    assert type(model).__name__ == "BertForMaskedLM"
    theirs = transformers.pipeline("fill-mask", model=str(path), device="cpu")("The cat <|mask|> on the mat.", top_k=3)
    ours = json.loads(onward("fill", path, "The cat ___ on the mat.", "--top", 3, "--json").out)
    words = ours["blanks"][0]
    assert [w["text"] for w in words] == [t["token_str"] for t in theirs]
    assert [w["probability"] for w in words] == pytest.approx([t["score"] for t in theirs], abs=1e-5)


def test_prefix_makes_a_decoder_that_fills_blanks_and_opens_as_one(onward, made):
    path, ended = made("prefix")
    assert "<|span_0|>" in ended.err
    family, found = results(onward, path)
    assert family == "qwen3"
    assert found["bits per byte"]["baseline"] > 0
    filled = onward("fill", path, "The cat ___ on the mat.")
    assert filled.code == 0, filled.err
    assert filled.out.startswith("The cat")
    assert "one filling for each blank" in onward("fill", path, "The ___.", "--top", 3).err
    transformers = pytest.importorskip("transformers")
    from onward.model import folder

    ids = torch.randint(0, 300, (1, 20))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    assert torch.allclose(theirs(ids).logits, folder.load(path)(ids), atol=1e-4)


def test_a_killed_encoder_goes_on_and_ends_with_the_same_bytes(onward, made, texts, tmp_path):
    whole, _ = made("masked")
    out = tmp_path / "killed"
    command = ["pretrain", texts, "-o", out, "--objective", "masked", *SMALL, "--checkpoint-every", 2]
    process = subprocess.Popen([sys.executable, "-m", "onward", *map(str, command)], stderr=subprocess.DEVNULL)
    waited = time.monotonic()
    while not list((tmp_path / "killed.training" / "checkpoints").glob("step-*")) and time.monotonic() < waited + 60:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists(), "it was killed too late to test anything"
    assert onward(*command).code == 0
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_another_objective_does_not_go_on_with_an_unfinished_run(onward, texts, tmp_path):
    from onward.train import pretrain
    from onward.train.plan import Shape, Wishes
    from onward.train.workspace import CHECKPOINTS, Workspace

    shape, wishes = Shape(depth=1, width=32, heads=2), Wishes(length=32, batch=128, steps=12)
    further = {"tokenizer": "None", "vocab": 320, "skip_bad": False, "objective": "next"}
    Workspace(tmp_path / "made", pretrain.request([str(texts)], wishes, shape, **further))
    (tmp_path / "made.training" / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    ended = onward("pretrain", texts, "-o", tmp_path / "made", "--objective", "masked", *SMALL)
    assert ended.code == 2
    assert 'its objective was "next" and is now "masked"' in ended.err


def test_an_objective_that_there_is_not_is_one_line(onward, texts, tmp_path):
    ended = onward("pretrain", texts, "-o", tmp_path / "made", "--objective", "denoise", *SMALL)
    assert ended.code == 2
    assert "choose next, masked, prefix" in ended.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [texts], "nothing was begun"


def test_an_encoder_is_refused_where_a_text_is_to_be_carried_on(onward, made, chats, tmp_path):
    path, _ = made("masked")
    for command in (("generate", path, "a"), ("chat", path), ("sft", path, chats, "-o", tmp_path / "c", "--steps", 1)):
        ended = onward(*command)
        assert (ended.code, "encoder" in ended.err) == (2, True), command


@pytest.mark.parametrize(("option", "words"), [(("--top", 0), "--top 0"), (("--device", "tpu9"), "tpu9")])
def test_options_that_make_no_sense_are_one_line(onward, model_folder, tokenizer, option, words):
    from onward.tokens.special import with_spans

    with_spans(tokenizer).save(model_folder)
    ended = onward("fill", model_folder, "The ___.", *option)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert words in ended.err


def test_a_decoder_and_an_address_are_one_line(onward, model_folder):
    assert "onward generate" in onward("fill", model_folder, "The ___.").err
    ended = onward("fill", "http://localhost:1/v1", "The ___.")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
