"""What this machine can do: where to compute, how precisely, and how fast its matrix products are.

Measured, not looked up: a shared or throttled machine is as fast as it is today.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from onward.model.device import choose
from onward.train import processes
from onward.train.limits import memory_left


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One device as the plan sees it. `flops` are multiply-adds times two, a second, of plain matrix products."""

    device: str
    name: str
    precision: str
    flops: float
    memory: int


def measure(device: str | None = None, precision: str | None = None, seconds: float = 1.0) -> Machine:
    """Choose device and precision where they are None, and time matrix products of a training's shape for `seconds`."""
    where = choose(device)
    precision = precision or ("bf16" if fast_bf16(where) else "fp32")
    found = Machine(
        device=str(where),
        name=_name(where),
        precision=precision,
        flops=_matmul_flops(where, precision, seconds),
        memory=memory(where),
    )
    return processes.agreed(_together(found)) if processes.several() else found


def _together(one: Machine) -> Machine:
    """Of several processes: what they can do together, and the memory that each may use."""
    every = processes.count()
    name = f"{every} processes, each {one.name}"
    return replace(one, name=name, flops=every * one.flops, memory=one.memory // _sharing(one))


def _sharing(one: Machine) -> int:
    """How many processes take their memory from the same place."""
    return processes.on_this_machine() if one.device == "cpu" else 1


def now(found: Machine) -> Machine:
    """The same machine with the memory that it has at this moment."""
    left = memory(torch.device(found.device)) // _sharing(found)
    return processes.agreed(replace(found, memory=left))


def fast_bf16(device: torch.device) -> bool:
    """Whether bf16 products are done in hardware. Emulated, as on processors without avx512_bf16 or AMX, they are slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpuinfo = Path("/proc/cpuinfo")
    if device.type == "cpu" and cpuinfo.exists():
        flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


def memory(device: torch.device) -> int:
    """Bytes that a training may use on the device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory_left()


def out_of_memory(error: BaseException | None) -> bool:
    """torch.OutOfMemoryError, or the processor's allocator, which has no error of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type


def _matmul_flops(device: torch.device, precision: str, seconds: float) -> float:
    tokens, width = (2048, 512) if device.type == "cpu" else (8192, 4096)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = torch.randn(tokens, width, device=device, dtype=dtype), torch.randn(width, width, device=device, dtype=dtype)
    products, start = -1, 0.0  # the first product warms up and is not counted
    while products < 3 or time.perf_counter() - start < seconds:
        (a @ b).sum().item()  # .item() waits for the device
        products += 1
        if products == 0:
            start = time.perf_counter()
    return products * 2.0 * tokens * width * width / (time.perf_counter() - start)
