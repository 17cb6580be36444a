"""Our Muon beside torch's, on the matrices of a small model: seconds a step, interleaved, medians and their ratio.

python benchmarks/muon.py [--depth 4] [--width 256]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from onward.model.config import TrunkConfig
from onward.model.device import choose
from onward.model.trunk import LanguageModel
from onward.train.machine import fast_bf16
from onward.train.muon import Muon

ROUNDS = 9


def seconds(optimiser: torch.optim.Optimizer) -> float:
    began = time.perf_counter()
    optimiser.step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    """Both on the same gradients; the first round of each warms up and is not counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    given = parser.parse_args()
    device, heads = choose(), given.width // 64
    config = TrunkConfig(
        vocab_size=64,
        width=given.width,
        depth=given.depth,
        heads=heads,
        kv_heads=max(1, heads // 2),
        head_size=64,
        ffn_width=3 * given.width,
    )
    model = LanguageModel(config).initialise(0).to(device)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "blocks" in name]
    for parameter in matrices:
        parameter.grad = torch.randn_like(parameter)
    precision = torch.bfloat16 if fast_bf16(device) else torch.float32
    ours = Muon(matrices, lr=1e-9, weight_decay=0, precision=precision)
    theirs = torch.optim.Muon(matrices, lr=1e-9, weight_decay=0)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS + 1)][1:]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    weights = sum(parameter.numel() for parameter in matrices)
    print(
        f"{weights:,} weights on {device}, {precision}: ours {mine:.4f} s, torch's {other:.4f} s, {ratio:.1f} times faster"
    )


if __name__ == "__main__":
    main()
