"""Tokens a second of training: Onward beside transformers' Trainer, with its defaults and with its best settings, in turn.

    python benchmarks/train_speed.py --size 5m        (or 100m; 125m and 350m on a GPU)

Alike for all: one Qwen3, its weights read from one model folder by both libraries (the loss of one row before the first step is printed,
so that one can see it); rows cut by one Packing, of the same length; as many tokens in an optimiser step; the machine, the threads, and
the turns (turns.py). Timed are the real loops with data loading and optimiser: `onward.train.fit` with the plan that `onward
pretrain` would make for this model here, and `Trainer.train()`. A token is a place in a row, padding included, for all.

Where they differ, it is to Trainer's favour:
- Where a row holds several documents (how often is printed), ours keeps them apart with a mask. Theirs is given none, looks across them,
  and has the faster attention kernel.
- Its rows lie in memory ready for use, ours are cut from memory-mapped shards at every step. Ours learns from one target more in a row.
- Its AdamW has less to compute than our Muon. Saving and progress bars are off.

Trainer's best settings are searched first: bf16 where the hardware has it, fused AdamW (by now its default), rows at a time, loader
processes or none, torch.compile or not. Its defaults take 8 rows at a time, in fp32. As many tokens in a step as the others have can then
be had in two ways, and both are measured: 8 rows, accumulated up to the step ("defaults"); and as many at a time as were best.

Printed too: the share of the machine's own peak, which is the highest speed of plain matrix products in its best precision, before
or after; operations are counted by `TrunkConfig.flops_per_token`, three times for training. And the time from the call of the loop
to the end of the first step, with an empty compiler's cache and with a full one. Left out: several devices.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from turns import Gate, Side, SideFailedError, compiler_cache

from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import machine, size
from onward.train.fit import fit
from onward.train.objectives import next_token
from onward.train.packing import IGNORE, Batches, Packing
from onward.train.plan import TrainPlan, Wishes
from onward.train.shards import Shards, write_shards

STEPS = 10_000
"""More than any side will take: schedules are made for it."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A model, and how it is trained. `timed`: steps of one turn."""

    depth: int
    width: int
    vocab: int
    length: int
    batch: int
    timed: int

    @property
    def config(self) -> TrunkConfig:
        return TrunkConfig(
            vocab_size=self.vocab,
            width=self.width,
            depth=self.depth,
            heads=self.width // 64,
            kv_heads=self.width // 128,
            head_size=64,
            ffn_width=3 * self.width,
            max_positions=self.length,
        )


SIZES = {
    "tiny": Size(depth=2, width=128, vocab=512, length=64, batch=1024, timed=2),  # to see that everything runs
    "5m": Size(depth=5, width=256, vocab=4096, length=256, batch=8192, timed=4),
    "100m": Size(depth=12, width=768, vocab=16384, length=256, batch=2048, timed=1),
    "125m": Size(depth=12, width=768, vocab=50304, length=1024, batch=131_072, timed=10),
    "350m": Size(depth=24, width=1024, vocab=50304, length=1024, batch=131_072, timed=5),
}


# --- what all sides share, in one folder ------------------------------------------------------------------------------


def prepare(place: Path, chosen: Size, device: str | None) -> machine.Machine:
    """The model, the shards and the plan, as files. Documents are of random tokens, the low ones more often; their lengths are
    log-normal, half of them below 300 tokens, as in children's stories."""
    boundary, random = chosen.vocab - 1, np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(300), 1, size=20_000), 1, 20_000).astype(int)
    lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), max(1_000_000, 32 * chosen.batch))) + 1]
    documents = ((random.random(n) ** 3 * boundary).astype(np.int64) for n in lengths)
    write_shards(
        ((list(ids), None, 4 * len(ids)) for ids in documents),
        place / "text",
        vocab_size=chosen.vocab,
        tokenizer_hash="",
        meta={},
    )
    folder.save(place / "model", LanguageModel(chosen.config).initialise(0), lineage=Lineage(verb="train_speed"))
    found = machine.measure(device)
    wishes = Wishes(steps=STEPS, length=chosen.length, batch=chosen.batch)
    draft = TrainPlan(steps=STEPS, length=chosen.length, batch_tokens=chosen.batch, rows_per_pass=1)
    plan = size.begin(draft, wishes, found, chosen.config)
    (place / "plan.json").write_text(json.dumps(plan.to_json()))
    return found


def packing_of(place: Path, length: int) -> Packing:
    shards = Shards(place / "text")
    return Packing(shards, length, shards.vocab_size - 1)


# --- the sides, each in its own process -------------------------------------------------------------------------------


def ours(place: Path) -> None:
    """What `onward pretrain` does once it is prepared, with the gate where its own callbacks are."""
    plan = TrainPlan(**json.loads((place / "plan.json").read_text()))
    packing = packing_of(place, plan.length)
    model = folder.load(place / "model").to(plan.device)
    gate = Gate(lambda: loss_of(model, packing, plan.device))
    fit(model, next_token, Batches(packing, plan.rows, plan.seed).batch, plan, [lambda _: gate.step_done()])


def theirs(place: Path, settings: str) -> None:
    """Trainer, with the settings in JSON."""
    from hf_trainer import Rows, Settings, train
    from transformers import AutoModelForCausalLM, TrainerCallback

    plan, chosen = TrainPlan(**json.loads((place / "plan.json").read_text())), Settings(**json.loads(settings))
    packing = packing_of(place, plan.length)
    whole = packing.batch(np.arange(packing.rows // plan.rows * plan.rows))
    labels = F.pad(whole.targets, (1, 0), value=IGNORE)[:, :-1]  # their model shifts labels by itself
    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype=torch.float32).to(plan.device)
    gate = Gate(lambda: loss_of(lambda ids: model(ids).logits, packing, plan.device))

    class Held(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            gate.step_done()

    device = torch.device(plan.device).type
    train(model, Rows(whole.inputs, labels), chosen, steps=STEPS, device=device, callbacks=[Held()])


@torch.no_grad()
def loss_of(logits: Callable[[Tensor], Tensor], packing: Packing, device: str) -> float:
    """Of one row, without a mask for documents, so that both libraries must say the same."""
    batch = packing.batch(np.array([0])).to(device)
    return F.cross_entropy(logits(batch.inputs).float().flatten(0, 1), batch.targets.flatten()).item()


# --- the comparison ---------------------------------------------------------------------------------------------------


class Bench:
    """Starts sides; all that they need lies in `place`."""

    def __init__(self, place: Path, chosen: Size) -> None:
        self.place, self.chosen, self.started = place, chosen, 0

    def side(self, name: str, *arguments: str, cache: str) -> Side:
        """A side, begun and warmed up by its first step. cache: the name of a compiler's cache, which a new name begins anew."""
        self.started += 1
        command = [sys.executable, __file__, "--side", str(self.place), *arguments]
        environment = compiler_cache(self.place / f"cache-{cache}")
        return Side(name, command, self.place / f"log-{self.started}", environment)

    def ours(self) -> Side:
        return self.side("Onward", cache="ours")

    def theirs(self, name: str, settings: dict[str, object]) -> Side:
        return self.side(name, json.dumps(settings), cache="theirs")

    def speed(self, side: Side) -> float:
        """Tokens a second in one turn."""
        return self.chosen.batch * self.chosen.timed / side.turn(self.chosen.timed)


def defaults(rows: int, step: int) -> dict[str, object]:
    """`rows` at a time, accumulated up to a step of `step` rows."""
    if step % rows:
        raise SystemExit(f"{step} rows a step cannot be taken {rows} at a time")
    return {"rows": rows, "accumulate": step // rows}


def search_best(bench: Bench, step: int, bf16: bool) -> dict[str, object]:
    """Trainer's fastest settings here: rows are doubled as long as that helps; then each change is kept where it does. What fails, such
    as more rows than the memory takes, is let go."""
    rows, best = 8, defaults(8, step) | {"bf16": bf16, "compile": True}
    fastest = tried(bench, best)
    while step % (2 * rows) == 0 and (speed := tried(bench, best | defaults(2 * rows, step))) > fastest:
        rows, fastest = 2 * rows, speed
        best |= defaults(rows, step)
    changes: tuple[dict[str, object], ...] = ({"workers": 2}, {"compile": False})
    for change in changes:
        if (speed := tried(bench, best | change)) > fastest:
            best, fastest = best | change, speed
    return best


def with_defaults(bench: Bench, step: int, best: dict[str, object]) -> dict[str, dict[str, object]]:
    """Trainer's defaults, and the same with as many rows at a time as its best settings have, if that is more and fits."""
    more = {name: best[name] for name in ("rows", "accumulate")}
    sides = {"Trainer, defaults": defaults(8, step)}
    if more != sides["Trainer, defaults"] and tried(bench, more):
        sides[f"Trainer, defaults, {more['rows']} rows"] = more
    return sides


def tried(bench: Bench, settings: dict[str, object]) -> float:
    try:
        with bench.theirs("Trainer", settings) as side:
            speed = bench.speed(side)
    except SideFailedError as error:
        print(f"  {settings}: {error}", file=sys.stderr)
        return 0.0
    print(f"  {settings}: {speed:,.0f} tokens/s", file=sys.stderr)
    return speed


def interval(values: list[float]) -> tuple[float, float]:
    """95 % of the median, by the percentile bootstrap over rounds."""
    draws = np.random.default_rng(0).choice(values, (4000, len(values)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(low), float(high)


def compare(bench: Bench, sides: dict[str, dict[str, object]], rounds: int) -> tuple[dict[str, list[float]], list[str]]:
    """Tokens a second of every side in every round; in an order that turns, so that none always follows the same. And the losses."""
    with ExitStack() as stack:
        running = [stack.enter_context(bench.ours())]
        running += [stack.enter_context(bench.theirs(name, settings)) for name, settings in sides.items()]
        found: dict[str, list[float]] = {side.name: [] for side in running}
        for n in range(rounds):
            at = n % len(running)
            for side in running[at:] + running[:at]:
                found[side.name].append(bench.speed(side))
            print(f"  round {n + 1}: {', '.join(f'{k} {v[-1]:,.0f}' for k, v in found.items())}", file=sys.stderr)
        losses = [f"{side.name} {side.loss:.4f} to {side.stop():.4f}" for side in running]
    return found, losses


def first_steps(bench: Bench) -> tuple[float, float]:
    """Of ours: seconds to the end of the first step with an empty compiler's cache, and then with a full one."""
    with bench.ours() as cold:
        pass
    with bench.ours() as warm:
        pass
    return cold.first_step, warm.first_step


def table(found: dict[str, list[float]], flops_per_token: float, peak: float) -> str:
    lines = ["| side | tokens/s, median | slowest to fastest | share of peak | Onward is faster by | 95 % interval |"]
    lines.append("|---|---|---|---|---|---|")
    mine = found["Onward"]
    for name, speeds in found.items():
        middle = statistics.median(speeds)
        line = f"| {name} | {middle:,.0f} | {min(speeds):,.0f} to {max(speeds):,.0f} "
        line += f"| {middle * flops_per_token / peak:.1%} "
        if name == "Onward":
            lines.append(line + "| | |")
            continue
        ratios = [a / b for a, b in zip(mine, speeds, strict=True)]
        low, high = interval(ratios)
        lines.append(line + f"| {statistics.median(ratios):.2f} | {low:.2f} to {high:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Prepare, search, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="5m")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--timed", type=int, help="steps that are timed in a turn")
    parser.add_argument("--batch", type=int, help="tokens in an optimiser step")
    parser.add_argument("--device")
    given = parser.parse_args()
    chosen = SIZES[given.size]
    chosen = replace(chosen, timed=given.timed or chosen.timed, batch=given.batch or chosen.batch)
    with tempfile.TemporaryDirectory() as folder_name:
        bench = Bench(Path(folder_name), chosen)
        found = prepare(bench.place, chosen, given.device)
        plan, packing = json.loads((bench.place / "plan.json").read_text()), packing_of(bench.place, chosen.length)
        step = chosen.batch // chosen.length
        parameters = sum(chosen.config.parameters().values())
        print(
            f"{given.size}: {parameters:,} parameters, rows of {chosen.length}, {step} rows a step; torch {torch.__version__}"
        )
        sample = np.linspace(0, packing.rows - 1, 500).astype(int)
        several = np.mean([packing.row(int(i)).documents.max() > 0 for i in sample])
        print(f"rows with several documents {several:.0%}, padding {packing.padding_share:.1%}")
        print(f"{found.name}, {found.device}; ours in {found.precision}, {plan['rows_per_pass']} rows at a time")
        cold, warm = first_steps(bench)
        print(f"first step of ours: {cold:.1f} s with an empty compiler's cache, {warm:.1f} s with a full one")
        best = search_best(bench, step, bf16=found.precision == "bf16")
        print(f"Trainer's best settings: {best}")
        sides = with_defaults(bench, step, best) | {"Trainer, best": best}
        speeds, losses = compare(bench, sides, given.rounds)
        peak = max(found.flops, machine.measure(found.device, found.precision).flops)
    print(f"loss of one row, before and after: {'; '.join(losses)}")
    print(
        f"peak: {peak / 1e9:,.0f} GFLOP/s of matrix products in {found.precision}; medians of {given.rounds} rounds\n"
    )
    print(table(speeds, 3 * chosen.config.flops_per_token(chosen.length), peak))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        theirs(Path(sys.argv[2]), sys.argv[3]) if sys.argv[3:] else ours(Path(sys.argv[2]))
    else:
        main()
