"""Our cross-entropy beside torch's on whole logits: seconds forward and back; interleaved, medians and their ratio.

python benchmarks/cross_entropy.py [--width 256] [--vocab 4096] [--tokens 8192]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from onward.model.device import choose
from onward.train.cross_entropy import summed_cross_entropy

ROUNDS = 9


def plain(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """All the logits, in fp32, and torch's own loss."""
    return F.cross_entropy(F.linear(hidden, weight).float(), targets, reduction="sum")


def ours(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    return summed_cross_entropy(hidden, weight, None, targets)


def seconds(loss: Callable[[Tensor, Tensor, Tensor], Tensor], *given: Tensor) -> float:
    began = time.perf_counter()
    loss(*given).backward()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("width", 256), ("vocab", 4096), ("tokens", 8192)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    device = choose()
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    hidden = torch.randn(asked.tokens, asked.width, device=device, dtype=dtype).requires_grad_()
    weight = (0.02 * torch.randn(asked.vocab, asked.width, device=device, dtype=dtype)).requires_grad_()
    given = hidden, weight, torch.randint(0, asked.vocab, (asked.tokens,), device=device)
    pairs = [(seconds(ours, *given), seconds(plain, *given)) for _ in range(ROUNDS + 1)][1:]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    shape = f"{asked.tokens:,} tokens, {asked.vocab:,} words, width {asked.width}, {dtype} on {device}"
    print(f"{shape}: ours {1000 * mine:.0f} ms, torch's {1000 * theirs:.0f} ms, {ratio:.2f} times faster")


if __name__ == "__main__":
    main()
