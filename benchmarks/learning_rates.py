"""The sweep behind the default learning rates: held-out bits per byte after the same steps, one rate changed at a time.

    python benchmarks/learning_rates.py TEXTS [--steps 300] [--seeds 0 1 2]

The data is cut once; every run has the same model, batches and number of steps, and a fresh start from its seed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from onward.model.trunk import LanguageModel
from onward.train import pretrain
from onward.train.fit import fit
from onward.train.measure import AT_THE_END
from onward.train.objectives import next_token
from onward.train.packing import Batches
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.training import Training
from onward.train.workspace import Workspace

MATRICES = (0.005, 0.01, 0.02, 0.04)
EMBEDDING = (0.002, 0.004, 0.008, 0.016, 0.032)


def bits_per_byte(training: Training, plan: TrainPlan) -> float:
    """Of a model trained from scratch by `plan`."""
    training.model = LanguageModel(training.model.config).initialise(plan.seed)
    training.plan = plan
    fit(training.model, next_token, Batches(training.data.train, plan.rows, plan.seed).batch, plan)
    return training.measure(AT_THE_END).value


def main() -> None:
    """Every matrix rate at the default embedding rate, then every embedding rate at the default matrix rate."""
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    wishes, shape = Wishes(steps=given.steps), Shape(depth=given.depth, width=given.width)
    with tempfile.TemporaryDirectory() as place:
        workspace = Workspace(Path(place) / "sweep", {})
        training = pretrain.prepare(given.texts, workspace, wishes, shape, console=Console(stderr=True))
        default = training.plan
        rates = [(lr, default.lr_embedding) for lr in MATRICES] + [(default.lr, lr) for lr in EMBEDDING]
        print(
            f"{sum(training.model.config.parameters().values()):,} parameters, {default.steps} steps of {default.batch_tokens:,} tokens"
        )
        print("| lr | lr embedding | held-out bits per byte | seeds |\n|---|---|---|---|")
        for lr, lr_embedding in dict.fromkeys(rates):
            plans = [replace(default, lr=lr, lr_embedding=lr_embedding, seed=seed) for seed in given.seeds]
            found = [bits_per_byte(training, plan) for plan in plans]
            spread = f" ({min(found):.3f} to {max(found):.3f})" if len(found) > 1 else ""
            print(f"| {lr:g} | {lr_embedding:g} | {statistics.mean(found):.3f}{spread} | {len(found)} |", flush=True)


if __name__ == "__main__":
    main()
