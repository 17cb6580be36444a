"""Instruction tuning, of the whole model and with LoRA: Onward beside peft with transformers' Trainer and beside TRL's SFTTrainer, in turn.

    pip install trl
    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/sft_speed.py [--what lora whole] [--rounds 5] [--rank 16]

Alike for all: one Qwen3 of five million parameters, read from one model folder; the same conversations, of random tokens, between 16 and
256 of them, half of each to be learned; LoRA of the same rank beside the same seven kinds of layers; about 4,096 tokens in an optimiser
step, as `onward sft` takes for so many conversations; the machine, the threads and the turns (turns.py). Timed are the real loops, with
data loading and optimiser. A token is one of a conversation, learned or read; padding is none.

Ours runs with the plan that `onward sft` makes here for a training that is long enough to be compiled, and without the compiler. Theirs
with their defaults, which take eight conversations at a time and pad them to the longest, accumulated up to the step; and as fast as we got
them: in fp32 where bf16 is emulated, without working out activations twice, in packed rows, compiled and not. Packed, they see across
conversations, which ours does not, and have the faster attention kernel.

Printed: tokens a second by the clock and by the processor's time (the same on a quiet machine, and all that can be trusted on a busy one),
and the most main memory that each process had, libraries included. Left out: several devices, and the quality of what is learned.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from train_speed import STEPS, Size, interval
from turns import Gate, Side, SideFailedError

from onward.lineage import Lineage
from onward.model import adapters, folder
from onward.model.trunk import LanguageModel
from onward.train import machine, size
from onward.train.fit import fit
from onward.train.learned import weight_bytes
from onward.train.objectives import next_token
from onward.train.packing import IGNORE, Batches, Packing
from onward.train.plan import TrainPlan, Wishes
from onward.train.shards import Shards, write_shards

MODEL = Size(depth=5, width=256, vocab=4096, length=256, batch=4096, timed=1)
LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CONVERSATIONS = 4000
SIDES: dict[str, dict[str, Any]] = {
    "Onward": {"who": "ours"},
    "Onward, not compiled": {"who": "ours", "eager": True},
    "Trainer, defaults": {"who": "trainer"},
    "Trainer, packed": {"who": "trainer", "packed": True},
    "Trainer, packed, compiled": {"who": "trainer", "packed": True, "compile": True},
    "SFTTrainer, defaults": {"who": "trl", "defaults": True},
    "SFTTrainer, defaults in fp32": {"who": "trl"},
    "SFTTrainer, packed": {"who": "trl", "packed": True},
    "SFTTrainer, packed, compiled": {"who": "trl", "packed": True, "compile": True},
}


# --- what all sides share, in one folder ------------------------------------------------------------------------------


def conversations() -> list[tuple[list[int], list[bool]]]:
    """Tokens, and which of them are learned: the second half. Lengths are log-normal, half of them below 90."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(90), 0.7, size=CONVERSATIONS), 16, MODEL.length).astype(int)
    return [
        ([int(i) for i in random.random(n) ** 3 * (MODEL.vocab - 1)], [place >= n // 2 for place in range(n)])
        for n in lengths
    ]


def prepare(place: Path) -> None:
    write_shards(
        ((ids, learn, 4 * len(ids)) for ids, learn in conversations()),
        place / "chats",
        vocab_size=MODEL.vocab,
        tokenizer_hash="",
        meta={},
    )
    folder.save(place / "model", LanguageModel(MODEL.config).initialise(0), lineage=Lineage(verb="sft_speed"))


def packing_of(place: Path) -> Packing:
    return Packing(Shards(place / "chats"), MODEL.length, MODEL.vocab - 1)


# --- the sides, each in its own process -------------------------------------------------------------------------------


def gate_of(logits: Callable[[Tensor], Tensor]) -> Gate:
    """The loss of one conversation, which all must say alike before the first step."""
    ids = torch.tensor([conversations()[0][0]])

    @torch.no_grad()
    def loss() -> float:
        return torch.nn.functional.cross_entropy(logits(ids[:, :-1]).float().flatten(0, 1), ids[0, 1:]).item()

    return Gate(loss)


def ours(place: Path, rank: int, eager: bool) -> None:
    """What `onward sft` does once it is prepared."""
    found = machine.measure("cpu")
    model = folder.load(place / "model")
    if rank:
        adapters.add(model, "qwen3", "lora", rank=rank, base=place / "model", seed=0)
    draft = TrainPlan(steps=STEPS, length=MODEL.length, batch_tokens=MODEL.batch, rows_per_pass=1, lr=0.006)
    wishes = Wishes(steps=STEPS, length=MODEL.length, batch=MODEL.batch, eager=eager)
    plan = size.begin(draft, wishes, found, MODEL.config, weights=weight_bytes(model, found.precision))
    batches = Batches(packing_of(place), plan.rows, plan.seed).batch
    gate = gate_of(model)
    fit(model, next_token, batches, plan, [lambda _: gate.step_done()], tell=lambda line: print(line, file=sys.stderr))


def theirs(place: Path, rank: int, settings: dict[str, Any]) -> None:
    """peft and transformers' Trainer, or TRL's SFTTrainer."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, TrainerCallback

    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype=torch.float32)
    gate = gate_of(lambda ids: model(ids).logits)
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LAYERS, task_type="CAUSAL_LM") if rank else None

    class Held(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            gate.step_done()

    with tempfile.TemporaryDirectory() as out:
        common = {"output_dir": out, "max_steps": STEPS, "save_strategy": "no", "report_to": "none", "use_cpu": True}
        common |= {"disable_tqdm": True, "torch_compile": settings.get("compile", False), **rows_of(settings)}
        if settings["who"] == "trl":
            trainer = sft_trainer(model, lora, common, settings, [Held()])
        else:
            trainer = plain_trainer(get_peft_model(model, lora) if lora else model, place, common, settings, [Held()])
        trainer.train()


def rows_of(settings: dict[str, Any]) -> dict[str, int]:
    """Eight at a time, which is the default of both; conversations are accumulated up to a step."""
    if settings.get("packed"):
        return {"gradient_accumulation_steps": MODEL.batch // MODEL.length // 8}
    mean = statistics.mean(len(ids) for ids, _ in conversations())
    return {"gradient_accumulation_steps": max(1, round(MODEL.batch / mean / 8))}


def plain_trainer(model: Any, place: Path, common: dict[str, Any], settings: dict[str, Any], callbacks: Any) -> Any:
    from transformers import Trainer, TrainingArguments

    if settings.get("packed"):
        packing = packing_of(place)
        whole = packing.batch(np.arange(packing.rows))
        labels = torch.nn.functional.pad(whole.targets, (1, 0), value=IGNORE)[:, :-1]
        data = [{"input_ids": i, "labels": t} for i, t in zip(whole.inputs, labels, strict=True)]
        collate = None
    else:
        data = [{"input_ids": torch.tensor(ids), "labels": labels_of(ids, learn)} for ids, learn in conversations()]
        collate = padded
    arguments = TrainingArguments(**common)
    return Trainer(model=model, args=arguments, train_dataset=data, data_collator=collate, callbacks=callbacks)


def padded(rows: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    def together(name: str, filler: int) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence([row[name] for row in rows], True, filler)

    seen = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row["input_ids"]) for row in rows], True, 0)
    return {"input_ids": together("input_ids", 0), "labels": together("labels", IGNORE), "attention_mask": seen}


def labels_of(ids: list[int], learn: list[bool]) -> Tensor:
    return torch.tensor([i if yes else IGNORE for i, yes in zip(ids, learn, strict=True)])


def sft_trainer(model: Any, lora: Any, common: dict[str, Any], settings: dict[str, Any], callbacks: Any) -> Any:
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    words = Tokenizer(models.WordLevel({"<end>": 0}, unk_token="<end>"))  # asked for, and not used: the ids are there
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", pad_token="<end>")
    rows = [{"input_ids": ids, "labels": labels_of(ids, learn).tolist()} for ids, learn in conversations()]
    quicker = {} if settings.get("defaults") else {"bf16": False}
    if settings.get("packed"):
        quicker |= {"gradient_checkpointing": False, "packing": True, "packing_strategy": "wrapped"}
        quicker |= {"max_length": MODEL.length}
    return SFTTrainer(
        model=model,
        args=SFTConfig(**common, **quicker),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=callbacks,
    )


# --- the comparison ---------------------------------------------------------------------------------------------------


def tokens_a_step(place: Path, settings: dict[str, Any]) -> float:
    """Of conversations, on average."""
    mean = statistics.mean(len(ids) for ids, _ in conversations())
    if settings["who"] != "ours" and not settings.get("packed"):
        return mean * 8 * rows_of(settings)["gradient_accumulation_steps"]
    if settings["who"] == "trl":
        return float(MODEL.batch)  # one stream, cut anywhere: no padding at all
    return MODEL.batch * (1 - packing_of(place).padding_share)


def compare(place: Path, rank: int, names: list[str], rounds: int) -> str:
    """Every side in every round, in an order that turns."""
    with ExitStack() as stack:
        running: list[Side] = []
        for name in names:
            command = [sys.executable, __file__, "--side", str(place), str(rank), json.dumps(SIDES[name])]
            log = place / f"log-{rank}-{len(running)}"
            try:
                side = Side(name, command, log, {})
            except SideFailedError as error:
                print(error, file=sys.stderr)
                continue
            running.append(stack.enter_context(side))
            print(f"  {name}: loss {side.loss:.4f}, first step {side.first_step:.1f} s", file=sys.stderr)
        clock: dict[str, list[float]] = {side.name: [] for side in running}
        busy: dict[str, list[float]] = {side.name: [] for side in running}
        for n in range(rounds):
            for side in running[n % len(running) :] + running[: n % len(running)]:
                tokens = MODEL.timed * tokens_a_step(place, SIDES[side.name])
                clock[side.name].append(tokens / side.turn(MODEL.timed))
                busy[side.name].append(tokens / side.busy)
                print(f"  {n + 1}: {side.name} {busy[side.name][-1]:,.0f}", file=sys.stderr, flush=True)
        memory = {side.name: side.peak_memory() for side in running}
    return table(clock, busy, memory)


def table(clock: dict[str, list[float]], busy: dict[str, list[float]], memory: dict[str, int]) -> str:
    first = next(iter(busy))
    lines = [
        "| side | tokens/s by the clock | by processor time | the first is faster by | 95 % interval | peak memory, MB |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for name, speeds in busy.items():
        line = f"| {name} | {statistics.median(clock[name]):,.0f} | {statistics.median(speeds):,.0f} "
        if name == first:
            lines.append(f"{line}| | | {memory[name] / 1e6:,.0f} |")
            continue
        ratios = [a / b for a, b in zip(busy[first], speeds, strict=True)]
        low, high = interval(ratios)
        line += f"| {statistics.median(ratios):.2f} | {low:.2f} to {high:.2f} | {memory[name] / 1e6:,.0f} |"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", nargs="+", choices=["lora", "whole"], default=["lora", "whole"])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rank", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        prepare(place)
        print(f"{sum(MODEL.config.parameters().values()):,} parameters; {versions()}; medians of {given.rounds} rounds")
        print(f"padding in our rows {packing_of(place).padding_share:.1%}")
        for what in given.what:
            print(
                f"\n{what}\n\n{compare(place, given.rank if what == 'lora' else 0, given.sides, given.rounds)}",
                flush=True,
            )


def versions() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft", "trl"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        what, rank, chosen = Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
        ours(what, rank, chosen.get("eager", False)) if chosen["who"] == "ours" else theirs(what, rank, chosen)
    else:
        main()
