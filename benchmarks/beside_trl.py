"""Onward beside one of TRL's trainers, in turn: what the benchmarks of alignment share.

A benchmark prepares a folder, and can be called with `--side FOLDER SETTINGS` to be one side; the rest is here: TRL's best settings are
searched, then all sides take their turns (turns.py), and a table says how they compare. Seconds are those of the clock, and those that the
processor worked for a side, which other work on the machine changes less. Left out: what is trained.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from turns import Side, SideFailedError, compiler_cache

from onward.model.config import TrunkConfig

Settings = dict[str, Any]
Times = NDArray[np.float64]
"""(rounds, 2): seconds of one step, by the clock and of the processor."""


def small(vocab: int, depth: int, width: int, positions: int) -> TrunkConfig:
    """The shape of all sides' model: heads of 64, half as many for keys and values."""
    return TrunkConfig(
        vocab_size=vocab,
        width=width,
        depth=depth,
        heads=width // 64,
        kv_heads=max(1, width // 128),
        head_size=64,
        ffn_width=3 * width,
        max_positions=positions,
    )


class Bench:
    """Starts sides; all that they need lies in `place`.

    script: the benchmark.   timed: steps that are timed in a turn.   samples: what an optimiser step learns from, of `kind`.
    """

    def __init__(self, script: str, place: Path, *, timed: int, samples: int, kind: str) -> None:
        self.script, self.place, self.timed, self.samples, self.kind = script, place, timed, samples, kind
        self.started = 0

    def side(self, name: str, settings: Settings) -> Side:
        """Begun and warmed up by its first step."""
        self.started += 1
        command = [sys.executable, self.script, "--side", str(self.place), json.dumps(settings)]
        caches = {name: str(self.place / f"hf-{self.started}") for name in ("HF_HOME", "HF_DATASETS_CACHE")}
        environment = compiler_cache(self.place / "cache") | caches
        return Side(name, command, self.place / f"log-{self.started}", environment)

    def seconds(self, side: Side) -> tuple[float, float]:
        """Of one step: by the clock, and of the processor."""
        return side.turn(self.timed) / self.timed, side.busy / self.timed

    def accumulated(self, at_once: int) -> Settings:
        """TRL's: so many at a time, up to a step."""
        return {"per_device_train_batch_size": at_once, "gradient_accumulation_steps": max(1, self.samples // at_once)}

    def best(self, begin: Settings, changes: Sequence[Settings]) -> Settings:
        """TRL's fastest settings here: each change is kept where it helps. What fails is let go."""
        best, fastest = begin, self._tried(begin)
        for change in changes:
            if (seconds := self._tried(best | change)) < fastest:
                best, fastest = best | change, seconds
        return best

    def _tried(self, settings: Settings) -> float:
        try:
            with self.side("TRL", settings) as side:
                seconds = min(self.seconds(side)[1] for _ in range(2))
        except SideFailedError as error:
            print(f"  {settings}: {error}", file=sys.stderr)
            return float("inf")
        print(f"  {settings}: {seconds:.3f} s a step", file=sys.stderr)
        return seconds

    def compare(self, sides: dict[str, Settings], rounds: int, loss: str) -> str:
        """A table of every side in every round, in an order that turns, so that none always follows the same. The first is ours.

        loss: what the sides say before the first step and after the last, which is printed.
        """
        with ExitStack() as stack:
            running = [stack.enter_context(self.side(name, settings)) for name, settings in sides.items()]
            found: dict[str, list[tuple[float, float]]] = {side.name: [] for side in running}
            for n in range(rounds):
                at = n % len(running)
                for side in running[at:] + running[:at]:
                    found[side.name].append(self.seconds(side))
                said = ", ".join(f"{k} {v[-1][0]:.3f} ({v[-1][1]:.3f} worked)" for k, v in found.items())
                print(f"  round {n + 1}: {said}", file=sys.stderr)
            memory = {side.name: side.peak_memory() / 1e6 for side in running}
            before = {side.name: side.first_step for side in running}
            losses = [f"{side.name} {side.loss:.4f} to {side.stop():.4f}" for side in running]
        print(f"{loss}, before and after: {'; '.join(losses)}")
        return self._table({name: np.array(times) for name, times in found.items()}, memory, before)

    def _table(self, found: dict[str, Times], memory: dict[str, float], before: dict[str, float]) -> str:
        names = ["side", "s a step", "of the processor", f"{self.kind}/s", f"{self.kind} a processor-second"]
        names += ["to the end of the first step, s", "peak memory, MB"]
        names += ["the first is faster by (95 %)", "by the processor's seconds (95 %)"]
        lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
        first = next(iter(found.values()))
        for name, each in found.items():
            clock, own = np.median(each, axis=0)
            cells = [name, f"{clock:.3f}", f"{own:.3f}", f"{self.samples / clock:.1f}", f"{self.samples / own:.1f}"]
            cells += [f"{before[name]:.1f}", f"{memory[name]:,.0f}"]
            cells += [ratio(each[:, i] / first[:, i]) for i in (0, 1)]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def ratio(ratios: Times) -> str:
    """The median, with its interval: a percentile bootstrap over rounds."""
    draws = np.random.default_rng(0).choice(ratios, (4000, len(ratios)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return f"{np.median(ratios):.2f} ({low:.2f} to {high:.2f})"
