"""Checkpoints: all that a training needs to go on exactly where it was. Safetensors and JSON only; a pickle is never written or read.

A checkpoint is a folder `step-00000100/` that appears whole. The newest two are kept. Batches need no state of their own: batch i is
a function of (data, seed, i). Left out: checkpoints of several processes.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from onward.errors import FolderError
from onward.files import new_folder, write_json
from onward.model.folder import save_tensors

KEPT = 2


def save(
    folder: Path, step: int, model: nn.Module, optimisers: list[Optimizer], *, tokens: int, seconds: float
) -> Path:
    """Write the checkpoint after `step` steps, then drop all but the newest."""
    path = folder / f"step-{step:08d}"
    shutil.rmtree(path, ignore_errors=True)  # one that could not be read, and has been trained past again
    with new_folder(path) as beside:
        save_tensors(beside / "model.safetensors", model.state_dict())
        save_tensors(beside / "optimisers.safetensors", _tensors(optimisers))
        write_json(beside / "state.json", {"step": step, "tokens": tokens, "seconds": seconds})
    for old in existing(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def existing(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def load(path: Path, model: nn.Module, optimisers: list[Optimizer]) -> dict[str, Any]:
    """Put a checkpoint into the model and its optimisers, in place. Returns its step, tokens and seconds."""
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
        _put(optimisers, load_file(path / "optimisers.safetensors"))
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
