"""The runs of a study: their common ground (data, tokeniser, machine), which ones are made, and the making of each.

A small run leaves `runs/NAME/` with what was measured and its curve; its weights go. The larger run leaves a model folder. Left out:
what the runs mean (law.py, findings.py).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.files import BEGIN_ANEW, new_folder, read_json, write_bytes, write_json
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.scale import grid
from onward.scale.budget import Budget
from onward.scale.grid import Run
from onward.train import machine, measure, pretrain, size
from onward.train.fit import seconds_per_step
from onward.train.machine import Machine
from onward.train.packing import Batches
from onward.train.plan import Shape, TrainPlan
from onward.train.texts import TextData
from onward.train.training import Training, sources_of_texts
from onward.train.workspace import Workspace

RESERVE = 0.04
"""Of the minutes: for the fit, the picture, and the baseline of the larger run."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What to find out, from what, and where."""

    out: Path
    texts: Sequence[str]
    budget: Budget
    skip_bad: bool = False
    force: bool = False

    def request(self) -> dict[str, Any]:
        """What makes two starts the same study."""
        texts = sources_of_texts(self.texts)
        return {"verb": "scale", "texts": texts, "skip_bad": self.skip_bad} | asdict(self.budget)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all runs share. `first` is a training that is never run: it lends them its tokeniser and its data."""

    study: Study
    machine: Machine
    first: Training[TextData]

    @property
    def unique(self) -> int:
        """Tokens of the texts."""
        return self.first.data.train.shards.tokens

    def training(self, run: Run, out: Path) -> Training[TextData]:
        """The training of a run, ready to go on from where it was."""
        every = max(1, round(60 * run.steps / run.seconds))  # a minute of work can be lost
        plan = replace(self._plan(run.config, run.batch_tokens, run.steps), checkpoint_every=every)
        return replace(
            self.first,
            workspace=Workspace(out, asdict(run), parts=self.study.out / "data"),
            model=LanguageModel(run.config).initialise(plan.seed),
            plan=plan,
            batches=Batches(self.first.data.train, plan.rows, plan.seed).batch,
        )

    def seconds_per_step(self, config: TrunkConfig, batch_tokens: int) -> float:
        """Measured on real batches."""
        plan = self._plan(config, batch_tokens, 1000)
        model = LanguageModel(config).initialise(plan.seed).to(plan.device)
        batches = Batches(self.first.data.train, plan.rows, plan.seed).batch
        return seconds_per_step(model, self.first.objective, batches, plan)

    def seconds_to_measure(self, config: TrunkConfig) -> float:
        """Going by a part of the held-out data."""
        model = LanguageModel(config).initialise(0).to(self.first.plan.device)
        some = min(measure.AT_ONCE, self._held_out)
        began = time.perf_counter()
        replace(self.first, model=model).measure(some)
        return (time.perf_counter() - began) * min(measure.AT_THE_END, self._held_out) / some

    @property
    def _held_out(self) -> int:
        return self.first.data.held_out.rows * self.first.data.held_out.length

    def _plan(self, config: TrunkConfig, batch_tokens: int, steps: int) -> TrainPlan:
        """The defaults of pretraining."""
        length = config.max_positions
        reasons = {"steps": "the run's share of the compute", "batch_tokens": "the same for all runs of the study"}
        draft = TrainPlan(steps=steps, length=length, batch_tokens=batch_tokens, rows_per_pass=1)
        plan = size.begin(draft, self.study.budget.wishes(), self.machine, config)
        return replace(
            plan,
            held_out_every=size.held_out_every(steps, batch_tokens),
            reasons=plan.reasons | reasons,
        )


def prepare(study: Study, console: Console) -> tuple[Ground, list[Run], Run]:
    """Cut the texts and choose the runs, the small ones and the larger one; or take what the study has chosen before."""
    began = time.monotonic()
    budget = study.budget
    found = machine.measure(budget.device, budget.precision)
    flops = size.compute(found, budget.wishes()) / 20  # what the largest small run will get of it
    with Workspace(study.out / "runs" / "first", {}, parts=study.out / "data") as place:
        first = pretrain.prepare(
            study.texts,
            place,
            budget.wishes(),
            Shape(depth=2, width=32, heads=2),
            vocab=budget.vocab or size.vocabulary(flops),
            skip_bad=study.skip_bad,
            console=console,
        )
        place.finish()
    ground = Ground(study=study, machine=found, first=first)
    shapes = grid.ladder(first.tokenizer.highest_id + 1, first.plan.length)
    file = study.out / "plan.json"
    if not file.exists():
        left = budget.minutes * 60 * (1 - RESERVE) - (time.monotonic() - began)
        small, larger = _chosen(ground, shapes, left)
        write_json(file, {"small": [_told(run) for run in small], "larger": _told(larger)})
    plan = read_json(file, BEGIN_ANEW)
    by_shape = {(config.depth, config.width): config for config in shapes}
    return ground, [_run(by_shape, told) for told in plan["small"]], _run(by_shape, plan["larger"])


def _chosen(ground: Ground, shapes: Sequence[TrunkConfig], seconds: float) -> tuple[list[Run], Run]:
    steps: dict[tuple[TrunkConfig, int], float] = {}
    measuring: dict[TrunkConfig, float] = {}

    def speed(config: TrunkConfig, batch: int) -> tuple[float, float]:
        if (config, batch) not in steps:
            steps[config, batch] = ground.seconds_per_step(config, batch)
        if config not in measuring:
            measuring[config] = ground.seconds_to_measure(config)
        return steps[config, batch], measuring[config]

    return grid.plan(
        shapes,
        seconds=seconds,
        guess=size.EFFICIENCY * ground.machine.flops,
        most_batch=8192 if ground.machine.device == "cpu" else 262_144,
        speed=speed,
    )


def _told(run: Run) -> dict[str, Any]:
    shape = {"depth": run.config.depth, "width": run.config.width}
    return shape | {"steps": run.steps, "batch_tokens": run.batch_tokens, "seconds": run.seconds}


def _run(by_shape: dict[tuple[int, int], TrunkConfig], told: dict[str, Any]) -> Run:
    config = by_shape[told["depth"], told["width"]]
    return Run(config=config, **{name: told[name] for name in ("steps", "batch_tokens", "seconds")})


def small(ground: Ground, run: Run) -> dict[str, Any]:
    """What a small run came to: made now, or read if it was made before.   Raises KeyboardInterrupt when asked to stop."""
    out = ground.study.out / "runs" / run.name
    if not out.exists():
        training = ground.training(run, out)
        with training.workspace:
            asked_to_stop = training.learn(Console(quiet=True))
            value = training.measure(measure.AT_THE_END)
            metrics = training.workspace.folder / "metrics.jsonl"
            with new_folder(out) as beside:
                write_bytes(beside / "metrics.jsonl", metrics.read_bytes())
                write_json(beside / "run.json", point(ground, run, value.value))
            training.workspace.finish()
        if asked_to_stop:
            raise KeyboardInterrupt
    return read_json(out / "run.json", BEGIN_ANEW)


def larger(ground: Ground, run: Run, console: Console) -> dict[str, Any]:
    """The same for the larger run, which leaves a model folder."""
    out = ground.study.out / "largest"
    if not out.exists():
        training = ground.training(run, out)
        with training.workspace:
            training.run(console)
    history = lineage.read(out)
    assert history is not None
    return point(ground, run, next(result.value for result in history.results if result.suite == pretrain.SUITE))


def point(ground: Ground, run: Run, bits_per_byte: float | None = None) -> dict[str, Any]:
    """A run as plain data; what it came to, where that is known."""
    return {
        "name": run.name,
        "depth": run.config.depth,
        "width": run.config.width,
        "parameters": run.parameters,
        "tokens": run.tokens,
        "passes": run.tokens / ground.unique,
        "flops": run.flops,
        "bits_per_byte": bits_per_byte,
    }
