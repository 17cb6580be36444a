"""What happens beside a training step: measure on held-out data, write metrics, keep checkpoints.

Each is called with the `Step` just done, in the order in which they are given to `fit`: what an earlier one measures, a later one writes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onward.errors import FolderError
from onward.files import explained, write_bytes
from onward.train import checkpoints
from onward.train.fit import Callback, Step
from onward.train.measure import Measured, Metric
from onward.train.plan import TrainPlan
from onward.train.size import in_time

TAIL = 16_384
"""Bytes at the end of a metrics file among which its last line is looked for first."""


def held_out(measure: Callable[[Step], Mapping[str, Measured]], metric: Metric) -> Callback:
    """Measure every `held_out_every` steps, and at the last: the whole, named "", and its parts."""

    def callback(step: Step) -> None:
        if step.number % step.plan.held_out_every == 0 or step.last:
            for name, found in measure(step).items():
                step.measured[f"{metric.name}/{name}" if name else metric.name] = found.value

    return callback


def keep_to_time(settle: Callable[[TrainPlan], TrainPlan]) -> Callback:
    """Count the steps again when the rate would begin to fall, by the steps or by the clock, if the plan has minutes. When it does fall,
    that was the last time, so that a training that goes on has the same plan.

    settle: keeps the new plan, and returns it.
    """

    def callback(step: Step) -> None:
        plan = step.plan
        if plan.minutes is None or plan.planned_again or step.last:
            return
        if step.number >= plan.decay_from or step.seconds >= (1 - plan.decay) * plan.minutes * 60:
            step.plan = settle(in_time(plan, step.number, step.seconds))

    return callback


def keep_checkpoints(
    folder: Path, further: Mapping[str, checkpoints.Kept] = checkpoints.NOTHING, kept: int = checkpoints.KEPT
) -> Callback:
    """Every `checkpoint_every` steps, and when asked to stop. After the last step too, should saving the model fail."""

    def callback(step: Step) -> None:
        every = step.plan.checkpoint_every
        if step.number % every == 0 or step.stopping or step.last:
            checkpoints.save(
                folder,
                step.number,
                step.model,
                step.optimisers,
                tokens=step.tokens,
                seconds=step.seconds,
                further=further,
                every=every,
                kept=kept,
            )

    return callback


def metrics_of(step: Step) -> dict[str, float | None]:
    """All that is known of a step, by name. A loss that is no number is None: JSON has no word for it."""
    return {
        "step": step.number,
        "loss": step.loss if math.isfinite(step.loss) else None,
        "rate": step.rate,
        "tokens": step.tokens,
        "seconds": round(step.seconds, 3),
    } | step.measured


def write_metrics(path: Path, start: int) -> Callback:
    """A line of JSON a step. Lines past `start`, the step that the training goes on from, are taken back first."""
    kept = [line for line in read_metrics(path) if line["step"] <= start]
    write_bytes(path, "".join(json.dumps(line) + "\n" for line in kept).encode())

    def callback(step: Step) -> None:
        with explained(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics_of(step)) + "\n")

    return callback


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a last line that a crash cut short is left out. None at all where there is no file.

    Raises FolderError for a line that has been damaged since it was written.
    """
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [_metrics(f"{path}, line {number}", line) for number, line in enumerate(lines, 1) if line.endswith(b"\n")]


def last_metrics(path: Path) -> dict[str, Any] | None:
    """The last whole line alone, which a file of any length says at once.   Raises as `read_metrics`."""
    if not path.exists() or path.stat().st_size <= TAIL:
        return next(reversed(read_metrics(path)), None)
    with path.open("rb") as file:
        file.seek(-TAIL, os.SEEK_END)
        lines = file.read().splitlines(keepends=True)[1:]
    whole = [line for line in lines if line.endswith(b"\n")]
    return _metrics(f"{path}, its last line", whole[-1]) if whole else read_metrics(path)[-1]


def _metrics(where: str, line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    whole = isinstance(values, dict) and {"step", "loss", "tokens", "seconds"} <= values.keys()
    numbers = [v for name, v in values.items() if (name, v) != ("loss", None)] if whole else []
    if not whole or not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
        raise FolderError(f"{where}: these are no metrics of a step. Put back the original, or remove the file.")
    return dict(values)
