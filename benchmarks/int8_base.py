"""LoRA beside a base in int8: the memory that it takes next to a base in fp32 and to tuning the whole model, and what int8 costs in what
is learned.

    python benchmarks/int8_base.py memory [--depth 12 --width 768]
    python benchmarks/int8_base.py quality RUN [--steps 100] [--seed 0]

memory: a model of random weights, 98 million as it stands, as `onward sft` takes it: loaded from its folder, two steps tried, one taken,
a row of 64 tokens at a time; each in a process of its own. Printed are the peak of what only this process holds (anonymous memory, read
every five milliseconds), the same less what it held before the model, the peak with mapped files (libraries, and weights mapped from the
folder, which the system takes back where it needs to), and what the plan says.

quality: RUN is a folder that `onward build` made in the built-in world. Its base is tuned on its chats with LoRA, beside fp32 and beside
int8, in the same steps. Printed are bits per byte of held-out answers, of the int8 one also beside the base in fp32, where it will be used;
and how far the logits move by that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from onward.align import instruct
from onward.lineage import Lineage
from onward.model import adapters, folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import machine, measure, size
from onward.train.fit import fit, seconds_per_step
from onward.train.learned import weight_bytes
from onward.train.objectives import next_token
from onward.train.packing import Batches, Packing
from onward.train.parent import Parent
from onward.train.plan import Adapter, TrainPlan, Wishes
from onward.train.shards import Shards, write_shards
from onward.train.workspace import Workspace

VOCAB, LENGTH = 16384, 64
WHAT = {"LoRA, base in int8": (True, True), "LoRA, base in fp32": (True, False), "whole model": (False, False)}


# --- memory -----------------------------------------------------------------------------------------------------------


def held() -> dict[str, int]:
    """Of this process, in bytes: RssAnon, what it alone holds; VmHWM, the peak of all that was in memory for it."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {words[0][:-1]: 1024 * int(words[1]) for words in lines if words[0] in ("RssAnon:", "VmHWM:")}


class Peak(threading.Thread):
    """Looks at RssAnon until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.done = 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.005):
            self.most = max(self.most, held()["RssAnon"])


def trained(place: Path, adapter: bool, int8: bool) -> dict[str, float]:
    """In a process of its own."""
    packing = Packing(Shards(place / "text"), LENGTH, VOCAB - 1)
    found = machine.measure("cpu", seconds=0.1)
    before, peak = held()["RssAnon"], Peak()
    peak.start()
    model = Parent.at(place / "model").load(VOCAB - 1, int8=int8)
    if adapter:
        adapters.add(model, "qwen3", "lora", rank=16, base=place / "model", seed=0)
    wishes = Wishes(steps=1, length=LENGTH, batch=LENGTH, eager=True)
    draft, weights = (
        TrainPlan(steps=1, length=LENGTH, batch_tokens=LENGTH, rows_per_pass=1),
        weight_bytes(model, found.precision),
    )
    plan = size.begin(draft, wishes, found, model.config, weights=weights)
    batches = Batches(packing, plan.rows, 0).batch
    seconds_per_step(model, next_token, batches, plan, counted=1)
    began = time.process_time()
    fit(model, next_token, batches, plan)
    seconds = time.process_time() - began
    peak.done.set()
    peak.join()
    planned = size.memory_needed(model.config, LENGTH, recompute=plan.recompute, weights=weights)
    return {
        "alone": peak.most,
        "model": peak.most - before,
        "all": held()["VmHWM"],
        "planned": planned,
        "step": seconds,
    }


def memory(depth: int, width: int) -> None:
    config = TrunkConfig(
        vocab_size=VOCAB,
        width=width,
        depth=depth,
        heads=width // 64,
        kv_heads=width // 128,
        head_size=64,
        ffn_width=3 * width,
        max_positions=LENGTH,
    )
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder.save(place / "model", LanguageModel(config).initialise(0), lineage=Lineage(verb="int8_base"))
        ids = np.random.default_rng(0).integers(0, VOCAB - 1, (40, 300)).tolist()
        write_shards(((one, None, 1200) for one in ids), place / "text", vocab_size=VOCAB, tokenizer_hash="", meta={})
        print(f"{sum(config.parameters().values()):,} weights, rows of {LENGTH} tokens; MB")
        print("| what learns | alone | of these, since the model | with mapped files | planned | CPU seconds a step |")
        print("|---|---|---|---|---|---|")
        for what in WHAT:
            command = [sys.executable, "-W", "ignore", __file__, "--one", str(place), what]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found = json.loads(said.splitlines()[-1])
            figures = " | ".join(f"{found[key] / 1e6:,.0f}" for key in ("alone", "model", "all", "planned"))
            print(f"| {what} | {figures} | {found['step']:.1f} |", flush=True)


# --- quality ----------------------------------------------------------------------------------------------------------


def quality(run: Path, steps: int, seed: int) -> None:
    console, base = Console(quiet=True), run / "base"
    family = folder.read_config(base)[0]
    for precision in ("fp32", "int8"):
        with tempfile.TemporaryDirectory() as place:
            training = instruct.prepare(
                base,
                run / "data/world/chats",
                Workspace(Path(place) / "tuned", {}),
                Wishes(steps=steps, batch=2048, seed=seed, eager=True),
                beside=Adapter(adapter="lora", base_precision=precision),
                console=console,
            )
            before = training.measure(measure.AT_THE_END)
            out = training.run(console)
            after = training.measure(measure.AT_THE_END)
            print(f"beside {precision}: answers {said(before)} before, {said(after)} after {steps} steps")
            if precision == "int8":
                model, ids = folder.load(base), training.batches(0).inputs
                adapters.attach(model, family, out)
                with torch.no_grad():
                    apart = (model.eval()(ids) - training.model.eval()(ids)).abs()
                    sizes = model(ids).abs()
                training.model = model
                print(f"the same beside fp32: {said(training.measure(measure.AT_THE_END))}")
                print(
                    f"logits move by {apart.mean():.4f} on average and {apart.max():.3f} at most; "
                    f"their size is {sizes.mean():.2f} on average and {sizes.max():.1f} at most"
                )


def said(found: measure.Measured) -> str:
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"


def main() -> None:
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    first = kinds.add_parser("memory")
    first.add_argument("--depth", type=int, default=12)
    first.add_argument("--width", type=int, default=768)
    second = kinds.add_parser("quality")
    second.add_argument("run", type=Path)
    second.add_argument("--steps", type=int, default=100)
    second.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.kind == "memory":
        memory(given.depth, given.width)
    else:
        quality(given.run, given.steps, given.seed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(trained(Path(sys.argv[2]), *WHAT[sys.argv[3]])))
    else:
        main()
