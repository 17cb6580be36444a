"""What a small model learns from a larger one's probabilities: students with and without a teacher, after the same steps.

    python benchmarks/logit_distillation.py TEACHER TEXTS CHATS [--width 64] [--pretrain 600] [--steps 300] [--seeds 0 1 2]

TEACHER is a chat model's folder, TEXTS what base models learn from, CHATS conversations. For each seed a student of the given
width is pretrained on TEXTS with the teacher's tokenizer, and then tuned on CHATS three times, from the same weights and on the same
batches: on the data's own tokens alone, with half of the word the teacher's, and with all of it. Printed are bits per byte of held-out
answers and KL(teacher || student) on them, in nats a token; then means over the seeds, and the differences from the student without a
teacher. Left out: other divergences and temperatures.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from onward.align import instruct
from onward.align.teacher import Teacher
from onward.align.wishes import Teaching
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, measure, pretrain
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace

QUIET = Console(quiet=True)
SHARES = (0.0, 0.5, 1.0)


class Found(NamedTuple):
    """Of a student on held-out answers, and what a step took."""

    bits_per_byte: float
    divergence: float
    seconds: float


def untaught(given: argparse.Namespace, seed: int, place: Path) -> Path:
    """A small base model with the teacher's tokenizer."""
    wishes, shape = Wishes(steps=given.pretrain, batch=2048, seed=seed), Shape(width=given.width, depth=given.depth)
    with Workspace(place, {}) as workspace:
        training = pretrain.prepare(
            [str(given.texts)], workspace, wishes, shape, tokenizer=given.teacher, skip_bad=True, console=QUIET
        )
        return training.run(QUIET)


def tuned(given: argparse.Namespace, base: Path, share: float, seed: int, place: Path) -> Found:
    teaching = Teaching(teacher=given.teacher, teacher_share=share) if share else Teaching()
    with Workspace(place, {}) as workspace:
        wishes = Wishes(steps=given.steps, batch=2048, seed=seed)
        training = instruct.prepare(
            base, given.chats, workspace, wishes, teaching=teaching, skip_bad=True, console=QUIET
        )
        began = time.perf_counter()
        training.learn(QUIET)
        seconds = (time.perf_counter() - began) / given.steps
        teacher = Teacher(given.teacher, 1.0, base, Tokenizer.load(base), machine.measure())
        divergence = teacher.measure(training.model, training.data, training.plan).value
        return Found(training.measure(measure.AT_THE_END).value, divergence, seconds)


def row(name: str, seed: str, found: Found) -> str:
    return f"| {name} | {seed} | {found.bits_per_byte:.4f} | {found.divergence:.4f} | {found.seconds:.3f} |"


def means(every: dict[float, list[Found]]) -> None:
    """Means over the seeds, and paired differences from the student without a teacher with their standard deviations."""
    for share, found in every.items():
        print(row(f"{share:g}", "mean", Found(*(statistics.fmean(values) for values in zip(*found, strict=True)))))
    for share in SHARES[1:]:
        for name, place in (("bits per byte", 0), ("nats a token", 1)):
            changes = [taught[place] - alone[place] for taught, alone in zip(every[share], every[0.0], strict=True)]
            spread = f" (standard deviation {statistics.stdev(changes):.4f})" if len(changes) > 1 else ""
            print(f"\nshare {share:g} against none: {statistics.fmean(changes):+.4f} {name}{spread}", end="")
    print()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("teacher", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("chats", type=Path)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--pretrain", type=int, default=600)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    print(
        "| the teacher's share | seed | answers, bits per byte | KL from the teacher, nats a token | seconds a step |"
    )
    print("|---|---|---|---|---|", flush=True)
    every: dict[float, list[Found]] = {share: [] for share in SHARES}
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            base = untaught(given, seed, place / "base")
            for share in SHARES:
                every[share].append(tuned(given, base, share, seed, place / f"tuned-{share:g}"))
                print(row(f"{share:g}", str(seed), every[share][-1]), flush=True)
    means(every)


if __name__ == "__main__":
    main()
