"""The page of a reinforcement: what a model was paid for, what became of that on the way, and how it answers before and after.

It reads `metrics.jsonl`, `samples.jsonl` and `onward.json` of the folder that `onward rl` writes, and measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onward import lineage
from onward.align.policy.measuring import TARGETS
from onward.align.policy.warnings import warnings
from onward.errors import FolderError
from onward.files import write_bytes
from onward.report.page import filled
from onward.report.reinforcing.drawings import drawings_of
from onward.report.reinforcing.picture import panels
from onward.train.callbacks import read_metrics
from onward.train.measure import mean
from onward.train.size import MEASURED_NOW_AND_THEN

SHOWN = 4
"""Samples of each kind: those that gained most, those that lost most, and others."""
REWARD = "reward"


@dataclass(frozen=True)
class Sample:
    """A held-out prompt, answered before and after. worth: by each reward's name, before and after."""

    prompt: str
    before: str
    after: str
    worth: dict[str, list[float]]

    @property
    def gained(self) -> float:
        before, after = self.worth[REWARD]
        return after - before


def write_page(folder: Path) -> Path:
    """Write `report.html` into a folder that `onward rl` made.   Raises FolderError where it has no metrics."""
    history, metrics = lineage.of(folder), read_metrics(folder / "metrics.jsonl")
    if not metrics:
        raise FolderError(f"{folder} has no metrics.jsonl of a reinforcement, so there is nothing to show.")
    drawings = drawings_of(metrics)
    lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [Sample(**json.loads(line)) for line in lines]
    page = filled(
        "onward.report.reinforcing",
        name=folder.name,
        history=history,
        drawings=drawings,
        panels=panels(drawings, _before(samples)),
        warnings=list(warnings([drawing.figures for drawing in drawings]).values()),
        gain=mean([sample.gained for sample in samples]),
        chosen=_chosen(samples),
        samples=len(samples),
        better=sum(sample.gained > 0 for sample in samples),
        worse=sum(sample.gained < 0 for sample in samples),
        same=sum(sample.before == sample.after for sample in samples),
    )
    write_bytes(folder / "report.html", page.encode(errors="replace"))
    return folder / "report.html"


def _before(samples: Sequence[Sample]) -> float | None:
    """The mean reward, before, of those that are measured while training: the first ones."""
    worth = [sample.worth[REWARD][0] for sample in samples[: MEASURED_NOW_AND_THEN // TARGETS]]
    return sum(worth) / len(worth) if worth else None


def _chosen(samples: list[Sample]) -> list[tuple[str, list[Sample]]]:
    """A dozen, each once: the best gains, the worst losses, and the first of the others, which stand in a random order."""
    ordered = sorted(samples, key=lambda sample: -sample.gained)
    gains = [sample for sample in ordered[:SHOWN] if sample.gained > 0]
    losses = [sample for sample in ordered[::-1][:SHOWN] if sample.gained < 0]
    shown = {id(sample) for sample in [*gains, *losses]}
    others = [sample for sample in samples if id(sample) not in shown][:SHOWN]
    return [("Gained most", gains), ("Lost most", losses), ("Taken at random", others)]
