"""Weights in the order in which the native step reads them: each once, from the first to the last.

A matrix (rows, columns) is cut into panels of 32 rows, and in a panel the 32 weights of a column stand together: a few vectors that are
multiplied by one number of the input and added to 32 sums, which need no adding up at the end. Formats:

- fp32
- bf16: the weight rounded to its upper 16 bits, and two neighbours of a row together, since processors multiply them in pairs.
- int8: 64 neighbours in a row share a scale in bf16, their largest / 127, and each is rounded to the nearest multiple of it (absmax by
  groups, as in QLoRA, arXiv 2305.14314, section 2). 8.25 bits a weight. Of normally distributed weights it is off by 0.55 % (root mean
  square, of the weights'); with one scale a row of 768 it would be 0.75 %, and far more where one weight of the row is large.
- int4: 32 neighbours share a scale, the one of them that is farthest from zero / -8, so that codes are -8 to 7 (as GGUF's q4_0). Two of
  them a byte, 4.5 bits a weight, off by 8.6 %.

The embedding is packed like the head, so that a tied one is kept only once. Norms and biases stay fp32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from onward.generate.settings import Weights

PANEL = 32
GROUPS: dict[Weights, int] = {"int8": 64, "int4": 32}
"""Columns of a row that share a scale."""
MOST = 127


@dataclass(frozen=True)
class Packed:
    """columns: of the matrix.   codes: (rows / 32, columns, 32); of bf16 (rows / 32, columns / 2, 32, 2), an odd last column with a zero
    beside it, and so of int4, two in a byte.   scales: (rows / 32, groups, 32) bf16, of int8 and int4 only.   bias: (rows,) or None.
    Rows are filled up with zeros to a multiple of 32."""

    columns: int
    codes: Tensor
    scales: Tensor | None
    bias: Tensor | None

    @property
    def rows(self) -> int:
        return self.codes.shape[0] * PANEL

    @property
    def bytes(self) -> int:
        """That are read in a step."""
        return sum(part.nbytes for part in (self.codes, self.scales, self.bias) if part is not None)


def pack(weight: Tensor, bias: Tensor | None, kind: Weights) -> Packed:
    """weight: (rows, columns), bias: (rows,)"""
    weight, columns = filled_up(weight.detach().float()), weight.shape[1]
    bias = None if bias is None else filled_up(bias.detach().float()[:, None])[:, 0].contiguous()
    if kind == "fp32":
        return Packed(columns, _panels(weight), None, bias)
    if kind == "bf16":
        return Packed(columns, _pairs(weight.bfloat16()), None, bias)
    codes, scales = quantised(weight, kind)
    if kind == "int8":
        return Packed(columns, _panels(codes), _panels(scales), bias)
    pairs = _pairs(codes).to(torch.uint8) + 8
    return Packed(columns, pairs[..., 0] | pairs[..., 1] << 4, _panels(scales), bias)


def rounded(weight: Tensor, kind: Weights) -> Tensor:
    """The matrix with which a format computes, (rows, columns) float32."""
    weight = weight.detach().float()
    if kind == "fp32":
        return weight
    if kind == "bf16":
        return weight.bfloat16().float()
    codes, scales = quantised(weight, kind)
    return codes * scales.float().repeat_interleave(GROUPS[kind], 1)[:, : weight.shape[1]]


def quantised(weight: Tensor, kind: Weights) -> tuple[Tensor, Tensor]:
    """weight: (rows, columns).   kind: int8 or int4.   Returns codes, (rows, columns) int8, and scales, (rows, groups) bf16."""
    columns, group = weight.shape[1], GROUPS[kind]
    groups = F.pad(weight, (0, -columns % group)).reshape(len(weight), -1, group)
    farthest = groups.gather(2, groups.abs().argmax(2, keepdim=True))[..., 0]
    # Divided by the rounded scale, so that its rounding costs nothing; at most the farthest becomes 127.3, which is rounded to 127.
    scales = (farthest.abs() / MOST if kind == "int8" else farthest / -8).bfloat16()
    steps = torch.where(scales != 0, scales.float(), 1.0)
    low, high = (-MOST, MOST) if kind == "int8" else (-8, 7)
    codes = (groups / steps[..., None]).round_().clamp_(low, high).to(torch.int8)
    return codes.flatten(1)[:, :columns], scales


def side_by_side(gate: Tensor, up: Tensor) -> Tensor:
    """A panel of one and a panel of the other in turn, so that both halves of a SwiGLU are at hand together."""
    pair = [filled_up(part.detach().float()).reshape(-1, PANEL, part.shape[1]) for part in (gate, up)]
    return torch.stack(pair, 1).flatten(0, 2)


def filled_up(weight: Tensor) -> Tensor:
    """With rows of zeros up to a multiple of 32."""
    return F.pad(weight, (0, 0, 0, -weight.shape[0] % PANEL))


def _panels(weight: Tensor) -> Tensor:
    return weight.reshape(-1, PANEL, weight.shape[1]).transpose(1, 2).contiguous()


def _pairs(weight: Tensor) -> Tensor:
    pairs = F.pad(weight, (0, weight.shape[1] % 2)).reshape(len(weight) // PANEL, PANEL, -1, 2)
    return pairs.transpose(1, 2).contiguous()
