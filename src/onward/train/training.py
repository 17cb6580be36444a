"""One training, from a settled plan to a model folder: what pretraining, instruction tuning and later stages have in common.

A `Training` is prepared (nothing is spent yet), can be looked at (`preflight`), and is run. It lives in a workspace, so that running
it again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from onward import lineage
from onward.files import file_hash, new_folder
from onward.lineage import Lineage
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import callbacks, checkpoints, measure
from onward.train.fit import Start, fit, seconds_per_step
from onward.train.measure import BitsPerByte
from onward.train.objectives import next_token
from onward.train.optimisers import optimisers
from onward.train.packing import IGNORE, Batch, Batches, Packing, held_out_batches
from onward.train.plan import TrainPlan
from onward.train.progress import Show
from onward.train.size import memory_needed
from onward.train.workspace import CHECKPOINTS, Workspace

TOKENS_WHILE_TRAINING = 16_384
"""Held-out targets measured now and then while training; all the measurements of a run see the same ones."""
TOKENS_AT_THE_END = 262_144
"""Held-out targets measured when the training is over, at most."""


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


@dataclass(kw_only=True)
class Training:
    """A prepared training. `suite` names what its held-out data measures; `baseline` is what stands beside that measurement."""

    verb: str
    suite: str
    workspace: Workspace
    model: LanguageModel
    tokenizer: Tokenizer
    tokenizer_folder: Path
    plan: TrainPlan
    train: Packing
    held_out: Packing
    sources: list[dict[str, Any]]
    parents: list[Lineage]
    baseline: float | None = None

    def preflight(self, examples: int = 3, shown: int = 160) -> Preflight:
        return Preflight(
            examples=[self._example(i, shown) for i in range(min(examples, self.train.rows))],
            plan=self.plan,
            parameters=sum(self.model.config.parameters().values()),
            memory=memory_needed(self.model.config, self.plan),
            data={
                "documents": self.train.shards.documents,
                "tokens": self.train.shards.tokens,
                "rows": self.train.rows,
                "padding": round(self.train.padding_share, 4),
                "truncated": self.train.truncated,
                "dropped": self.train.dropped,
                "held-out documents": self.held_out.shards.documents,
            },
        )

    def _example(self, number: int, shown: int) -> Example:
        batch = Batches(self.train, 1, self.plan.seed).batch(number)
        inputs, targets = batch.inputs[0].tolist(), batch.targets[0].tolist()
        real = min(shown, int((batch.documents[0] == 0).sum()))
        learned = [False] + [target != IGNORE for target in targets[: real - 1]]
        return Example(
            [
                (self.tokenizer.decode([i], skip_special=False), yes)
                for i, yes in zip(inputs[:real], learned, strict=True)
            ]
        )

    def run(self, console: Console) -> Path:
        """Train to the end and write the model folder; or raise KeyboardInterrupt when asked to stop, everything kept."""
        self.model.to(self.plan.device)
        place = self.workspace.folder
        found = optimisers(self.model, self.plan)
        start = self._go_on(found)
        with Show(console, self.verb, self.plan.steps, start.step) as show:
            fit(
                self.model,
                next_token,
                Batches(self.train, self.plan.rows, self.plan.seed).batch,
                self.plan,
                [
                    callbacks.held_out(lambda _: self.measure(TOKENS_WHILE_TRAINING)),
                    callbacks.keep_checkpoints(place / CHECKPOINTS),
                    callbacks.write_metrics(place / "metrics.jsonl", start.step),
                    show,
                ],
                start=start,
                found=found,
            )
        return self._save(self.measure(TOKENS_AT_THE_END))

    def _go_on(self, found: list[torch.optim.Optimizer]) -> Start:
        """Put the newest checkpoint, if there is one, into model and optimisers."""
        kept = checkpoints.existing(self.workspace.folder / CHECKPOINTS)
        if not kept:
            return Start()
        state = checkpoints.load(kept[-1], self.model, found)
        return Start(step=state["step"], tokens=state["tokens"], seconds=state["seconds"])

    def measure(self, targets: int) -> BitsPerByte:
        bytes_of = measure.byte_lengths(self.tokenizer, self.model.config.vocab_size)
        rows = max(1, self.plan.rows_per_pass)
        batches = islice(held_out_batches(self.held_out, rows), max(1, targets // (rows * self.plan.length)))
        return measure.bits_per_byte(self.model, batches, bytes_of, self.plan.device, self.plan.precision)

    def _save(self, measured: BitsPerByte) -> Path:
        out = self.workspace.out
        metrics = (self.workspace.folder / "metrics.jsonl").read_bytes()
        history = Lineage(
            verb=self.verb,
            command=lineage.command_line(),
            date=lineage.now(),
            seed=self.plan.seed,
            plan=self.plan.to_json(),
            data=self.sources,
            versions=lineage.versions(),
            results=[measure.result(self.suite, measured, seed=self.plan.seed, baseline=self.baseline)],
            parents=self.parents,
            folder=str(out),
        )
        folder.save(
            out,
            self.model.to("cpu"),
            lineage=history,
            tokenizer_folder=self.tokenizer_folder,
            generation=generation_config(self.tokenizer),
            force=self.workspace.force,
            further={"metrics.jsonl": metrics},
        )
        self.workspace.finish()
        return out


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """How other tools should generate with the model: where a text ends, and mild sampling."""
    ends = sorted(tokenizer.eos_ids)
    config = {"bos_token_id": tokenizer.bos_id, "eos_token_id": ends, "pad_token_id": tokenizer.pad_id}
    return {k: v for k, v in config.items() if v is not None} | {"do_sample": True, "temperature": 0.7, "top_p": 0.95}


def settled(
    workspace: Workspace, model: LanguageModel, train: Packing, draft: TrainPlan, finish: Callable[[float], TrainPlan]
) -> TrainPlan:
    """The plan: a step of the draft is measured, and `finish` makes of its seconds the plan; or, when the run goes on, the one
    that began it."""

    def decide() -> dict[str, Any]:
        batches: Callable[[int], Batch] = Batches(train, draft.rows, draft.seed).batch
        return finish(seconds_per_step(model.to(draft.device), next_token, batches, draft)).to_json()

    return TrainPlan(**workspace.once("plan.json", decide))


def sources_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """What the data was: name, size and hash of each file."""
    return [{"path": str(path), "bytes": path.stat().st_size, "sha256": file_hash(path)} for path in paths]


def keep_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokeniser as a part of a workspace."""
    with new_folder(path) as beside:
        tokenizer.save(beside)
