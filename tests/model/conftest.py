"""What the tests of the model share: small architectures, weights that are all random, and a cache of twenty lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel


class SlotCache:
    """Room for `capacity` tokens of each sequence; sequences of one batch may hold different numbers of them."""

    def __init__(self, lengths: list[int], capacity: int) -> None:
        self.lengths = torch.tensor(lengths)
        self.capacity = capacity
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}

    def slots(self, tokens: int) -> Tensor:
        return self.lengths[:, None] + torch.arange(tokens)[None]

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        if layer not in self.kept:
            self.kept[layer] = tuple(
                torch.full((*k.shape[:2], self.capacity, k.shape[3]), 9.0, dtype=k.dtype) for _ in "kv"
            )
        where = self.slots(k.shape[2])[:, None, :, None].expand_as(k)
        for old, new in zip(self.kept[layer], (k, v), strict=True):
            old.scatter_(2, where, new)
        return self.kept[layer]

    def advance(self, tokens: int) -> None:
        self.lengths = self.lengths + tokens


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Every parameter random: a test could not tell norms that are one, or biases that are zero, from none at all."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
            is_norm = "norm" in name.lower() or "ln_" in name
            parameter.copy_(1 + 0.3 * noise if is_norm and name.endswith("weight") else 0.3 * noise)


@pytest.fixture(scope="session")
def slot_cache() -> type[SlotCache]:
    return SlotCache


@pytest.fixture(scope="session")
def random_weights() -> Callable[..., None]:
    return randomise


@pytest.fixture(scope="session")
def tiny() -> Callable[..., LanguageModel]:
    """A small random model; keywords change the architecture. In float64, so that equal means equal."""

    def make(*, dtype: torch.dtype = torch.float64, seed: int = 0, **changes: object) -> LanguageModel:
        shape = {"vocab_size": 41, "width": 24, "depth": 3, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 36}
        model = LanguageModel(TrunkConfig(**(shape | changes))).to(dtype)
        randomise(model, seed)
        return model.eval()

    return make
