"""Each dashboard for real, where its package is installed; what was sent is read back and compared with metrics.jsonl."""

import importlib.util
import json
import os
import struct
import subprocess
import sys

import pytest
from rich.console import Console

from onward.errors import PlanError
from onward.train import logs, pretrain
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace

SHAPE = Shape(depth=1, width=32, heads=2)


def trained(texts, out, log):
    workspace = Workspace(out, {})
    wishes = Wishes(steps=4, length=32, batch=128)
    training = pretrain.prepare([str(texts)], workspace, wishes, SHAPE, vocab=320, console=Console(quiet=True))
    training.run(Console(quiet=True), log)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", logs.OPENERS)
def test_a_package_that_is_missing_is_one_line(kind):
    if importlib.util.find_spec(kind):
        pytest.skip(f"{kind} is installed here")
    with pytest.raises(PlanError, match=f"pip install 'onward\\[{kind}\\]'"):
        logs.check(kind)


def test_a_dashboard_that_there_is_not_is_one_line():
    with pytest.raises(PlanError, match="choose tensorboard, wandb, trackio"):
        logs.check("paper")


def test_tensorboard_has_every_figure_of_every_step(texts, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'onward[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    metrics = trained(texts, tmp_path / "base", "tensorboard")
    events = EventAccumulator(str(tmp_path / "base.tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {name for line in metrics for name in line}
    for name in events.Tags()["scalars"]:
        sent = [(event.step, event.value) for event in events.Scalars(name)]
        assert sent == [(line["step"], pytest.approx(line[name], rel=1e-6)) for line in metrics if name in line]


def test_tensorboard_hides_what_is_trained_again_after_a_stop(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'onward[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for start, value in ((0, 1.0), (3, 2.0)):
        with logs._tensorboard(tmp_path / "base", "", {}, start) as send:
            for number in range(start + 1, 6):
                send(number, {"loss": value})
    events = EventAccumulator(str(tmp_path / "base.tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (1, 1.0),
        (2, 1.0),
        (3, 1.0),
        (4, 2.0),
        (5, 2.0),
    ]


def records(data):
    """The records of a .wandb file: 7 bytes of its own, then a log in the format of LevelDB, blocks of 32 kB."""
    at, whole = 7, b""
    while at + 7 <= len(data):
        size, kind = struct.unpack_from("<HB", data, at + 4)
        if kind == 0 or 32768 - at % 32768 < 7:  # the rest of a block is empty
            at += 32768 - at % 32768
            continue
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""


def test_wandb_has_every_figure_of_every_step(texts, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is not installed: pip install 'onward[wandb]'")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    metrics = trained(texts, tmp_path / "base", "wandb")
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    sent = []
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        items = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        if items:
            sent.append({name: value for name, value in items.items() if not name.startswith("_")})
    assert sent == metrics


def test_trackio_has_every_figure_of_every_step(texts, tmp_path):
    """In a process of its own: trackio reads at import time where it keeps its runs."""
    pytest.importorskip("trackio", reason="trackio is not installed: pip install 'onward[trackio]'")
    out = tmp_path / "base"
    command = ["pretrain", texts, "-o", out, "--steps", 4, "--length", 32, "--batch", 128, "--vocab", 320]
    command += ["--depth", 1, "--width", 32, "--heads", 2, "--log", "trackio"]
    place = os.environ | {"TRACKIO_DIR": str(tmp_path / "trackio")}
    subprocess.run([sys.executable, "-m", "onward", *map(str, command)], env=place, check=True, capture_output=True)
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    read = "import json, trackio; print(json.dumps(trackio.SQLiteStorage.get_logs('onward', 'base')))"
    done = subprocess.run([sys.executable, "-c", read], env=place, check=True, capture_output=True, text=True)
    sent = json.loads(done.stdout.splitlines()[-1])
    assert [{name: line[name] for name in known} for line, known in zip(sent, metrics, strict=True)] == metrics
