"""Linear layers whose weights are kept in int8: a byte a weight instead of four, for a model beside which only an adapter learns.

Each output row has a scale of its own, its largest weight / 127, and each weight is rounded to the nearest multiple of it (absmax
quantisation by rows: LLM.int8(), arXiv 2208.07339, section 2). The products are in float: weights are made float for a product and
forgotten after it, also on the way back (QLoRA, arXiv 2305.14314, section 3). Left out: int8 products of activations, outliers apart,
and four bits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onward.model.trunk import LanguageModel

MOST = 127


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """weight: (outputs, inputs).   Returns its codes, (outputs, inputs) int8, and the scale of each row, (outputs,) float32."""
    weight = weight.detach().float()
    scale = weight.abs().amax(1) / MOST
    steps = torch.where(scale > 0, scale, 1.0)  # a row of zeros
    return (weight / steps[:, None]).round_().clamp_(-MOST, MOST).to(torch.int8), scale


_room = threading.local()


def _in_float(codes: Tensor, dtype: torch.dtype) -> Tensor:
    """The codes as floats, for one product: what is returned holds until the next call.

    On a processor always in the same room. Made anew for each product among smaller tensors that stay, such large ones would leave the
    heap full of holes: hundreds of megabytes. A CUDA card's allocator does that by itself, and a compiler has its own plan.
    """
    if codes.device.type != "cpu" or torch.compiler.is_compiling():
        return codes.to(dtype)
    room: Tensor | None = getattr(_room, "floats", None)
    if room is None or room.dtype != dtype or room.numel() < codes.numel():
        with torch.inference_mode(False):  # it is used again outside of it
            room = _room.floats = torch.empty(codes.numel(), dtype=dtype)
    return room[: codes.numel()].view(codes.shape).copy_(codes)


class Product(torch.autograd.Function):
    """x W^T with W = scale * codes. Kept for the way back are codes and scale, and no float copy; the gradient is that of x alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
        """x: (..., inputs).   Returns (..., outputs)."""
        ctx.save_for_backward(codes, scale)
        product = F.linear(x, _in_float(codes, x.dtype))
        return product * scale.to(product.dtype)  # under autocast it is bf16

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        codes, scale = ctx.saved_tensors
        (gradient,) = gradients
        return (gradient * scale.to(gradient.dtype)) @ _in_float(codes, gradient.dtype), None, None


multiplied: Callable[[Tensor, Tensor, Tensor], Tensor] = Product.apply


class Int8Linear(nn.Linear):
    """A linear layer that does not learn, its weight in int8. Who reads `weight` gets it in float, made anew each time."""

    def __init__(self, layer: nn.Linear) -> None:
        nn.Module.__init__(self)  # not that of nn.Linear, which would make a float weight
        self.in_features, self.out_features = layer.in_features, layer.out_features
        codes, scale = quantised(layer.weight)
        self.codes, self.scale = nn.Parameter(codes, requires_grad=False), nn.Parameter(scale, requires_grad=False)
        bias = None if layer.bias is None else nn.Parameter(layer.bias.detach(), requires_grad=False)
        self.register_parameter("bias", bias)

    def __getattr__(self, name: str) -> Any:
        if name == "weight":
            return self.codes * self.scale[:, None]
        return super().__getattr__(name)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)"""
        product = multiplied(x, self.codes, self.scale)
        return product if self.bias is None else product + self.bias


def quantise(model: LanguageModel) -> LanguageModel:
    """Put the linear layers of the blocks in int8, in place, but for routers; the rest in fp32. Nothing learns any more. Returns the
    model."""
    for block in model.trunk.blocks:
        for parent in list(block.modules()):
            for name, layer in parent.named_children():
                if type(layer) is nn.Linear and name != "router":
                    setattr(parent, name, Int8Linear(layer))
    return model.float().requires_grad_(False)
