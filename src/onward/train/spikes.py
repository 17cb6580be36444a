"""Loss spikes: found by a robust rule and reported; with --skip-spikes also undone.

A batch is judged before it is learned from, by its loss under the weights as they are. Two things can be wrong, and each has its remedy:

- The batch is bad: it is left out. Weights and optimisers never see it.
- The model is damaged, by a step that looked harmless: then good batches look bad too. After PATIENCE spikes in a row the training goes
  back to the newest checkpoint that is MARGIN steps older than the first of them, and the batches since are left out, as Chowdhery et al.
  2022 (arXiv 2204.02311, section 5.1) did by hand. Steps go on counting: what is taken back are the weights, not the number.

Left out: a rule for the gradient's norm. It is clipped, and Muon's update has the same size whatever the norm; the harm that a step does
shows in the loss of the next ones.
"""

from __future__ import annotations

import math
import shutil
import statistics
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from onward.errors import TrainingError
from onward.train import checkpoints, processes
from onward.train.fit import Callback, Step

WINDOW = 50
"""Losses that a new one is compared with: long enough for a steady median, short enough to follow a falling loss."""
ENOUGH = 20
"""Losses needed before anything is judged: the first steps fall too fast to say what is usual."""
DEVIATIONS = 6.0
"""Standard deviations above the median, at which a loss is a spike: in 6,500 healthy steps the highest came to 4.8 (docs/training.md)."""
LEAST = 0.05
"""Share of the median that a spike rises at the least: where losses hardly vary, a small rise is many deviations, and harmless."""
HARMLESS = 0.2
"""Nats that a spike rises at the least: where a loss is near zero, many times as much is still next to nothing."""
TOLD = 3
"""Spikes that are told where nothing is done about them: with small batches, one odd document makes one."""
PATIENCE = 3
"""Spikes in a row after which it is the model that is damaged: three bad batches of a shuffled corpus hardly ever meet."""
MARGIN = 10
"""Steps before the first spike that are not trusted either: harm can build up over a few steps before it shows."""


def is_spike(loss: float, before: list[float]) -> bool:
    """Whether a loss stands out from those before it: above median + max(6 * 1.4826 * MAD, 5 % of the median, 0.2 nats);
    or is no number.

    MAD is the median absolute deviation from the median; times 1.4826 it estimates the standard deviation of normal noise, and up to half
    of the values may be wild without moving it (Hampel 1974).
    """
    if not math.isfinite(loss):
        return True
    if len(before) < ENOUGH:
        return False
    middle = statistics.median(before)
    deviation = 1.4826 * statistics.median(abs(value - middle) for value in before)
    return loss > middle + max(DEVIATIONS * deviation, LEAST * abs(middle), HARMLESS)


class Spikes:
    """Judges the loss of each step before it is applied, and says in a line what it finds. A part of the checkpoint.

    skip: leave out the batches of spikes, and tell each. Otherwise a series is told once, at its beginning, and after TOLD of them no more.
    say: where a line goes.
    """

    def __init__(self, *, skip: bool, say: Callable[[str], None]) -> None:
        self.skip, self.say = skip, say
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.in_a_row = 0
        self.told = 0
        self.back_at = -1
        """The step that was gone back to last; -1 for none."""

    def __call__(self, number: int, loss: float) -> dict[str, float]:
        """What is to be noted of step `number`, counted from 1: nothing; `spike`; or `spike` and `left_out`, if it shall not be applied."""
        if not is_spike(loss, list(self.losses)):
            self.in_a_row = 0
            self.losses.append(loss)
            return {}
        self.in_a_row += 1
        if self.skip or (self.in_a_row == 1 and math.isfinite(loss) and self.told < TOLD):
            self.told += 1
            further = " Further ones are noted in metrics.jsonl only." if self.told == TOLD else ""
            then = f" Batch {number - 1} is left out." if self.skip else further
            self.say(f"step {number}: the loss is {loss:.4g}{self._before()}: a spike.{then}")
        if self.skip:
            return {"spike": 1.0, "left_out": 1.0}
        self.losses.append(loss)
        return {"spike": 1.0}

    def _before(self) -> str:
        if not self.losses:
            return ""
        return f", and was {statistics.median(self.losses):.4g} (the median of the {len(self.losses)} before)"

    def state_dict(self) -> dict[str, Tensor]:
        absent = [math.nan] * (WINDOW - len(self.losses))
        return {
            "losses": torch.tensor([*self.losses, *absent], dtype=torch.float64),
            "counts": torch.tensor([self.in_a_row, self.back_at]),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.losses = deque([loss for loss in state["losses"].tolist() if not math.isnan(loss)], maxlen=WINDOW)
        self.in_a_row, self.back_at = state["counts"].tolist()


def go_back(spikes: Spikes, folder: Path, further: Mapping[str, checkpoints.Kept]) -> Callback:
    """After PATIENCE spikes in a row, put the last good checkpoint back into the model, its optimisers and `further`, and remove those
    after it. Only checkpoints made at their regular steps count: others depend on when somebody pressed Ctrl-C.

    Raises TrainingError where that has been done before, from the same checkpoint: the batches are not what is wrong then.
    """

    def callback(step: Step) -> None:
        if spikes.in_a_row < PATIENCE:
            return
        first, before = step.number - spikes.in_a_row + 1, spikes.back_at
        every = step.plan.checkpoint_every
        kept = processes.by_first(lambda: checkpoints.existing(folder))
        good = [p for p in kept if checkpoints.step_of(p) <= first - MARGIN and checkpoints.step_of(p) % every == 0]
        if not good or checkpoints.step_of(good[-1]) == before:
            raise TrainingError(
                f"step {step.number}: the loss has jumped up and stays there"
                + (f", again, after going back to step {before} once" if good else "")
                + ". A lower --lr usually mends it; begin anew with --force."
            )
        checkpoints.load(good[-1], step.model, step.optimisers, further)
        to = checkpoints.step_of(good[-1])
        spikes.in_a_row, spikes.back_at = 0, to
        processes.by_first(lambda: _remove(kept[kept.index(good[-1]) + 1 :]))
        step.restored = True
        step.measured["gone_back_to"] = float(to)
        spikes.say(
            f"step {step.number}: {PATIENCE} spikes in a row, so it is the model that is damaged. "
            f"Back to the weights after step {to}; batches {to} to {step.number - 1} are left out."
        )

    return callback


def _remove(paths: list[Path]) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def checkpoints_needed(every: int) -> int:
    """How many regular checkpoints have to be kept so that one is always old enough to go back to."""
    return 1 + math.ceil((MARGIN + PATIENCE) / every)
