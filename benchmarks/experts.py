"""Dense against a mixture of experts for the same compute a token: held-out loss, and whether all experts are used.

    python benchmarks/experts.py TEXTS [--steps 1000] [--experts 8] [--seeds 0 1 2] [--depth 4] [--width 256] [--balance 0.01 0]

Both see the same batches in the same number of steps, and differ only in the feed-forward layers: one of width F, or `experts` of width
F / 2, of which a token visits two. Seeds are interleaved. Steps are equal, not seconds: the time of each is printed beside. Each
balance is the coefficient of the load-balancing loss; 0 is the control without it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import pretrain, size
from onward.train.balance import shares
from onward.train.fit import fit
from onward.train.measure import AT_THE_END
from onward.train.packing import Batches
from onward.train.plan import Shape, Wishes
from onward.train.training import Training
from onward.train.workspace import Workspace

DEAD = 0.1
"""An expert that gets less than this part of an even share is called dead."""


def run(training: Training, config: TrunkConfig, seed: int) -> tuple[float, float, torch.Tensor | None]:
    """Held-out bits per byte, seconds of training, and the share of the tokens that each expert of each layer gets."""
    plan = replace(training.plan, seed=seed)
    model = LanguageModel(config).initialise(seed).to(plan.device)
    began = time.perf_counter()
    fit(model, training.objective, Batches(training.data.train, plan.rows, seed).batch, plan)
    seconds = time.perf_counter() - began
    training.model = model
    value = training.measure(AT_THE_END).value
    return (
        value,
        seconds,
        None if config.moe is None else shares(model, training.data.held_out, AT_THE_END, plan.device),
    )


def told(found: torch.Tensor) -> str:
    """Layer by layer: the smallest and the largest share, against an even one; how many experts are dead."""
    even = found.shape[1]
    lines = []
    for layer, of_layer in enumerate(found * even):
        dead = int((of_layer < DEAD).sum())
        entropy = -(of_layer / even * (of_layer / even).clamp(min=1e-12).log()).sum().item() / math.log(even)
        each = " ".join(f"{share:.2f}" for share in of_layer.tolist())
        lines.append(f"  layer {layer}: {each}  dead {dead}, entropy {entropy:.3f} of 1")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--experts", type=int, default=8)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--balance", type=float, nargs="+", default=[0.01, 0.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    shape = Shape(depth=given.depth, width=given.width)
    with tempfile.TemporaryDirectory() as place:
        workspace, console = Workspace(Path(place) / "experts", {}), Console(stderr=True)
        wishes = Wishes(steps=given.steps, length=given.length)
        training = pretrain.prepare(given.texts, workspace, wishes, shape, vocab=given.vocab, console=console)
        dense = training.model.config
        moe = size.experts(given.experts, dense.ffn_width)
        sides = {"dense": dense}
        for balance in given.balance:
            sides[f"{given.experts} experts, balance {balance:g}"] = replace(dense, moe=replace(moe, balance=balance))
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for seed in given.seeds:
            for name, config in sides.items():
                value, seconds, found = run(training, config, seed)
                results[name].append((value, seconds))
                print(f"seed {seed}, {name}: {value:.3f} bits per byte, {seconds:.0f} s", flush=True)
                if found is not None:
                    print(told(found))
    print(f"\n{given.steps} steps of {training.plan.batch_tokens:,} tokens, {given.depth} x {given.width}")
    print(
        "| model | parameters | MFLOP a token | bits per byte | from dense, seed by seed | seconds |\n|---|---|---|---|---|---|"
    )
    for name, config in sides.items():
        values, seconds = zip(*results[name], strict=True)
        gaps = " ".join(f"{a - b:+.3f}" for a, (b, _) in zip(values, results["dense"], strict=True))
        flops, parameters = config.flops_per_token(given.length) / 1e6, sum(config.parameters().values())
        mean, middle = statistics.mean(values), statistics.median(seconds)
        print(f"| {name} | {parameters:,} | {flops:.2f} | {mean:.3f} | {gaps} | {middle:.0f} |")


if __name__ == "__main__":
    main()
