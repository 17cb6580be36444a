"""transformers' Trainer as the benchmarks run it; as a script, a training of so many minutes from a stream of tokens.

    python benchmarks/hf_trainer.py TOKENS.bin OUT --vocab 4096 --length 256 --depth 4 --width 256 --minutes 10 [--tuned]

What a careful user of it would write: a fresh Qwen3 of transformers' own initialisation; the stream cut into blocks, which are labels and
inputs at once (its model shifts them); the default collator. Every setting that is not named here is Trainer's default. Saving, logging
to elsewhere and progress bars are off, which can only make it faster.

As a script it is given more than it could ask for. How fast a step is, it finds out before the clock starts, so that its linear decay ends
when the time does; and with --tuned also whether torch.compile pays, which leaves the compiler's cache warm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import Qwen3Config, Qwen3ForCausalLM, Trainer, TrainerCallback, TrainingArguments, set_seed

from onward.model.device import choose
from onward.train.machine import fast_bf16

CALIBRATION = 15.0
"""Seconds that a step is measured for, at most, before the clock starts."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the benchmarks change of Trainer; the defaults here are its own."""

    rows: int = 8
    accumulate: int = 1
    lr: float = 5e-5
    warmup: float = 0.0
    bf16: bool = False
    compile: bool = False
    workers: int = 0
    seed: int = 42


class Rows(Dataset[dict[str, Tensor]]):
    """Rows that lie in memory ready for use.   inputs, labels: (rows, length) int64"""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        self.inputs, self.labels = inputs, labels

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        return {"input_ids": self.inputs[i], "labels": self.labels[i]}


def train(
    model: nn.Module, rows: Rows, settings: Settings, *, steps: int, device: str, callbacks: Sequence[TrainerCallback]
) -> None:
    """The real loop, on the model in place."""
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            output_dir=place,
            max_steps=steps,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=device == "cpu",
            per_device_train_batch_size=settings.rows,
            gradient_accumulation_steps=settings.accumulate,
            learning_rate=settings.lr,
            warmup_steps=round(settings.warmup * steps),
            bf16=settings.bf16,
            torch_compile=settings.compile,
            dataloader_num_workers=settings.workers,
            seed=settings.seed,
        )
        Trainer(model=model, args=arguments, train_dataset=rows, callbacks=list(callbacks)).train()


class Clock(TrainerCallback):
    """When each step was done, in seconds since the clock was made; the training is stopped after `limit` of them."""

    def __init__(self, limit: float) -> None:
        self.limit, self.times = limit, list[float]()
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 (Trainer names them)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append(time.perf_counter() - self.began)
        control.should_training_stop |= self.times[-1] >= self.limit


def steps_within(seconds: float, config: Qwen3Config, rows: Rows, settings: Settings, device: str) -> int:
    """How many steps fit into the time, the first one's overhead included. Tried on another model, twice with a compiler: the first
    try fills its cache."""
    limit = min(CALIBRATION, seconds / 4)
    for _ in range(2 if settings.compile else 1):
        clock = Clock(limit)
        train(Qwen3ForCausalLM(config), rows, settings, steps=1_000_000, device=device, callbacks=[clock])
    while len(clock.times) < 6:  # a slow machine, or a slow first step
        clock = Clock(clock.limit + limit)
        train(Qwen3ForCausalLM(config), rows, settings, steps=1_000_000, device=device, callbacks=[clock])
    step = statistics.median(np.diff(clock.times))
    return max(1, int(1 + (seconds - clock.times[0]) / step))


def shape(vocab: int, length: int, depth: int, width: int) -> Qwen3Config:
    """A Qwen3 in the proportions of Onward's own: heads of 64, half as many for keys and values, feed-forward three times as wide."""
    heads = max(1, width // 64)
    return Qwen3Config(
        vocab_size=-(-vocab // 64) * 64,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2 if heads % 2 == 0 else heads,
        head_dim=width // heads,
        intermediate_size=3 * width,
        max_position_embeddings=length,
        tie_word_embeddings=True,
    )


def blocks(tokens: Path, length: int, batch: int) -> Rows:
    """The stream in blocks of `length`, as Trainer's own examples cut it; only whole batches, so that nothing is compiled twice."""
    stream = np.fromfile(tokens, dtype="<u2")
    whole = len(stream) // (length * batch) * length * batch
    table = torch.from_numpy(stream[:whole].astype(np.int64)).view(-1, length)
    return Rows(table, table)


def main() -> None:
    """Train for so many minutes and save the model, with what it took in OUT/run.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tokens", type=Path, help="uint16 token ids, one document after the other")
    parser.add_argument("out", type=Path)
    for name in ("vocab", "length", "depth", "width"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--tuned", action="store_true", help="warm-up, a higher rate, and the hardware's best")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    given = parser.parse_args()
    device, seconds = choose(given.device), given.minutes * 60
    settings = Settings(rows=given.rows, lr=given.lr or (1e-3 if given.tuned else 5e-5), seed=given.seed)
    if given.tuned:
        settings = replace(settings, warmup=0.02, bf16=fast_bf16(device))
    config, rows = (
        shape(given.vocab, given.length, given.depth, given.width),
        blocks(given.tokens, given.length, given.rows),
    )
    choices = [settings, replace(settings, compile=True)] if given.tuned else [settings]
    steps, settings = max(
        ((steps_within(seconds, config, rows, c, device.type), c) for c in choices), key=lambda x: x[0]
    )

    set_seed(given.seed)
    model = Qwen3ForCausalLM(config)
    clock = Clock(seconds)
    train(model, rows, settings, steps=steps, device=device.type, callbacks=[clock])
    model.save_pretrained(given.out)
    taken = len(clock.times)
    run = {"seconds": clock.times[-1], "steps": taken, "planned": steps, "tokens": taken * given.rows * given.length}
    (given.out / "run.json").write_text(json.dumps(run | {"compiled": settings.compile, "bf16": settings.bf16}))


if __name__ == "__main__":
    main()
