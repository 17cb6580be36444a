"""Checkpoints: all that a training needs to go on exactly where it was. Safetensors and JSON only; a pickle is never written or read.

A checkpoint is a folder `step-00000100/` that appears whole. Kept are the newest two of those made at their regular steps (more, where a
training may have to go back further), and the newest of all. Batches need no state of their own: batch i is a function of (data, seed, i).
Left out: checkpoints of several processes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from onward.errors import FolderError
from onward.files import new_folder, write_json
from onward.model.folder import save_tensors

KEPT = 2


class Kept(Protocol):
    """Something beside model and optimisers that a training must find again as it was."""

    def state_dict(self) -> dict[str, Tensor]: ...
    def load_state_dict(self, state: dict[str, Tensor]) -> object: ...


NOTHING: Mapping[str, Kept] = {}


def save(
    folder: Path,
    step: int,
    model: nn.Module,
    optimisers: list[Optimizer],
    *,
    tokens: int,
    seconds: float,
    further: Mapping[str, Kept] = NOTHING,
    every: int = 1,
    kept: int = KEPT,
) -> Path:
    """Write the checkpoint after `step` steps, then drop all but the newest `kept` regular ones, and the newest of all.

    further: more to keep, by name.   every: a checkpoint is regular where its step is a multiple of this.
    """
    path = folder / f"step-{step:08d}"
    shutil.rmtree(path, ignore_errors=True)  # one that could not be read, and has been trained past again
    with new_folder(path) as beside:
        save_tensors(beside / "model.safetensors", model.state_dict())
        save_tensors(beside / "optimisers.safetensors", _tensors(optimisers))
        for name, one in further.items():
            save_tensors(beside / f"{name}.safetensors", one.state_dict())
        write_json(beside / "state.json", {"step": step, "tokens": tokens, "seconds": seconds})
    found = existing(folder)
    wanted = {*[one for one in found if step_of(one) % every == 0][-kept:], found[-1]}
    for old in found:
        if old not in wanted:
            shutil.rmtree(old, ignore_errors=True)
    return path


def step_of(path: Path) -> int:
    """After how many steps a checkpoint was made."""
    return int(path.name.removeprefix("step-"))


def existing(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def load(
    path: Path, model: nn.Module, optimisers: list[Optimizer], further: Mapping[str, Kept] = NOTHING
) -> dict[str, Any]:
    """Put a checkpoint into the model, its optimisers and what else was kept, in place. Returns its step, tokens and seconds."""
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
        _put(optimisers, load_file(path / "optimisers.safetensors"))
        for name, one in further.items():
            one.load_state_dict(load_file(path / f"{name}.safetensors"))
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        return {name: state[name] for name in ("step", "tokens", "seconds")}
    except (OSError, SafetensorError, ValueError, RuntimeError, LookupError, TypeError) as error:
        raise FolderError(
            f"{path} is broken ({error}). Remove that folder, and the training goes on from the one before."
        ) from error


def _tensors(optimisers: list[Optimizer]) -> dict[str, Tensor]:
    return {
        f"{i}.{parameter}.{name}": torch.as_tensor(value)
        for i, optimiser in enumerate(optimisers)
        for parameter, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }


def _put(optimisers: list[Optimizer], tensors: dict[str, Tensor]) -> None:
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimisers]
    for key, tensor in tensors.items():
        i, parameter, name = key.split(".", 2)
        states[int(i)].setdefault(int(parameter), {})[name] = tensor
    for optimiser, state in zip(optimisers, states, strict=True):
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
