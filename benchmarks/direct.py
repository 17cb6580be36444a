"""Pairs a second of direct preference optimisation: Onward beside TRL's DPOTrainer, with its defaults and with its best settings, in turn.

    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/direct.py        (needs trl)

Alike for all: one Qwen3, read from one model folder by both libraries (DPO's loss of the first 16 pairs, before the first step and after
the last, is printed); the same pairs, as ids; as many of them in an optimiser step; the machine, the threads, and the turns (turns.py).
Timed are the real loops: `onward.train.fit` with the plan that `onward rl --method dpo` would make here, and `DPOTrainer.train()`.
Lengths are log-normal, as those of people's questions and answers are: prompts of 30 tokens in the middle, answers of 50.

TRL's defaults recompute activations, use bf16, and ask a second model for the reference in every step; they take 8 pairs at a time, which
are accumulated up to a step. Its best settings are searched first: the reference worked out before, no recomputing, fp32 where bf16 is
emulated, more pairs at a time, rows grouped by length; with --compile, torch.compile. Ours works the reference out before the first step,
too: that is part of the time to the first step, as all is that a trainer does with the pairs before it.

Left out: several devices.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from beside_trl import Bench, Settings, small
from rich.console import Console
from turns import Gate

from onward.align.direct import direct
from onward.align.direct.log_probs import of_answers, reference
from onward.align.direct.pairs import Paired
from onward.align.rankings import Encoded
from onward.lineage import Lineage
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.train import machine, size
from onward.train.fit import fit
from onward.train.packing import Batches
from onward.train.plan import TrainPlan, Wishes

STEPS = 10_000
"""More than any side will take: schedules are made for it."""
PAIRS = 256
VOCAB, LONGEST, BETA = 4096, 256, 0.1


# --- what all sides share, in one folder ------------------------------------------------------------------------------


def prepare(place: Path, depth: int, width: int, pairs: int, device: str | None) -> machine.Machine:
    """The model, the pairs and the plan, as files."""
    random, rows = np.random.default_rng(0), []
    for _ in range(PAIRS):
        prompt, chosen, rejected = np.clip(random.lognormal(np.log([30, 50, 50]), 0.6), 2, LONGEST // 2).astype(int)
        rows.append([random.integers(0, VOCAB - 1, n).tolist() for n in (prompt, chosen, rejected)])
    (place / "pairs.json").write_text(json.dumps(rows))
    config = small(VOCAB, depth, width, LONGEST)
    folder.save(place / "model", LanguageModel(config).initialise(0), lineage=Lineage(verb="direct"))
    longest = max(len(row[0]) + max(map(len, row[1:])) for row in rows)
    found = machine.measure(device)
    draft = TrainPlan(
        steps=STEPS, length=longest, batch_tokens=2 * pairs * longest, rows_per_pass=1, lr=1e-5, lr_embedding=1e-6
    )
    plan = size.begin(draft, Wishes(steps=STEPS), found, config)
    (place / "plan.json").write_text(json.dumps(replace(plan, compile=False).to_json()))
    return found


def paired_of(place: Path) -> Paired:
    encoded = []
    for number, (prompt, *answers) in enumerate(json.loads((place / "pairs.json").read_text())):
        ids, spans = [prompt + answer for answer in answers], [(len(prompt), len(prompt) + len(a)) for a in answers]
        encoded.append(Encoded(str(number), ("", ""), tuple(ids), None, tuple(spans)))
    return Paired(encoded, LONGEST, VOCAB - 1)


# --- the sides, each in its own process -------------------------------------------------------------------------------


def ours(place: Path) -> None:
    plan, paired = TrainPlan(**json.loads((place / "plan.json").read_text())), paired_of(place)
    model = folder.load(place / "model").to(plan.device)
    start = folder.load(place / "model").to(plan.device)
    first = paired.batch(np.arange(16)).answers.to(plan.device)
    with torch.no_grad():
        given = of_answers(start, first)
    del start
    objective = direct.objective_of("dpo", BETA)
    known = replace(paired.batch(np.arange(16)).to(plan.device), answers=replace(first, reference=given))
    gate = Gate(lambda: objective(model, known).value.item())
    paired.reference = reference(model, paired.own, plan, VOCAB - 1, Console(quiet=True))
    batches = Batches(paired, plan.rows // 2, plan.seed).batch
    fit(model, objective, batches, plan, [lambda _: gate.step_done()])


def theirs(place: Path, settings: Settings) -> None:
    """DPOTrainer with these settings. The pairs are ids already, so that it has nothing to cut."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    plan = TrainPlan(**json.loads((place / "plan.json").read_text()))
    rows = json.loads((place / "pairs.json").read_text())
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    data = Dataset.from_list([dict(zip(names, row, strict=True)) for row in rows])
    if settings.get("train_sampling_strategy") == "group_by_length":
        data = data.add_column("length", [len(row[0]) + max(map(len, row[1:])) for row in rows])
        settings |= {"length_column_name": "length"}

    class Given(DPOTrainer):
        def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
            return dataset

    class Held(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            gate.step_done()

    words = {f"w{i}": i for i in range(VOCAB)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")))
    tokenizer.pad_token = tokenizer.eos_token = f"w{VOCAB - 1}"
    load = AutoModelForCausalLM.from_pretrained
    model = load(place / "model", dtype=torch.float32)
    arguments = DPOConfig(
        output_dir=str(place / "trl"),
        max_steps=STEPS,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=torch.device(plan.device).type == "cpu",
        beta=BETA,
        **settings,
    )
    began = time.perf_counter()  # the reference is worked out while it is set up
    trainer = Given(model=model, args=arguments, train_dataset=data, processing_class=tokenizer, callbacks=[Held()])
    whole = paired_of(place).batch(np.arange(16))
    loss = of_theirs(model, load(place / "model", dtype=torch.float32), whole, plan.device)
    gate = Gate(loss)
    gate.began = began
    trainer.train()


def of_theirs(model: Any, start: Any, batch: Any, device: str) -> Any:
    """DPO's loss of a batch with transformers' models, without either library's loss."""

    def given(one: Any) -> torch.Tensor:
        with torch.no_grad():
            scores = one(batch.answers.ids.to(one.device)).logits.float().log_softmax(-1)[:, :-1].cpu()
        each = scores.gather(2, batch.answers.ids[:, 1:, None]).squeeze(2)
        return (each * batch.answers.answer[:, 1:]).sum(1)

    before = given(start.to(device))

    def loss() -> float:
        ratios = (given(model) - before).view(-1, 2)
        return -torch.nn.functional.logsigmoid(BETA * (ratios[:, 0] - ratios[:, 1])).mean().item()

    return loss


# --- the comparison ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Prepare, search, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=8, help="in an optimiser step")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--timed", type=int, default=2, help="steps that are timed in a turn")
    parser.add_argument("--compile", action="store_true", help="try torch.compile for TRL too, which takes long")
    parser.add_argument("--device")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(__file__, Path(place), timed=given.timed, samples=given.pairs, kind="pairs")
        found = prepare(bench.place, given.depth, given.width, given.pairs, given.device)
        parameters = sum(p.numel() for p in folder.load(bench.place / "model").parameters())
        print(
            f"{parameters:,} parameters, {PAIRS} pairs, {given.pairs} a step; {found.name}, {found.device}; torch {torch.__version__}"
        )
        quick = {"precompute_ref_log_probs": True, "gradient_checkpointing": False, "bf16": found.precision == "bf16"}
        changes: list[Settings] = [bench.accumulated(n) for n in (16, 32) if n <= given.pairs]
        changes += [{"train_sampling_strategy": "group_by_length"}]
        changes += [{"torch_compile": True}] if given.compile else []
        best = bench.best(bench.accumulated(8) | quick, changes)
        print(f"TRL's best settings: {best}")
        sides: dict[str, Settings] = {
            "Onward": {},
            "TRL, defaults": bench.accumulated(8),
            "TRL, best": best,
        }
        print(bench.compare(sides, given.rounds, "DPO's loss of 16 pairs"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        asked = json.loads(sys.argv[3])
        theirs(Path(sys.argv[2]), asked) if asked else ours(Path(sys.argv[2]))
    else:
        main()
