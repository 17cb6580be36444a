"""Instruction tuning with an adapter beside the model, next to tuning the whole model: what each learns, forgets and takes.

    python benchmarks/adapters.py RUN [--steps 300] [--methods whole lora dora ia3] [--seeds 0]

RUN is a folder that `onward build` made in the built-in world: its base model is tuned on its chats, in the same steps and on the same
batches by each method. Printed are the weights that learn, bits per byte of held-out answers and of held-out texts (what is forgotten), and
the time of a step. Left out: other tools.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from rich.console import Console

from onward.align import instruct
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure, pretrain
from onward.train.packing import Packing
from onward.train.parent import boundaries
from onward.train.plan import Adapter, Wishes
from onward.train.shards import Shards
from onward.train.workspace import Workspace


def tuned(run: Path, method: str, steps: int, seed: int) -> str:
    console, base = Console(quiet=True), run / "base"
    beside = Adapter() if method == "whole" else Adapter(adapter=method)
    with tempfile.TemporaryDirectory() as place:
        workspace = Workspace(Path(place) / "tuned", {})
        wishes = Wishes(steps=steps, batch=2048, seed=seed)
        training = instruct.prepare(base, run / "data/world/chats", workspace, wishes, beside=beside, console=console)
        learned = sum(p.numel() for p in training.model.parameters() if p.requires_grad)
        began = time.perf_counter()
        training.learn(console)
        seconds = time.perf_counter() - began
        answers = training.measure(measure.AT_THE_END)
        tokenizer, plan = Tokenizer.load(base), training.plan
        begin, end = boundaries(tokenizer, base)
        texts = Packing(Shards(run / "data" / pretrain.HELD_OUT), plan.length, begin, end_id=end)
        kept = measure.held_out(
            training.model, texts, tokenizer, targets=measure.AT_THE_END, device=plan.device, precision=plan.precision
        )
    figures = [f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in (answers, kept)]
    return f"| {method} | {seed} | {learned:,} | {figures[0]} | {figures[1]} | {seconds / steps:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--methods", nargs="+", default=["whole", "lora", "dora", "ia3"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    print("| what learns | seed | weights | answers, bits per byte | texts, bits per byte | seconds a step |")
    print("|---|---|---|---|---|---|")
    for seed in given.seeds:
        for method in given.methods:
            print(tuned(given.run, method, given.steps, seed), flush=True)


if __name__ == "__main__":
    main()
