"""Equivalences of training: where a training was interrupted, and in how many passes a batch was read, leaves no trace.

Real steps of the real loop, taken on copies of the model; the folder is not touched. Each function takes the part that could be
broken as an argument, so that a test can break it.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from onward.check.row import Found, NotTriedError
from onward.check.subject import ROWS, Subject, mean_loss
from onward.model.trunk import LanguageModel
from onward.train import checkpoints, compiled
from onward.train.fit import Callback, Start, Step, fit, take_step
from onward.train.objectives import Loss, next_token
from onward.train.optimisers import optimisers
from onward.train.packing import Batch
from onward.train.plan import TrainPlan

STEPS = 6
SHARE = 1e-6
"""Of the largest gradient: how far a sum of passes may be from one pass over everything. In float64, rounding is a billion times less."""

COMPILED_SHARE = 1e-4
"""Of the largest gradient, in float32: a compiled block may add up in another order."""

Objective = Callable[[LanguageModel, Batch], Loss]


class _InterruptedError(Exception):
    """Ends a training in its middle, as a power cut would."""


def plan_of(subject: Subject) -> TrainPlan:
    """A few steps, each of two passes."""
    return TrainPlan(
        steps=STEPS,
        length=subject.length,
        batch_tokens=ROWS * subject.length,
        rows_per_pass=ROWS // 2,
        seed=subject.seed,
        device=str(subject.device),
    )


def resumed_and_uninterrupted(
    subject: Subject,
    load: Callable[..., dict[str, Any]] = checkpoints.load,
    objective: Objective | None = None,
) -> Found:
    """Six steps at a stretch; and three, a checkpoint, the end of everything in memory, and from the checkpoint three more.

    Compared is every weight, and none may differ at all. On other devices than the processor, kernels may add up in no fixed order:
    where two uninterrupted trainings differ already, nothing can be said of resuming.
    """
    objective = objective or (next_token if subject.causal else mean_loss)
    whole = _weights(_train(subject, copy.deepcopy(subject.model), objective))
    difference = _largest(whole, _weights(_interrupted(subject, objective, load)))
    found = Found(difference, 0, "in a weight", f"{STEPS} steps, checkpoint after {STEPS // 2}")
    if found.held:
        return found
    noise = _largest(whole, _weights(_train(subject, copy.deepcopy(subject.model), objective)))
    if noise == 0:
        return found
    why = f"two uninterrupted trainings differ as well, by up to {noise:.1e}"
    if subject.device.type != "cpu":
        raise NotTriedError(f"{why}: kernels of this device add up in no fixed order")
    return replace(found, remark=why)


def _interrupted(subject: Subject, objective: Objective, load: Callable[..., dict[str, Any]]) -> LanguageModel:
    """The model after a training that was interrupted in its middle and resumed from its checkpoint."""
    model = copy.deepcopy(subject.model)
    with tempfile.TemporaryDirectory(prefix="onward-check-") as name:
        place = Path(name)

        def stop(step: Step) -> None:
            if step.number == STEPS // 2:
                checkpoints.save(
                    place, step.number, step.model, step.optimisers, tokens=step.tokens, seconds=step.seconds
                )
                raise _InterruptedError

        try:
            _train(subject, model, objective, [stop])
        except _InterruptedError:
            model.zero_grad()
            model.initialise(subject.seed + 1)  # what the checkpoint does not bring back is lost
        found = optimisers(model, plan_of(subject))
        start = Start(**load(checkpoints.existing(place)[-1], model, found))
    return _train(subject, model, objective, start=start, found=found)


def _train(
    subject: Subject,
    model: LanguageModel,
    objective: Objective,
    callbacks: Sequence[Callback] = (),
    *,
    start: Start | None = None,
    found: list[torch.optim.Optimizer] | None = None,
) -> LanguageModel:
    """The model, trained in place to the plan's last step."""
    if fit(model, objective, subject.batch, plan_of(subject), callbacks, start=start or Start(), found=found):
        raise KeyboardInterrupt  # asked to stop in the last step
    return model


def _weights(model: LanguageModel) -> list[Tensor]:
    return [parameter.detach() for parameter in model.parameters()]


def accumulated_and_whole(subject: Subject, objective: Objective = mean_loss) -> Found:
    """The gradient of a batch whose rows have very different numbers of targets, read row by row; and read at once. In float64.

    The balance of experts is left out: it is a product of means, so that of a pass is another thing than that of the batch.
    """
    model = copy.deepcopy(subject.model).double().train()
    plan = replace(plan_of(subject), clip=1e30)
    whole = _gradients(model, objective, subject.batch(0), plan, ROWS)
    parts = _gradients(model, objective, subject.batch(0), plan, 1)
    scale = max(gradient.abs().max().item() for gradient in whole)
    if scale == 0:
        raise NotTriedError("the gradient is zero, and would be in any number of passes")
    return Found(_largest(whole, parts) / scale, SHARE, "of a gradient", f"{ROWS} passes of one row")


def compiled_and_eager(subject: Subject) -> Found:
    """The gradients of a batch through compiled blocks, and through the same blocks as they stand.

    Compiled sums are taken in another order, which is worth some roundings of float32 a block.
    """
    why_not = compiled.why_not(str(subject.device), experts=subject.model.config.moe is not None, seconds=math.inf)
    if why_not:
        raise NotTriedError(why_not)
    model, batch, plan = copy.deepcopy(subject.model).train(), subject.batch(0), replace(plan_of(subject), clip=1e30)
    eager = _gradients(model, mean_loss, batch, plan, ROWS)
    model.zero_grad()
    why_not = compiled.compile_blocks(model, mean_loss, batch.to(str(subject.device)))
    if why_not:
        raise NotTriedError(why_not)
    found = _gradients(model, mean_loss, batch, plan, ROWS)
    scale = max(gradient.abs().max().item() for gradient in eager)
    if scale == 0:
        raise NotTriedError("the gradient is zero, compiled or not")
    return Found(_largest(eager, found) / scale, COMPILED_SHARE, "of a gradient", f"{len(model.trunk.blocks)} blocks")


def _gradients(
    model: LanguageModel, objective: Objective, batch: Batch, plan: TrainPlan, rows_per_pass: int
) -> list[Tensor]:
    """What an optimiser is given in a step with so many rows a pass. This one looks and changes nothing."""
    looking = torch.optim.SGD(model.parameters(), lr=0.0)
    taken: list[Tensor] = []

    def take(*_: Any) -> None:
        taken.extend(torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters())

    looking.register_step_pre_hook(take)
    take_step(model, objective, batch, replace(plan, rows_per_pass=rows_per_pass), [looking], 0)
    return taken


def _largest(one: list[Tensor], other: list[Tensor]) -> float:
    """The largest difference of two lists of tensors; NaN where there is one in either."""
    found = [(a - b).abs().max() for a, b in zip(one, other, strict=True)]
    return torch.stack(found).max().item()
