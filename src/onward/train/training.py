"""One training, from a settled plan to a model folder: what pretraining, instruction tuning and later stages have in common.

A `Training` is prepared (nothing is spent yet), can be looked at (`preflight`), and is run. It lives in a workspace, so that running
it again goes on where it stopped. What it learns from is its `Data`; for texts and chats that is in texts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from rich.console import Console

from onward import lineage
from onward.corpus.read import files
from onward.errors import DataError, FolderError, TrainingError
from onward.files import file_hash, new_folder, write_json
from onward.lineage import Lineage, Result
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import callbacks, checkpoints, logs, measure, processes, said
from onward.train.average import Average
from onward.train.fit import Callback, Start, Step, fit, seconds_per_step
from onward.train.learned import weight_bytes
from onward.train.measure import Measured, Metric
from onward.train.objectives import Loss
from onward.train.optimisers import optimisers
from onward.train.plan import TrainPlan
from onward.train.progress import Show
from onward.train.size import MEASURED_NOW_AND_THEN, memory_needed
from onward.train.spikes import Spikes, checkpoints_needed, go_back
from onward.train.workspace import CHECKPOINTS, Workspace

PLAN = "plan.json"
KEPT = "kept"
"""The folder with the models at each checkpoint, in the workspace while training and in the model folder afterwards."""


@dataclass(frozen=True)
class Example:
    """The beginning of one training row: each token's text, and whether it is learned."""

    tokens: list[tuple[str, bool]]


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What a person should see before minutes are spent."""

    examples: list[Example]
    plan: TrainPlan
    parameters: int
    memory: int
    data: dict[str, int | float]


class Data(Protocol):
    """What a training learns from, apart from its batches: what is said of it, and how well a model does on what is held out."""

    @property
    def suite(self) -> str:
        """What its held-out part measures, in words."""
        ...

    @property
    def metric(self) -> Metric: ...

    @property
    def counted(self) -> str:
        """What is learned from, one by one: tokens, rankings ..."""
        ...

    def figures(self) -> dict[str, int | float]:
        """How much of what there is; shares as floats."""
        ...

    def examples(self, batches: Callable[[int], Any], number: int, shown: int) -> list[Example]:
        """The beginnings of the first `number` training rows, each of at most `shown` tokens."""
        ...

    def measure(self, model: LanguageModel, plan: TrainPlan, targets: int) -> dict[str, Measured]:
        """On up to `targets` of the held-out targets, always the same ones: the whole, named "", and its parts by name."""
        ...

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """What is said of a trained model in its lineage."""
        ...

    def files(self) -> dict[str, bytes]:
        """What else belongs in the trained model's folder, by name."""
        ...


D = TypeVar("D", bound=Data)


@dataclass(kw_only=True)
class Training(Generic[D]):
    """A prepared training. `batches` gives batch i of the training data.

    family: that the folder is written in, by default the first that can express the model.   write: makes the folder; other than
    `folder.save` for an adapter.   kept: what else belongs into checkpoints.   callbacks: called first after each step.
    look_ahead: as in `fit`.   beginnings: ids of what is carried on at each measurement, for people to read (said.py).
    """

    verb: str
    workspace: Workspace
    model: LanguageModel
    tokenizer: Tokenizer
    tokenizer_folder: Path
    plan: TrainPlan
    objective: Callable[[LanguageModel, Any], Loss]
    batches: Callable[[int], Any]
    data: D
    sources: list[dict[str, Any]]
    parents: list[Lineage]
    family: str | None = None
    write: Callable[..., None] = folder.save
    kept: Mapping[str, checkpoints.Kept] = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()
    look_ahead: bool = True
    beginnings: Sequence[Sequence[int]] = ()
    average: Average | None = field(default=None, init=False)

    def preflight(self, examples: int = 3, shown: int = 160) -> Preflight:
        return Preflight(
            examples=self.data.examples(self.batches, examples, shown),
            plan=self.plan,
            parameters=sum(self.model.config.parameters().values()),
            memory=memory_needed(
                self.model.config,
                self.plan.rows_per_pass * self.plan.length,
                recompute=self.plan.recompute,
                weights=weight_bytes(self.model, self.plan.precision),
            ),
            data=self.data.figures(),
        )

    def run(self, console: Console, log: str | None = None) -> Path:
        """Train to the end and write the model folder; or raise KeyboardInterrupt when asked to stop, everything kept.

        log: a dashboard (logs.py) that gets all figures too.
        """
        try:
            asked_to_stop = self.learn(console, log)
            results, model = self._results(), processes.gathered(self.model)
        except torch.AcceleratorError as error:  # the driver's: a card that hangs, or has fallen off the bus
            why = str(error).partition("\n")[0]
            raise TrainingError(
                f"the device {self.plan.device} has failed ({why}). {self._last_good()} "
                "Once the device is back, the same command goes on."
            ) from error
        out = processes.by_first(lambda: self._save(results, model))
        if asked_to_stop:
            raise KeyboardInterrupt
        return out

    def learn(self, console: Console, log: str | None = None) -> bool:
        """Train to the end, from the newest checkpoint on. True if asked to stop during the last step; before, it raises."""
        self.model = processes.placed(self.model, self.plan.device, self.plan.precision)
        found = optimisers(self.model, self.plan)
        spikes = Spikes(skip=self.plan.skip_spikes, say=lambda line: console.print(line, highlight=False))
        kept: dict[str, checkpoints.Kept] = {"spikes": spikes, **self.kept}
        if self.plan.ema is not None:
            self.average = kept["average"] = Average(self.model, self.plan.ema)
        start = self._go_on(found, kept)
        if processes.is_first():
            said.keep(self.workspace.folder / said.SAID, start.step)
        with (
            Show(console, self.verb, self.plan.steps, start.step, self.data) as show,
            logs.opened(log, self.workspace, self.plan.to_json(), start.step) as further,
        ):
            try:
                return fit(
                    self.model,
                    self.objective,
                    self.batches,
                    self.plan,
                    [*self._callbacks(spikes, kept, start), *further, show],
                    start=start,
                    found=found,
                    judge=spikes,
                    look_ahead=self.look_ahead,
                    tell=console.print,
                )
            except TrainingError as error:
                raise TrainingError(f"{error} {self._last_good()}") from error

    def _callbacks(self, spikes: Spikes, kept: dict[str, checkpoints.Kept], start: Start) -> list[Callback]:
        """In the order in which they depend on one another: what is measured and kept is what is left after going back."""
        place, plan = self.workspace.folder, self.plan
        count = checkpoints_needed(plan.checkpoint_every) if plan.skip_spikes else checkpoints.KEPT
        return [
            *self.callbacks,
            callbacks.keep_to_time(self._settle),
            *([go_back(spikes, place / CHECKPOINTS, kept)] if plan.skip_spikes else []),
            *([self.average] if self.average else []),
            callbacks.held_out(lambda _: self.measure_each(MEASURED_NOW_AND_THEN), self.data.metric),
            *([callbacks.write_metrics(place / "metrics.jsonl", start.step)] if processes.is_first() else []),
            *([self._speak] if self.beginnings and not processes.several() else []),
            callbacks.keep_checkpoints(place / CHECKPOINTS, kept, count),
            *([self._keep] if plan.keep else []),
        ]

    def _speak(self, step: Step) -> None:
        if step.number == 1 or self.data.metric.name in step.measured:
            with self._averaged():
                found = said.carried_on(self.model, self.tokenizer, self.beginnings)
            said.write(self.workspace.folder / said.SAID, step.number, found)

    def _keep(self, step: Step) -> None:
        """The model of a regular checkpoint as a folder of its own; the last one's is the folder that all this is for."""
        if step.number % step.plan.checkpoint_every or step.last:
            return
        place = self.workspace.folder / KEPT / f"step-{step.number:08d}"
        with self._averaged():
            model = processes.gathered(self.model) if processes.several() else self.model
            plan = self.plan.to_json() | {"kept_after": step.number, "tokens": step.tokens}
            processes.by_first(lambda: self._write(place, model, [], plan, force=True, further={}))

    def _settle(self, plan: TrainPlan) -> TrainPlan:
        """The steps have been counted again, alike in all processes."""
        self.plan = plan
        processes.by_first(lambda: write_json(self.workspace.folder / PLAN, self.plan.to_json()))
        return self.plan

    def _go_on(self, found: list[torch.optim.Optimizer], kept: dict[str, checkpoints.Kept]) -> Start:
        """Put the newest checkpoint, if there is one, into model, optimisers and `kept`."""
        place = self.workspace.folder / CHECKPOINTS
        if newest := processes.by_first(lambda: checkpoints.existing(place)[-1:]):
            return Start(**checkpoints.load(newest[0], self.model, found, kept))
        if self.plan.skip_spikes:  # there must be something to go back to from the first
            checkpoints.save(place, 0, self.model, found, tokens=0, seconds=0.0, further=kept)
        return Start()

    def _last_good(self) -> str:
        kept = checkpoints.existing(self.workspace.folder / CHECKPOINTS)
        if not kept:
            return "There is no checkpoint yet."
        return f"The last good checkpoint is {kept[-1]}, after step {checkpoints.step_of(kept[-1])}."

    def measure(self, targets: int) -> Measured:
        """On up to `targets` of the held-out targets, always the same ones."""
        return self.measure_each(targets)[""]

    def measure_each(self, targets: int) -> dict[str, Measured]:
        """The whole, named "", and its parts by name. Of the averaged weights, where there are any."""
        with self._averaged():
            return self.data.measure(self.model, self.plan, targets)

    def _averaged(self) -> AbstractContextManager[None]:
        return self.average.in_place_of(self.model) if self.average else nullcontext()

    def _results(self) -> list[Result]:
        """Of the model as it will be saved. Where weights are averaged, the average is put into it, and what the last ones were
        worth is added."""
        average, self.average = self.average, None
        if average is None:
            return self.data.results(self.model, self.plan)
        last = self.measure(measure.AT_THE_END)
        average.put_into(self.model)
        suite = f"{self.data.suite}, without averaging"
        metric, found = self.data.metric, self.data.results(self.model, self.plan)
        seed = self.plan.seed
        return [
            *found,
            measure.result(suite, last, seed=seed, baseline=None, metric=metric.words, chance=metric.chance),
        ]

    def _save(self, results: list[Result], model: LanguageModel) -> Path:
        out, place = self.workspace.out, self.workspace.folder
        written = [place / name for name in ("metrics.jsonl", said.SAID) if (place / name).exists()]
        further = {file.name: file.read_bytes() for file in written} | self.data.files()
        self._write(out, model, results, self.plan.to_json(), force=self.workspace.force, further=further)
        if (place / KEPT).is_dir():
            (place / KEPT).rename(out / KEPT)
        self.workspace.finish()
        return out

    def _write(
        self,
        out: Path,
        model: LanguageModel,
        results: list[Result],
        plan: dict[str, Any],
        *,
        force: bool,
        further: Mapping[str, bytes],
    ) -> None:
        history = Lineage(
            verb=self.verb,
            command=lineage.command_line(),
            date=lineage.now(),
            seed=self.plan.seed,
            plan=plan,
            data=self.sources,
            versions=lineage.versions(),
            results=results,
            parents=self.parents,
            folder=str(out),
        )
        self.write(
            out,
            model,
            lineage=history,
            family=self.family,
            tokenizer_folder=self.tokenizer_folder,
            generation=generation_config(self.tokenizer) if self.model.config.causal else None,
            force=force,
            further=further,
        )


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """How other tools should generate with the model: where a text ends, and mild sampling."""
    ends = sorted(tokenizer.eos_ids)
    config = {"bos_token_id": tokenizer.bos_id, "eos_token_id": ends, "pad_token_id": tokenizer.pad_id}
    return {k: v for k, v in config.items() if v is not None} | {"do_sample": True, "temperature": 0.7, "top_p": 0.95}


def settled(
    workspace: Workspace,
    model: LanguageModel,
    objective: Callable[[LanguageModel, Any], Loss],
    batches: Callable[[int], Any],
    draft: TrainPlan,
    finish: Callable[[float], TrainPlan],
) -> TrainPlan:
    """The plan: a step of the draft is measured, and `finish` makes of its seconds the plan; or, when the run goes on, the one
    that began it."""

    def decide() -> dict[str, Any]:
        return finish(seconds_per_step(model, objective, batches, draft)).to_json()

    try:
        return TrainPlan(**workspace.once(PLAN, decide))
    except TypeError as error:
        raise FolderError(
            f"{workspace.folder / PLAN} is of another version of Onward ({error}). Begin anew with --force."
        ) from error


def sources_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """What files were: name, size and hash of each.   Raises DataError for one that is not there."""
    return [_source(path) for path in paths]


def sources_of_texts(texts: Iterable[str]) -> list[dict[str, Any]]:
    """What texts were: every file that will be read of them; of a data set elsewhere, its name."""
    found: list[dict[str, Any]] = []
    for text in texts:
        inside = files([text])
        found += sources_of(inside) or [{"path": text}]
    return found


def _source(path: Path) -> dict[str, Any]:
    try:
        state = path.stat()
        return {"path": str(path), "bytes": state.st_size, "sha256": _hash(path, state.st_size, state.st_mtime_ns)}
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


@lru_cache(maxsize=4096)
def _hash(path: Path, _size: int, _changed: int) -> str:
    """Once a process for each state of a file, however many stages ask."""
    return processes.by_first(lambda: file_hash(path))


def keep_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokeniser as a part of a workspace."""
    with new_folder(path) as beside:
        tokenizer.save(beside)
