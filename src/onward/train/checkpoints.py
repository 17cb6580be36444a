"""Checkpoints: all that a training needs to go on exactly where it was. Safetensors and JSON only; a pickle is never written or read.

A checkpoint is a folder `step-00000100/` that appears whole. The newest two are kept. Batches need no state of their own: batch i is
a function of (data, seed, i). How several processes each write their part is told in sharded_checkpoints.py.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
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
from onward.train import processes

KEPT = 2


def save(
    folder: Path, step: int, model: nn.Module, optimisers: list[Optimizer], *, tokens: int, seconds: float
) -> Path:
    """Write the checkpoint after `step` steps, then drop all but the newest."""
    path = folder / f"step-{step:08d}"
    state = {"step": step, "tokens": tokens, "seconds": seconds}
    if processes.is_first():
        shutil.rmtree(path, ignore_errors=True)  # one that could not be read, and has been trained past again
    if processes.several():
        _save_together(path, model, optimisers, state)
        processes.by_first(lambda: _prune(folder))
        return path
    with new_folder(path) as beside:
        save_tensors(beside / "model.safetensors", model.state_dict())
        save_tensors(beside / "optimisers.safetensors", _tensors(optimisers))
        write_json(beside / "state.json", state)
    _prune(folder)
    return path


def _save_together(path: Path, model: nn.Module, optimisers: list[Optimizer], state: dict[str, Any]) -> None:
    """The same by several processes, each of which writes its part; the first makes the folder and gives it its name."""
    from onward.train import sharded_checkpoints

    with ExitStack() as beside:
        place = processes.by_first(lambda: beside.enter_context(new_folder(path)))
        sharded_checkpoints.write(place, model.state_dict() | _tensors(optimisers))

        def finish() -> None:
            write_json(place / "state.json", state | {"parts": sharded_checkpoints.parts(place)})
            beside.close()

        processes.by_first(finish)


def _prune(folder: Path) -> None:
    for old in existing(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def existing(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def load(path: Path, model: nn.Module, optimisers: list[Optimizer]) -> dict[str, Any]:
    """Put a checkpoint into the model and its optimisers, in place. Returns its step, tokens and seconds."""
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        if processes.several() or "parts" in state:
            _load_together(path, model, optimisers, state.get("parts", 0))
        else:
            model.load_state_dict(load_file(path / "model.safetensors"))
            _put(optimisers, load_file(path / "optimisers.safetensors"))
        return {name: state[name] for name in ("step", "tokens", "seconds")}
    except (OSError, SafetensorError, ValueError, RuntimeError, LookupError, TypeError) as error:
        raise FolderError(
            f"{path} is broken ({error}). Remove that folder, and the training goes on from the one before."
        ) from error


def _load_together(path: Path, model: nn.Module, optimisers: list[Optimizer], parts: int) -> None:
    """Each of several processes reads its part, of files that any number of processes has written; so does one, of several."""
    from onward.train import sharded_checkpoints

    found = sharded_checkpoints.parts(path)
    if found != parts:
        raise ValueError(f"{found} of its {parts} parts are there")
    weights = model.state_dict()
    moments = sharded_checkpoints.moments(path, optimisers, but=weights)
    sharded_checkpoints.read(path, weights | moments)
    _put(optimisers, moments)


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
