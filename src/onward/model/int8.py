"""Linear layers whose weights are kept in int8: a byte a weight instead of four, for a model beside which only an adapter learns.

Each output row has a scale of its own, its largest weight / 127, and each weight is rounded to the nearest multiple of it (absmax
quantisation by rows: LLM.int8(), arXiv 2208.07339, section 2). The products are in float: weights are made float for a product and
forgotten after it, also on the way back (QLoRA, arXiv 2305.14314, section 3). Left out: int8 products of activations, outliers apart,
and four bits.
"""

from __future__ import annotations

import mmap
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
    scale = torch.linalg.vector_norm(weight, torch.inf, 1) / MOST
    steps = torch.where(scale > 0, scale, 1.0)  # a row of zeros
    codes = torch.div(weight, steps[:, None], out=_for_a_while(weight, torch.float32))
    return codes.round_().clamp_(-MOST, MOST).to(torch.int8), scale


def _for_a_while(like: Tensor, dtype: torch.dtype) -> Tensor:
    """An empty tensor of the same shape, for floats that are soon forgotten.

    On a processor in pages of its own, which the system has back at once. From malloc, which soon takes tensors of megabytes from its
    heap, each would leave a hole there, of which the next small tensor that stays takes a piece, so that the next float weight does not
    fit any more: hundreds of megabytes. A CUDA card's allocator has none of that, and a compiler its own plan.
    """
    if like.device.type != "cpu" or torch.compiler.is_compiling():
        return torch.empty_like(like, dtype=dtype)
    pages = mmap.mmap(-1, like.numel() * dtype.itemsize, access=mmap.ACCESS_COPY)
    return torch.frombuffer(pages, dtype=dtype).view(like.shape)


def _in_float(codes: Tensor, dtype: torch.dtype) -> Tensor:
    return _for_a_while(codes, dtype).copy_(codes)


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
            return _in_float(self.codes, self.scale.dtype).mul_(self.scale[:, None])
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
