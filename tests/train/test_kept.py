"""--keep: the model at each checkpoint is a folder that opens; the last one is the folder itself."""

from __future__ import annotations

import torch
from rich.console import Console

from onward import lineage
from onward.generate.load import load
from onward.model import folder
from onward.train import pretrain
from onward.train.callbacks import read_metrics
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace


def trained(texts, out, **wished):
    wishes = Wishes(steps=10, length=32, batch=128, checkpoint_every=3, precision="fp32", **wished)
    shape = Shape(depth=1, width=32, heads=2)
    with Workspace(out, {}) as workspace:
        training = pretrain.prepare([str(texts)], workspace, wishes, shape, vocab=320, console=Console(quiet=True))
        return training.run(Console(quiet=True))


def test_each_checkpoint_is_a_model_and_the_training_is_the_same(texts, tmp_path):
    plain, kept = trained(texts, tmp_path / "plain"), trained(texts, tmp_path / "with", keep=True)
    assert not (plain / "kept").exists()
    places = sorted((kept / "kept").iterdir())
    assert [place.name for place in places] == ["step-00000003", "step-00000006", "step-00000009"]
    tokens = {line["step"]: line["tokens"] for line in read_metrics(kept / "metrics.jsonl")}
    for place in places:
        plan = lineage.of(place).plan
        assert plan["kept_after"] == int(place.name[-8:])
        assert plan["tokens"] == tokens[plan["kept_after"]] > 100 * plan["kept_after"]
        assert load(place, weights="torch").engine.model.config == folder.load(kept).config
    assert (plain / "model.safetensors").read_bytes() == (kept / "model.safetensors").read_bytes()
    stored = [(place / "model.safetensors").read_bytes() for place in [*places, kept]]
    assert len(set(stored)) == 4


def test_what_is_kept_of_an_averaged_training_is_the_average(texts, tmp_path):
    short = {"steps": 6, "length": 32, "batch": 128, "precision": "fp32"}
    found = {}
    for name, wishes in {
        "whole": Wishes(**short, checkpoint_every=3, ema=0.5, keep=True),
        "plain": Wishes(**short, checkpoint_every=3, keep=True),
    }.items():
        with Workspace(tmp_path / name, {}) as workspace:
            training = pretrain.prepare(
                [str(texts)],
                workspace,
                wishes,
                Shape(depth=1, width=32, heads=2),
                vocab=320,
                console=Console(quiet=True),
            )
            training.run(Console(quiet=True))
        found[name] = folder.load(tmp_path / name / "kept" / "step-00000003").embedding.tokens.weight
    assert not torch.equal(found["whole"], found["plain"])
