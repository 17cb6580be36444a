"""The sweep behind the defaults: one factor at a time round the default plan, every run with the same time to train.

    python benchmarks/sweep.py TEXTS -o sweep.jsonl [--seconds 120] [--sizes 0.5 2 8 30] [--seeds 0 1] [--only lr batch]

Factors: the model's size, and at each size the learning rate of the matrices, that of the embedding, the batch, AdamW alone instead of
Muon and AdamW, the share of the steps that decay the rate, and the warm-up. Each run is one line of JSON in the
output, so that a sweep that was stopped goes on with what is missing. The data is cut once. `seconds` are spent in steps, at a speed that
is measured before each run: nothing else should run beside it. Held-out bits per byte, 95 % interval over documents.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from torch.optim import AdamW, Optimizer

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import machine, pretrain, size
from onward.train.fit import Step, fit
from onward.train.measure import AT_THE_END
from onward.train.optimisers import optimisers
from onward.train.packing import Batches
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.training import Training
from onward.train.workspace import Workspace

FACTORS: dict[str, tuple[Any, ...]] = {
    "lr": (0.005, 0.01, 0.02, 0.04, 0.08),
    "lr_embedding": (0.004, 0.008, 0.016, 0.032, 0.064),
    "batch_tokens": (2048, 4096, 8192, 16384, 32768),
    "lr_adamw": (0.001, 0.003, 0.006),
    "decay": (0.2, 0.5, 0.8, 0.98),
    "warmup": (0.0, 0.02, 0.1),
}
"""What is tried. `lr_adamw` is AdamW for everything, at this rate for the matrices: with one rate alone, the comparison would be unfair."""

DEFAULTS = {field.name: field.default for field in fields(TrainPlan)}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One run: the size in millions of parameters, the seed, and the one factor that is not at its default."""

    size: float
    seed: int
    factor: str = "default"
    value: Any = None

    @property
    def key(self) -> str:
        return f"{self.size:g}/{self.seed}/{self.factor}/{self.value}"


def settings(sizes: list[float], seeds: list[int], only: list[str]) -> Iterator[Setting]:
    """Size by size: the default, then every factor away from it."""
    for millions in sizes:
        for seed in seeds:
            yield Setting(size=millions, seed=seed)
            for factor in [name for name in FACTORS if not only or name in only]:
                values = [value for value in FACTORS[factor] if value != DEFAULTS.get(factor)]
                yield from (Setting(size=millions, seed=seed, factor=factor, value=value) for value in values)


def adamw_alone(model: LanguageModel, plan: TrainPlan) -> list[Optimizer]:
    """AdamW for all parameters: matrices at `lr`, with decay; the rest as in the plan."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and ".blocks." in name]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    groups = [
        {"params": matrices, "lr": plan.lr, "weight_decay": 0.1},
        {"params": others, "lr": plan.lr_embedding, "weight_decay": 0.0},
    ]
    made = AdamW(groups, betas=(0.9, 0.95), fused=True)
    for group in made.param_groups:
        group["peak"] = group["lr"]
    return [made]


class Sweep:
    """The data, and the runs on it."""

    def __init__(self, texts: list[str], seconds: float, vocab: int, place: Path) -> None:
        self.seconds = seconds
        workspace, console = Workspace(place / "sweep", {}), Console(stderr=True)
        wishes = Wishes(minutes=seconds / 60)
        small = Shape(depth=2, width=128)
        self.training: Training = pretrain.prepare(texts, workspace, wishes, small, vocab=vocab, console=console)
        self.base = self.training.plan  # each run's own plan takes its place in the training
        self.machine = machine.measure()

    def config(self, millions: float) -> TrunkConfig:
        """The shape that the size rule takes for so many parameters."""
        flops = 6 * 20 * (millions * 1e6) ** 2
        length = self.base.length
        return size.shape(Shape(), vocab_size=self.training.tokenizer.highest_id + 1, flops=flops, length=length)[0]

    def plan(self, setting: Setting, config: TrunkConfig) -> TrainPlan:
        """The defaults, one factor changed; the steps are open."""
        draft = TrainPlan(steps=1000, length=self.base.length, batch_tokens=self.base.batch_tokens, rows_per_pass=1)
        batch = setting.value if setting.factor == "batch_tokens" else None
        plan = size.begin(draft, Wishes(batch=batch, seed=setting.seed), self.machine, config)
        if setting.factor == "lr_adamw":
            return replace(plan, lr=setting.value)
        if setting.factor == "decay" and setting.value + plan.warmup > 1:
            return replace(plan, decay=1 - plan.warmup)
        return (
            plan if setting.factor in ("default", "batch_tokens") else replace(plan, **{setting.factor: setting.value})
        )

    def run(self, setting: Setting) -> dict[str, Any]:
        training, config = self.training, self.config(setting.size)
        model = LanguageModel(config).initialise(setting.seed)
        plan = self.plan(setting, config)
        model.to(plan.device)
        batches = Batches(training.data.train, plan.rows, plan.seed).batch
        make = adamw_alone if setting.factor == "lr_adamw" else optimisers
        step = self.seconds_per_step(model, batches, replace(plan, steps=6), make)
        plan = replace(plan, steps=max(1, round(self.seconds / step)))
        fit(model, training.objective, batches, plan, found=make(model, plan))
        training.model, training.plan = model, plan
        value = training.measure(AT_THE_END)
        return {
            "key": setting.key,
            "size": setting.size,
            "seed": setting.seed,
            "factor": setting.factor,
            "value": setting.value,
            "parameters": sum(config.parameters().values()),
            "shape": [config.depth, config.width],
            "steps": plan.steps,
            "tokens": plan.steps * plan.rows * plan.length,
            "seconds_per_step": step,
            "bits_per_byte": value.value,
            "low": value.low,
            "high": value.high,
        }

    def seconds_per_step(self, model: LanguageModel, batches: Any, plan: TrainPlan, make: Any) -> float:
        """The median of the plan's steps but the first, on a copy, with the run's own optimisers."""
        times: list[float] = []

        def watch(step: Step) -> None:
            times.append(step.seconds)

        trial = copy.deepcopy(model)
        fit(trial, self.training.objective, batches, plan, [watch], found=make(trial, plan))
        return statistics.median(after - before for before, after in itertools.pairwise(times))


def table(lines: list[dict[str, Any]]) -> str:
    """A row a setting, seeds side by side, with the difference from the default of the same size."""
    cells: dict[tuple[float, str, str], list[dict[str, Any]]] = {}
    for line in lines:
        cells.setdefault((line["size"], line["factor"], str(line["value"])), []).append(line)
    shown = [
        "| M parameters | factor | value | steps | bits per byte | from the default | seeds |",
        "|---|" + "---|" * 6,
    ]
    for (millions, factor, value), found in sorted(cells.items(), key=lambda item: item[0][0]):
        mean = sum(line["bits_per_byte"] for line in found) / len(found)
        default = cells.get((millions, "default", "None"), [])
        start = {line["seed"]: line["bits_per_byte"] for line in default}
        gaps = [line["bits_per_byte"] - start[line["seed"]] for line in found if line["seed"] in start]
        gap = " ".join(f"{g:+.3f}" for g in gaps)
        shown.append(
            f"| {millions:g} | {factor} | {value} | {found[0]['steps']:,} | {mean:.3f} | {gap} | {len(found)} |"
        )
    return "\n".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.5, 2, 8, 30])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(FACTORS), default=[])
    parser.add_argument("--vocab", type=int, default=4096)
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    done = {line["key"] for line in lines}
    wanted = [setting for setting in settings(given.sizes, given.seeds, given.only) if setting.key not in done]
    if wanted:
        with tempfile.TemporaryDirectory() as place:
            sweep = Sweep(given.texts, given.seconds, given.vocab, Path(place))
            for setting in wanted:
                lines.append(sweep.run(setting))
                with given.out.open("a") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
                print(f"{setting.key}  {lines[-1]['bits_per_byte']:.3f}", flush=True)
    print(table(lines))


if __name__ == "__main__":
    main()
