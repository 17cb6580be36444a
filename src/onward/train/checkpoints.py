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


def save(folder: Path, step: int, model: nn.Module, optimisers: list[Optimizer], state: dict[str, Any]) -> Path:
    """Write the checkpoint after `step` steps, then drop all but the newest. `state` is JSON that `load` gives back."""
    path = folder / f"step-{step:08d}"
    with new_folder(path, force=True) as beside:
        save_tensors(beside / "model.safetensors", _unique(model))
        save_tensors(beside / "optimisers.safetensors", _tensors(optimisers))
        write_json(beside / "state.json", {"step": step} | state)
    for old in existing(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def existing(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def load(path: Path, model: nn.Module, optimisers: list[Optimizer]) -> dict[str, Any]:
    """Put a checkpoint into the model and its optimisers, in place. Returns its state, with `step`."""
    try:
        weights = load_file(path / "model.safetensors")
        if weights.keys() != _unique(model).keys():
            raise ValueError("it is of another model")
        model.load_state_dict(weights, strict=False)  # not strict, because a tied weight has a second name
        _put(optimisers, load_file(path / "optimisers.safetensors"))
        state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise FolderError(
            f"{path} is broken ({error}). Remove that folder, and the training goes on from the one before."
        ) from error
    return state


def _unique(model: nn.Module) -> dict[str, Tensor]:
    """Parameters by name, each once: `named_parameters` passes over the second name of a tied one."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


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
