"""Other people's dashboards: every line of metrics.jsonl also goes to TensorBoard, Weights & Biases or Trackio.

Each is an extra (`pip install 'onward[tensorboard]'`), imported only when it is asked for. A training that goes on after a stop goes
on in the same curves. Left out: anything that metrics.jsonl does not have, since the model folder must be enough to see what happened.
"""

from __future__ import annotations

import importlib.util
import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onward.errors import PlanError
from onward.train import processes
from onward.train.callbacks import metrics_of
from onward.train.fit import Callback, Step
from onward.train.workspace import Workspace

PROJECT = "onward"
Send = Callable[[int, dict[str, float]], None]
"""Takes a step's number and its figures."""


def check(kind: str | None) -> None:
    """PlanError, before any time is spent, where there is no such dashboard or its package is not installed."""
    if kind is None:
        return
    if kind not in OPENERS:
        raise PlanError(f"--log {kind}: choose {', '.join(OPENERS)}.")
    if importlib.util.find_spec(kind) is None:
        raise PlanError(f"--log {kind} needs a package that is not installed: pip install 'onward[{kind}]'")


@contextmanager
def opened(kind: str | None, workspace: Workspace, plan: dict[str, Any], start: int) -> Iterator[list[Callback]]:
    """The callbacks that send the figures of a training, which goes on after step `start`; none for None."""
    if kind is None:
        yield []
        return
    run = workspace.once("log.json", lambda: {"id": secrets.token_hex(4)})["id"]
    if not processes.is_first():
        yield []
        return
    with OPENERS[kind](workspace.out, run, plan, start) as send:

        def callback(step: Step) -> None:
            figures = {name: value for name, value in metrics_of(step).items() if value is not None}
            send(step.number, {name: value for name, value in figures.items() if math.isfinite(value)})

        yield [callback]


@contextmanager
def _tensorboard(out: Path, _run: str, plan: dict[str, Any], start: int) -> Iterator[Send]:
    """Event files in OUT.tensorboard/. What an earlier start sent of later steps is hidden (`purge_step`)."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(out.with_name(out.name + ".tensorboard")), purge_step=start + 1)
    if start == 0:
        writer.add_text("plan", "\n".join(f"    {name}: {value}" for name, value in plan.items()), 1)

    def send(number: int, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            writer.add_scalar(name, value, number)

    try:
        yield send
    finally:
        writer.close()


@contextmanager
def _wandb(out: Path, run: str, plan: dict[str, Any], _start: int) -> Iterator[Send]:
    """A run of the project `onward`, named as the model folder; where and how (`WANDB_MODE=offline`) is wandb's own business.

    Steps that were sent before a stop are not taken twice: wandb keeps the first.
    """
    import wandb

    with wandb.init(project=PROJECT, name=out.name, id=run, config=plan, resume="allow") as opened:
        yield lambda number, figures: opened.log(figures, step=number)


@contextmanager
def _trackio(out: Path, _run: str, plan: dict[str, Any], start: int) -> Iterator[Send]:
    """A run of the project `onward`, kept on this machine, to be looked at with `trackio show`."""
    import trackio

    trackio.init(project=PROJECT, name=out.name, config=plan, resume="allow" if start else "never")
    try:
        yield lambda number, figures: trackio.log(figures, step=number)
    finally:
        trackio.finish()


OPENERS: dict[str, Callable[[Path, str, dict[str, Any], int], Any]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "trackio": _trackio,
}
