"""The only training loop: for text, pictures, speech, rewards and policies alike.

It takes steps and tells its callbacks; what is measured, shown or kept is their business (callbacks.py). Batch i is asked for by its
number, so going on from step s needs nothing but s. Several processes go through it in step, each with its share of every batch
(processes.py).
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar

import torch
from torch.optim import Optimizer

from onward.errors import TrainingError
from onward.model.trunk import LanguageModel
from onward.train import processes
from onward.train.compiled import compile_blocks
from onward.train.learned import copied
from onward.train.machine import out_of_memory
from onward.train.objectives import Learnable, Loss
from onward.train.optimisers import optimisers, set_rate
from onward.train.plan import TrainPlan
from onward.train.prefetch import ahead
from onward.train.working import collect_gradients, refresh, working_copy

B = TypeVar("B", bound=Learnable)


@dataclass
class Step:
    """What a callback is told after each step. `measured` is shared by the callbacks of one step: earlier ones fill it."""

    number: int
    """Steps done so far, this one included."""
    loss: float
    rate: float
    tokens: int
    """Targets learned from since the start of the training."""
    seconds: float
    """Time since the start of the training, callbacks included, before and after it was stopped; of several processes, their mean."""
    plan: TrainPlan
    """A callback may put another one here, which then holds for the steps that are left."""
    model: LanguageModel
    optimisers: list[Optimizer]
    stopping: bool = False
    """The user, or the system, has asked to stop: this is the last step for now."""
    measured: dict[str, float] = field(default_factory=dict)
    restored: bool = False
    """A callback has put other weights into the model."""

    @property
    def last(self) -> bool:
        return self.number == self.plan.steps


Callback = Callable[[Step], None]
Judge = Callable[[int, float], dict[str, float]]
"""Asked with a step's number, from 1, and its loss before it is applied. What it notes goes into `measured`; with `left_out`,
the step is not applied. A loss that is no number, or whose gradient is none, comes as infinity."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a training goes on: after `step` steps, which took `tokens` and `seconds`."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def fit(
    model: LanguageModel,
    objective: Callable[[LanguageModel, B], Loss],
    batches: Callable[[int], B],
    plan: TrainPlan,
    callbacks: Sequence[Callback] = (),
    *,
    start: Start = Start(),
    found: list[Optimizer] | None = None,
    judge: Judge | None = None,
    look_ahead: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> bool:
    """Train `model` in place from `start` to the plan's last step.

    found: the optimisers, if a checkpoint has been put into them; made from the plan otherwise.   judge: may leave a batch out.
    look_ahead: whether the next batch is made while a step runs; not where it depends on what the step does to the weights.
    tell: takes a line for people.
    Ctrl-C and SIGTERM finish the step, let the callbacks keep it, and raise KeyboardInterrupt; if that step was the last one, the
    training is whole and True is returned instead. A loss or a gradient that is not a number raises TrainingError before it reaches
    the weights, and so does a step that does not fit into memory.
    """
    found = optimisers(model, plan) if found is None else found
    model.train()
    working = _ready(model, objective, batches(start.step), plan, tell)
    tokens, began, number = start.tokens, time.perf_counter() - start.seconds, start.step
    coming = ahead(batches, lambda: plan.steps) if look_ahead else nullcontext(batches)
    with _asked_to_stop() as stopping, coming as prepared:
        while number < plan.steps:
            batch = prepared(number)
            set_rate(found, plan.rate(number))
            loss, stats = take_step(model, objective, batch, plan, found, number, working, judge)
            number += 1
            tokens += batch.learnable
            stop, seconds = processes.summed([stopping.is_set(), time.perf_counter() - began])
            seconds /= processes.count()
            step = Step(number, loss, plan.rate(number - 1), tokens, seconds, plan, model, found, stop > 0, stats)
            for callback in callbacks:
                callback(step)
            if step.restored:
                refresh(working, model)
            plan = step.plan
            if stop and not step.last:
                raise KeyboardInterrupt
        return processes.any_of(stopping.is_set())


def _ready(
    model: LanguageModel,
    objective: Callable[[LanguageModel, B], Loss],
    batch: B,
    plan: TrainPlan,
    tell: Callable[[str], None],
) -> LanguageModel:
    """What computes: the model or its working copy, compiled if the plan says so and it can be."""
    working = model if processes.several() else working_copy(model, plan.precision)  # shards keep their own copies
    working.trunk.recompute = plan.recompute
    if plan.compile:
        why_not = compile_blocks(working, objective, batch.split(plan.rows_per_pass)[0].to(plan.device))
        if why_not:
            tell(f"going on without torch.compile: {why_not}")
    return working


def take_step(
    model: LanguageModel,
    objective: Callable[[LanguageModel, B], Loss],
    batch: B,
    plan: TrainPlan,
    found: list[Optimizer],
    number: int,
    working: LanguageModel | None = None,
    judge: Judge | None = None,
) -> tuple[float, dict[str, float]]:
    """One optimiser step over a batch, in passes of `rows_per_pass`, weighted so that the sum is one big batch.

    working: what computes, where it is not the model itself (working.py).
    Returns the loss, and the objective's stats, both averaged over what was learned from; with what the judge notes.
    """
    working = model if working is None else working
    try:
        total, stats = _gradients(model, working, objective, batch, plan)
    except RuntimeError as error:
        if out_of_memory(error):
            raise TrainingError(
                f"step {number + 1} does not fit into memory. Lower --batch or --length, or --width."
            ) from error
        raise
    norm = _clipped(model, plan.clip)
    finite = math.isfinite(total) and math.isfinite(norm)
    noted = judge(number + 1, total if finite else math.inf) if judge is not None else {}
    if not finite and "left_out" not in noted:
        raise TrainingError(
            f"step {number + 1}, on batch {number}: the loss is {total} and its gradient's norm {norm}. "
            "A lower --lr usually mends it; --skip-spikes leaves such a batch out."
        )
    for optimiser in found:
        if "left_out" not in noted:
            optimiser.step()
        optimiser.zero_grad()
    refresh(working, model)
    return total, stats | noted


def _gradients(
    model: LanguageModel,
    working: LanguageModel,
    objective: Callable[[LanguageModel, B], Loss],
    batch: B,
    plan: TrainPlan,
) -> tuple[float, dict[str, float]]:
    """Add up the gradients of all passes over a batch, and of all processes, in the model's own precision."""
    total, stats = torch.zeros((), dtype=torch.float64, device=plan.device), dict[str, float]()
    rows = min(plan.rows_per_pass, -(-plan.rows // processes.count()))
    for part, counts in processes.shares([part for part in batch.split(rows) if part.learnable]):
        loss = objective(working, part.to(plan.device))
        share = loss.weight / batch.learnable if counts else 0.0
        (loss.value * share).backward()  # type: ignore[no-untyped-call]
        collect_gradients(working, model)
        total += loss.value.detach() * share
        for name, value in loss.stats.items():
            stats[name] = stats.get(name, 0.0) + value * share
    whole, *values = processes.summed([total.item(), *stats.values()])
    return whole, dict(zip(stats, values, strict=True))


def _clipped(model: LanguageModel, largest: float) -> float:
    """Clip the gradient, of all processes together. Returns its norm."""
    if processes.several():
        from onward.train import sharding

        return sharding.clipped(model, largest).item()
    return torch.nn.utils.clip_grad_norm_(model.parameters(), largest).item()


def seconds_per_step(
    model: LanguageModel,
    objective: Callable[[LanguageModel, B], Loss],
    batches: Callable[[int], B],
    plan: TrainPlan,
    *,
    counted: int = 3,
) -> float:
    """The median time of a real step, taken on a copy of the model; the first one warms up and is not counted."""
    trial = processes.placed(copied(model), plan.device, plan.precision).train()
    found = optimisers(trial, plan)
    working = _ready(trial, objective, batches(0), plan, lambda _: None)
    times = []
    for number in range(counted + 1):
        began = time.perf_counter()
        take_step(trial, objective, batches(number), plan, found, number, working)
        times.append(time.perf_counter() - began)
    return processes.agreed(sorted(times[1:])[counted // 2])


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of ending the process. A second Ctrl-C ends it at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals reach only the main thread
        yield asked
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
