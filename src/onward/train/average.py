"""Weight averaging: an exponential moving average (EMA) of the weights, beside those that are trained.

The average of the last steps' weights is often a better model than the last weights alone (Polyak and Juditsky 1992). Left out: averages
of several lengths at once, and of separate trainings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from onward.train import processes
from onward.train.fit import Step
from onward.train.learned import learned


class Average:
    """The running average of a model's weights. It is a callback: each step moves it; and a part of the checkpoint.

    decay: d, the share of the average that a step leaves, 0 to 1; about the last 1 / (1 - d) steps count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = _copied(model)

    def __call__(self, step: Step) -> None:
        self.follow(step.model, step.number)

    @torch.no_grad()
    def follow(self, model: nn.Module, number: int) -> None:
        """average = d * average + (1 - d) * weights, after step `number`, counted from 1."""
        averaged, trained = _here(self.weights), _here(learned(model))
        torch._foreach_lerp_(averaged, trained, 1 - decay_at(number, self.decay))

    @contextmanager
    def in_place_of(self, model: nn.Module) -> Iterator[None]:
        """The model with the averaged weights; afterwards it has its own again, bit for bit."""
        own = _copied(model)
        _put(self.weights, model)
        try:
            yield
        finally:
            _put(own, model)

    def put_into(self, model: nn.Module) -> None:
        """Make the averaged weights the model's own."""
        _put(self.weights, model)

    def state_dict(self) -> dict[str, Tensor]:
        return self.weights

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        if state.keys() != self.weights.keys():
            raise ValueError("the averaged weights are of another model")
        self.weights = {name: state[name].to(own) for name, own in self.weights.items()}


def decay_at(number: int, decay: float) -> float:
    """The decay of step `number`, from 1: min(d, (1 + t) / (10 + t)), so that a tenth or so of the steps so far counts at first.

    Without it, a short training would end with an average of its whole way down. Source: `num_updates` of TensorFlow's
    tf.train.ExponentialMovingAverage; a window that grows with t is also what arXiv 2312.02696, section 3.1, argues for.
    """
    return min(decay, (1 + number) / (10 + number))


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in learned(model).items()}


@torch.no_grad()
def _put(weights: dict[str, Tensor], model: nn.Module) -> None:
    torch._foreach_copy_(_here(learned(model)), _here(weights))


def _here(weights: dict[str, Tensor]) -> list[Tensor]:
    """What this process has of each tensor; in-place changes of it change the tensor."""
    if not processes.several():
        return list(weights.values())
    from onward.train import sharding

    return [sharding.local(tensor) for tensor in weights.values()]
