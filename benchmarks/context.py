"""What a longer text costs: the time of attention over the length, in a log-log slope, and the memory of a token of context.

    python benchmarks/context.py --threads 2

A model of 4 blocks of width 512 (8 heads, 4 of keys, of size 64) with random weights, once with full attention and once with a window of
256 tokens in every layer, by compiled code in fp32. `further`: one more token after n others; the time at the shortest length, which is
nearly all products with weights, is taken off before the slope of what is left is fitted, so full attention has 1, a window 0. `reading`: a
prompt of n tokens in chunks of 1,024, less n times what a token costs in the shortest; full attention has 2, a window 1. Medians of
--rounds, the lengths in turn. Memory: blocks of the cache that the text holds, in bytes, by its length.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict

import numpy as np
import torch

from onward.generate.pages import BLOCK, Pages, Table
from onward.generate.reader import News, Reader
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel

LENGTHS = (512, 1024, 2048, 4096, 8192, 16384)
CHUNK = 1024
STEPS = 16
SHAPE = {"vocab_size": 4096, "width": 512, "depth": 4, "heads": 8, "kv_heads": 4, "head_size": 64, "ffn_width": 1536}


def once(reader: Reader, length: int) -> tuple[float, float, int]:
    """Seconds to read a prompt, seconds of a further token, and the bytes that the text then holds."""
    reader.pages = Pages(reader.model.config, length // BLOCK + 8, dtype=reader.dtype, device=reader.device)
    ids, table = [1 + n % 4000 for n in range(length + STEPS)], Table(reader.pages, None)
    began = time.perf_counter()
    while table.length < length:
        reader.read([News(table, ids, min(CHUNK, length - table.length))])
    reading = time.perf_counter() - began
    steps = []
    for _ in range(STEPS):
        began = time.perf_counter()
        reader.read([News(table, ids, 1)])
        steps.append(time.perf_counter() - began)
    held = reader.pages.used * reader.pages.keys[:, 0].nbytes * 2
    return reading, statistics.median(steps), held


def slope(lengths: list[int], seconds: list[float]) -> float:
    return float(np.polyfit(np.log(lengths), np.log(np.maximum(seconds, 1e-6)), 1)[0])


@torch.inference_mode()
def measure(name: str, window: int | None, rounds: int) -> None:
    config = TrunkConfig(**SHAPE, max_positions=2 * LENGTHS[-1], window=window)
    reader = Reader(LanguageModel(config).initialise(0), LENGTHS[-1] // BLOCK + 8, lambda _: None, "fp32")
    found = defaultdict[int, list[tuple[float, float, int]]](list)
    for _ in range(rounds):
        for length in LENGTHS:
            found[length].append(once(reader, length))
    reading, further = ([statistics.median(f[i] for f in found[n]) for n in LENGTHS] for i in (0, 1))
    print(f"\n{name}\n{'tokens':>8} {'reading, s':>11} {'further, ms':>12} {'cache, bytes a token':>21}")
    for n, read, step in zip(LENGTHS, reading, further, strict=True):
        print(f"{n:8,} {read:11.3f} {1000 * step:12.3f} {found[n][0][2] / n:21,.0f}")
    rest = list(LENGTHS[2:])
    attending = [read - n * reading[0] / LENGTHS[0] for n, read in zip(rest, reading[2:], strict=True)]
    longer = [step - further[0] for step in further[2:]]
    print(
        f"slopes from {rest[0]:,} on: reading, less the shortest's rate {slope(rest, attending):.2f}; reading as a whole ",
        end="",
    )
    print(
        f"{slope(rest, reading[2:]):.2f}; a further token, less the shortest's {slope(rest, longer):.2f}, as a whole ",
        end="",
    )
    print(f"{slope(rest, further[2:]):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    measure("full attention", None, given.rounds)
    measure("a window of 256 tokens", 256, given.rounds)


if __name__ == "__main__":
    main()
