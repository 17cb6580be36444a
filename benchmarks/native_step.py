"""Tokens a second of one decode step: the native step in fp32, bf16, int8 and int4 beside torch's own step of the same trunk, in turns.

    python benchmarks/native_step.py --sizes 5m 110m --threads 2            (500m: another 7 GB of memory)

Qwen3 shapes with random weights. A step is one new token for each of --rows sequences, which begin with --context tokens in the cache;
drawing a token from the logits is not part of it. torch: `model.hidden` with a `KVCache` and `model.logits`, as the engine calls them,
in fp32 and in bf16. native: `Native.step`, the cache in pages of fp32. Every round, each side in turn does --steps steps from the same
place on; a table has the median over all of its steps, and the quickest tenth beside it, since other processes can only slow a step.

GB/s: what a step must read (the matrices; the cache is small beside them), by the median time. Share: of the speed at which torch adds
up 512 MB of floats with as many threads, the best of all rounds. That is a limit only for what does not fit into the processor's caches:
a small model may pass it. Processor time: of all threads, waiting ones included. Logits of the sides are compared before. Left out: GPUs,
and other libraries.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from onward.generate.cache import KVCache
from onward.generate.native.packing import rounded
from onward.generate.native.step import FORMATS, Native
from onward.generate.pages import BLOCK, Pages
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel

SIZES = {
    "5m": {"width": 256, "depth": 5, "heads": 4, "kv_heads": 2, "head_size": 64, "ffn_width": 768, "vocab_size": 4096},
    "110m": {
        "width": 768,
        "depth": 12,
        "heads": 12,
        "kv_heads": 4,
        "head_size": 64,
        "ffn_width": 2560,
        "vocab_size": 32000,
    },
    "500m": {
        "width": 1280,
        "depth": 24,
        "heads": 20,
        "kv_heads": 4,
        "head_size": 64,
        "ffn_width": 4480,
        "vocab_size": 32000,
    },
}
Stepper = Callable[[Tensor, int], Tensor]
"""ids (B,), all at one position, to logits (B, V)."""


@dataclass
class Side:
    name: str
    step: Stepper
    bytes: int
    seconds: list[float] = field(default_factory=list)
    busy: float = 0.0

    def turn(self, ids: Tensor, first: int, steps: int) -> None:
        self.step(ids, first)  # what another side has put into the caches goes out
        busy = time.process_time()
        for position in range(first + 1, first + 1 + steps):
            began = time.perf_counter()
            self.step(ids, position)
            self.seconds.append(time.perf_counter() - began)
        self.busy += time.process_time() - busy


def torch_side(model: LanguageModel, dtype: torch.dtype, rows: int, capacity: int) -> Side:
    model = copy.deepcopy(model).to(dtype)
    cache = KVCache(model.config, rows, capacity, dtype=dtype, device=torch.device("cpu"))

    @torch.inference_mode()
    def step(ids: Tensor, position: int) -> Tensor:
        cache.lengths = torch.full((rows,), position)
        return model.logits(model.hidden(ids[:, None], cache=cache))[:, 0].float()

    read = sum(p.nbytes for name, p in model.named_parameters() if p.dim() == 2)
    return Side(f"torch {str(dtype).removeprefix('torch.')}", step, read)


def native_side(native: Native, rows: int, capacity: int) -> Side:
    config, blocks = native.config, -(-capacity // BLOCK)
    pages = Pages(config, rows * blocks, dtype=torch.float32, device=torch.device("cpu"))
    for _ in range(rows * blocks):
        pages.take()
    tables = (1 + torch.randperm(rows * blocks)).view(rows, blocks).int()

    def step(ids: Tensor, position: int) -> Tensor:
        return native.step(ids, torch.full((rows,), position), tables, pages.keys, pages.values)[0]

    return Side(f"native {native.weights}", step, native.bytes)


def reading_speed(floats: Tensor) -> float:
    """Bytes a second, the best of three."""

    def once() -> float:
        began = time.perf_counter()
        floats.sum()
        return floats.nbytes / (time.perf_counter() - began)

    return max(once() for _ in range(3))


def check(model: LanguageModel, natives: list[Native], rows: int) -> None:
    """The first step of each native side is that of the trunk with the same rounded weights; bf16 and int4 round the inputs too."""
    ids = torch.arange(rows)
    for native in natives:
        same = copy.deepcopy(model)
        for parameter in same.parameters():
            if parameter.dim() == 2:
                parameter.copy_(rounded(parameter, native.weights))
        wanted, got = same(ids[:, None])[:, 0], native_side(native, rows, 1).step(ids, 0)
        difference = ((got - wanted).abs().max() / wanted.abs().max()).item()
        print(f"native {native.weights}: logits differ from the trunk's with the same weights by {difference:.0e}")
        assert difference < (2e-2 if native.weights in ("bf16", "int4") else 1e-4)


@torch.no_grad()
def measure(name: str, given: argparse.Namespace, floats: Tensor) -> None:
    model = LanguageModel(TrunkConfig(**SIZES[name])).initialise(0).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # projections into the residual stream begin as zeros
        parameter.add_(torch.empty(parameter.shape).normal_(0, 0.02, generator=generator))
    natives = [Native.of(model, weights) for weights in FORMATS]
    print(
        f"\n{name}: {sum(model.config.parameters().values()):,} parameters, {given.threads} threads, torch {torch.__version__}"
    )
    check(model, natives, given.rows[0])
    for rows in given.rows:
        capacity = given.context + given.steps + 1
        sides = [torch_side(model, dtype, rows, capacity) for dtype in (torch.float32, torch.bfloat16)]
        sides += [native_side(native, rows, capacity) for native in natives]
        ids, speed = torch.arange(rows), 0.0
        for _ in range(given.rounds):
            speed = max(speed, reading_speed(floats))
            for side in sides:
                side.turn(ids, given.context, given.steps)
        print(f"\n{rows} sequences after {given.context} tokens; memory is read at {speed / 1e9:.1f} GB/s")
        print(f"{'':15} {'tok/s':>8} {'quickest':>9} {'GB/s':>6} {'share':>6} {'processor ms a step':>20}")
        for side in sides:
            report(side, rows, speed)


def report(side: Side, rows: int, speed: float) -> None:
    median, quickest = statistics.median(side.seconds), statistics.quantiles(side.seconds, n=10)[0]
    read, busy = side.bytes / median, 1000 * side.busy / len(side.seconds)
    print(
        f"{side.name:15} {rows / median:8.1f} {rows / quickest:9.1f} {read / 1e9:6.1f} {read / speed:6.0%} {busy:20.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["5m", "110m"])
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20, help="of a turn")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    floats = torch.ones(2**27)
    for name in given.sizes:
        measure(name, given, floats)


if __name__ == "__main__":
    main()
