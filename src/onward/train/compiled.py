"""torch.compile for the blocks: one compiled program for all of them, kept on disk between runs.

What is compiled is the block and not the model: the program is the same for every block of a shape, so that the wait does not grow with
the depth. Where it cannot be done, training goes on without, and says why. Left out: blocks with experts, whose shapes follow the data.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from onward.errors import OnwardError
from onward.model.trunk import Block, LanguageModel
from onward.train import processes
from onward.train.objectives import Learnable, Loss

B = TypeVar("B", bound=Learnable)

CACHE = "TORCHINDUCTOR_CACHE_DIR"
WORTH_IT = 300.0
"""Seconds of training from which the wait for a compiler, some 40 seconds once for each shape and then 7, is won back."""


def why_not(device: str, *, experts: bool, seconds: float) -> str | None:
    """A reason not to compile, before anything has been tried; None where there is none."""
    if processes.several():
        return "several processes train without it: how it goes together with shards has not been tried"
    if experts:
        return "blocks with experts cannot be compiled: their shapes follow the data"
    if seconds < WORTH_IT:
        return f"a training of less than {WORTH_IT:.0f} s would not win back the wait for the compiler"
    if torch.device(device).type == "cpu" and not any(
        shutil.which(c) for c in (os.environ.get("CXX", "g++"), "g++", "clang++")
    ):
        return "no C++ compiler is installed (g++ or clang++)"
    return None


def compile_blocks(model: LanguageModel, objective: Callable[[LanguageModel, B], Loss], batch: B) -> str | None:
    """Compile the blocks of `model` in place, and try them out on a batch. Returns why it failed, or None; if so, nothing is compiled.

    The first time takes some 40 seconds; later ones, also of another process, take the program from a cache on disk.
    """
    os.environ.setdefault(
        CACHE, str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "onward" / "compiled")
    )
    blocks = [block for block in model.trunk.blocks if isinstance(block, Block)]
    for block in blocks:
        block.compile(dynamic=False)
    try:
        objective(model, batch).value.backward()  # type: ignore[no-untyped-call]
    except OnwardError:
        raise
    except Exception as error:
        for block in blocks:
            block._compiled_call_impl = None
        return " ".join(str(error).split())[:200] or type(error).__name__
    finally:
        model.zero_grad()
    return None
