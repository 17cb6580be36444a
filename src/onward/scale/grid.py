"""Which runs to make in the minutes: four budgets of compute, up to five sizes each, and one larger run to test the law on.

The budgets double; the sizes of a budget lie within three times of the size that 20 tokens a parameter would choose. The larger run has
ten times the compute of the largest of the small ones, and takes about half of the time; its size and its tokens are each about as large
as the largest among the small runs, so that only their combination is new to the law. Every run is a training of its own, with the whole
schedule: one long run with a decay at each budget (Hägele et al. 2024, arXiv 2405.18392) would save a quarter of the time and make
the points depend on each other. Left out: training (runs.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onward.errors import PlanError
from onward.model.config import TrunkConfig
from onward.train import size
from onward.train.plan import Shape
from onward.train.repetition import TOKENS_PER_PARAMETER

BUDGETS = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of the largest small run's compute."""
SPREAD = tuple(3.0**x for x in (-1, -0.5, 0, 0.5, 1))
"""Sizes of a budget, as multiples of what the rule would choose."""
LARGER = 10.0
FEWEST_RUNS = 8
FEWEST_STEPS = 20
"""A run of fewer says more about its warm-up than about its size."""
STEPS_OF_THE_SHORTEST = 150
"""Wanted; the batch is made small enough for it, and is the same for all runs."""
FEWEST_TOKENS = 256
"""In a batch: with fewer, a step costs its overhead and little else."""
ROUNDS = 4
"""How often the compute at hand is estimated anew, each time from the speed measured at the sizes that the last estimate chose."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training of the grid. `flops` counts what its steps cost; `seconds` is how long it should take, its measuring included."""

    config: TrunkConfig
    steps: int
    batch_tokens: int
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.config.depth}x{self.config.width}-{self.steps}"

    @property
    def parameters(self) -> int:
        """Those that a token meets in matrix products, the output's too; norms are too small to matter."""
        return matrix_parameters(self.config)

    @property
    def tokens(self) -> int:
        return self.steps * self.batch_tokens

    @property
    def flops(self) -> float:
        """Three times the forward pass, attention included."""
        return 3 * self.config.flops_per_token(self.config.max_positions) * self.tokens


def matrix_parameters(config: TrunkConfig) -> int:
    attention = sum(4 * config.heads * config.head_size for _ in range(config.depth))
    return round((config.flops_per_token(1) - attention) / 2)


def ladder(vocab_size: int, length: int) -> list[TrunkConfig]:
    """Shapes of like proportions from very small to large: 64 of width a block, at least two blocks, heads of 16 to 64.

    Narrower ones would say little: what the output can tell apart is bounded by the width.
    """
    widths = [32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048]
    made = []
    for width in widths:
        head = 16 if width < 128 else 32 if width < 256 else 64
        asked = Shape(depth=max(2, round(width / 64)), width=width, heads=width // head)
        made.append(size.shape(asked, vocab_size=vocab_size, flops=1.0, length=length)[0])
    return made


Speed = Callable[[TrunkConfig, int], tuple[float, float]]
"""Of a shape, with so many tokens in a batch: seconds a step, and seconds to measure the trained model."""


def plan(
    shapes: Sequence[TrunkConfig],
    *,
    seconds: float,
    guess: float,
    most_batch: int,
    speed: Speed,
) -> tuple[list[Run], Run]:
    """The small runs, cheapest first, and the larger one: together as long as `seconds`, going by the measured speed.

    guess: floating-point operations a second, for a first choice of sizes.   most_batch: tokens in a batch, at most.
    Raises PlanError where the time is too short for enough runs.
    """
    largest = max(1.0, guess * seconds / 2 / (len(SPREAD) * sum(BUDGETS)))
    for _ in range(ROUNDS):
        small, larger = _runs(shapes, largest, most_batch, speed)
        needed = sum(run.seconds for run in (*small, larger))
        share = seconds / needed if needed else 1.0
        if 0.97 < share < 1.03:
            break
        largest = max(1.0, largest * share)
    small, larger = _runs(shapes, largest, most_batch, speed)
    if seconds <= 0 or len(small) < FEWEST_RUNS or len({run.config for run in small}) < 3:
        raise PlanError(
            f"{max(0.0, seconds):.0f} seconds are too short to train {FEWEST_RUNS} models of at least {FEWEST_STEPS} steps here, "
            "and a larger one. Give it more --minutes, or a shorter --length."
        )
    return small, larger


def _runs(shapes: Sequence[TrunkConfig], largest: float, most_batch: int, speed: Speed) -> tuple[list[Run], Run]:
    length = shapes[0].max_positions
    chosen = [(budget * largest, config) for budget in BUDGETS for config in _sizes(shapes, budget * largest)]
    fewest = min(flops / (3 * config.flops_per_token(length)) for flops, config in chosen)
    batch = max(1, round(min(most_batch, max(FEWEST_TOKENS, fewest / STEPS_OF_THE_SHORTEST)) // length)) * length

    def run(flops: float, config: TrunkConfig) -> Run:
        steps = round(flops / (3 * config.flops_per_token(length) * batch))
        step, measuring = speed(config, batch)
        return Run(config=config, steps=steps, batch_tokens=batch, seconds=steps * step + measuring)

    small = [made for made in (run(flops, config) for flops, config in chosen) if made.steps >= FEWEST_STEPS]
    larger = run(LARGER * largest, shapes[_nearest(shapes, LARGER * largest)])
    return sorted(small, key=lambda made: made.seconds), larger


def _sizes(shapes: Sequence[TrunkConfig], flops: float) -> list[TrunkConfig]:
    """Different shapes around the one that the rule would choose; at the end of the ladder, at least three."""
    rungs = sorted({_nearest(shapes, flops, spread) for spread in SPREAD})
    if len(rungs) < 3:
        first = min(rungs[0], len(shapes) - 3)
        rungs = list(range(first, first + 3))
    return [shapes[rung] for rung in rungs]


def _nearest(shapes: Sequence[TrunkConfig], flops: float, spread: float = 1.0) -> int:
    wanted = spread * math.sqrt(flops / (6 * TOKENS_PER_PARAMETER))
    return min(range(len(shapes)), key=lambda rung: abs(math.log(matrix_parameters(shapes[rung]) / wanted)))
