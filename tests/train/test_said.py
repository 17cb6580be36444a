"""What a model says while it learns: the same beginnings each time, by the model as it then is, and the training stays as it was."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from onward.align import instruct
from onward.errors import FolderError
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling
from onward.model import folder
from onward.tokens.tokenizer import Tokenizer
from onward.train import pretrain, said
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace

QUIET = Console(quiet=True)
SHAPE = Shape(depth=1, width=32, heads=2)


def trained(texts, out, *, mute=False, steps=12, **further):
    wishes = Wishes(steps=steps, length=64, batch=128, precision="fp32", checkpoint_every=4)
    with Workspace(out, {}) as workspace:
        training = pretrain.prepare([str(texts)], workspace, wishes, SHAPE, vocab=320, console=QUIET, **further)
        if mute:
            training.beginnings = ()
        return training.run(QUIET)


def test_beginnings_are_carried_on_early_and_late_and_the_weights_are_the_same(texts, tmp_path):
    out, mute = trained(texts, tmp_path / "base"), trained(texts, tmp_path / "mute", mute=True)
    assert (out / "model.safetensors").read_bytes() == (mute / "model.safetensors").read_bytes()
    assert not (mute / said.SAID).exists()
    lines = said.read(out / said.SAID)
    assert [line["step"] for line in lines[:2]] == [1, 1]
    assert lines[-1]["step"] == 12
    prompts = {line["prompt"] for line in lines}
    assert len(prompts) == 2
    assert all(len([line for line in lines if line["step"] == step]) == 2 for step in {line["step"] for line in lines})
    model, tokenizer = folder.load(out).eval(), Tokenizer.load(out)
    last = lines[-1]
    ids = [tokenizer.bos_id, *tokenizer.encode(last["prompt"])]
    done = Engine(model, tokenizer).run(
        [Request(prompt=ids, sampling=Sampling(temperature=0.0, max_tokens=said.TOKENS))]
    )
    assert done[0].text == last["text"]


def test_a_conversation_is_given_up_to_its_answer(texts, chats, tmp_path):
    base = trained(texts, tmp_path / "base", steps=2)
    with Workspace(tmp_path / "sft", {}) as workspace:
        training = instruct.prepare(base, chats, workspace, Wishes(steps=2, length=64, precision="fp32"), console=QUIET)
        assert all(
            training.tokenizer.decode(ids, skip_special=False).endswith("assistant\n") for ids in training.beginnings
        )
        out = training.run(QUIET)
    assert {line["step"] for line in said.read(out / said.SAID)} == {1, 2}


def test_models_that_fill_blanks_say_nothing(texts, tmp_path):
    assert not (trained(texts, tmp_path / "masked", steps=2, objective="masked") / said.SAID).exists()


def test_lines_past_the_step_that_a_training_goes_on_from_are_taken_back(tmp_path):
    file = tmp_path / said.SAID
    for step in (1, 5, 10):
        said.write(file, step, [{"prompt": "a", "text": "b\u2028c"}])
    said.keep(file, 5)
    assert [line["step"] for line in said.read(file)] == [1, 5]
    with file.open("a") as more:
        more.write('{"step": 6, "pro')
    assert [line["step"] for line in said.read(file)] == [1, 5]
    said.keep(tmp_path / "none", 3)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("line", ["{", "[]", "3", json.dumps({"step": "1", "prompt": "a", "text": "b"}), "null"])
def test_a_damaged_file_is_said(line, tmp_path):
    (tmp_path / said.SAID).write_text(line + "\n")
    with pytest.raises(FolderError, match="line 1: this is nothing that a model has said"):
        said.read(tmp_path / said.SAID)
