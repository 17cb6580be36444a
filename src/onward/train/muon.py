"""Muon: momentum whose update is made orthogonal, for the matrices inside the blocks.

Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon.

The same update as torch.optim.Muon. Two things differ, and are why it is here: matrices of one shape are orthogonalised together in
batched products, and in a precision that can be chosen. torch's works in bf16 one by one, which a processor without bf16 products
emulates: there this is 2.7 times faster (benchmarks/muon.py, docs/results.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from onward.train import processes

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic polynomial whose iteration pulls singular values towards 1: fast, and content with 0.7 to 1.2."""
ITERATIONS = 5


class Muon(Optimizer):
    """For 2-d parameters only. `precision`: the dtype of the orthogonalisation; weights and momentum keep their own."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "precision": precision}
        )

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    of_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in of_shape.items():
                updates = self._updates([self._momentum(parameter, group) for parameter in parameters], group)
                rate = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, update in zip(map(_local, parameters), updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        update.to(parameter.dtype), alpha=-rate
                    )

    def _updates(self, momenta: list[Tensor], group: dict[str, Any]) -> Iterable[Tensor]:
        """The momenta made orthogonal, all of one shape. A matrix cut over several processes is put together for it."""
        if not processes.several():
            return orthogonalised(torch.stack(momenta), group["precision"])
        from onward.train import sharding

        momenta = [momentum.to(group["precision"]) for momentum in momenta]  # before they travel
        return sharding.over_whole(lambda whole: orthogonalised(whole, group["precision"]), momenta)

    def _momentum(self, parameter: nn.Parameter, group: dict[str, Any]) -> Tensor:
        """Nesterov's: the running mean of the gradients, and this gradient once more on top."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean: Tensor = state["momentum_buffer"]
        mean.lerp_(gradient, 1 - group["momentum"])
        return gradient.lerp(mean, group["momentum"])


def _local(parameter: Tensor) -> Tensor:
    """The part of a parameter that this process has: all of it where there is one process."""
    if not processes.several():
        return parameter
    from onward.train import sharding

    return sharding.local(parameter)


def orthogonalised(matrices: Tensor, precision: torch.dtype) -> Tensor:
    """The nearest matrices with orthonormal rows or columns, roughly: U V^T of the SVD, by Newton-Schulz iteration.

    matrices: (N, rows, columns).   Returns the same shape, in `precision`.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.to(precision)
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
