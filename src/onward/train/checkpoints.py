"""Checkpoints: all that a training needs to go on exactly where it was. Safetensors and JSON only; a pickle is never written or read.

A checkpoint is a folder `step-00000100/` that appears whole. Kept are the newest two of those made at their regular steps (more, where a
training may have to go back further), and the newest of all. Batches need no state of their own: batch i is a function of (data, seed, i).
Nor do weights that do not learn, as those beside an adapter: they are in the folder that the training began with.
How several processes each write their part is told in sharded_checkpoints.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
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
from onward.train import processes
from onward.train.learned import learned

KEPT = 2


class Kept(Protocol):
    """Something beside model and optimisers that a training must find again as it was. Its tensors always have the same names and
    shapes; each process of several has its part of them, or the whole."""

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
    state = {"step": step, "tokens": tokens, "seconds": seconds}
    if processes.is_first():
        shutil.rmtree(path, ignore_errors=True)  # one that could not be read, and has been trained past again
    if processes.several():
        _save_together(path, learned(model) | _tensors(optimisers) | _further(further), state)
        processes.by_first(lambda: _prune(folder, every, kept))
        return path
    with new_folder(path) as beside:
        save_tensors(beside / "model.safetensors", learned(model))
        save_tensors(beside / "optimisers.safetensors", _tensors(optimisers))
        if further:
            save_tensors(beside / "further.safetensors", _further(further))
        write_json(beside / "state.json", state)
    _prune(folder, every, kept)
    return path


def _save_together(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """The same by several processes, each of which writes its part; the first makes the folder and gives it its name."""
    from onward.train import sharded_checkpoints

    with ExitStack() as beside:
        place = processes.by_first(lambda: beside.enter_context(new_folder(path)))
        sharded_checkpoints.write(place, tensors)

        def finish() -> None:
            write_json(place / "state.json", state | {"parts": sharded_checkpoints.parts(place)})
            beside.close()

        processes.by_first(finish)


def _prune(folder: Path, every: int, kept: int) -> None:
    found = existing(folder)
    wanted = {*[one for one in found if step_of(one) % every == 0][-kept:], found[-1]}
    for old in found:
        if old not in wanted:
            shutil.rmtree(old, ignore_errors=True)


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
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        if processes.several() or "parts" in state:
            _load_together(path, model, optimisers, further, state.get("parts", 0))
        else:
            _put_weights(model, load_file(path / "model.safetensors"))
            _put(optimisers, load_file(path / "optimisers.safetensors"))
            if further:
                _give(further, load_file(path / "further.safetensors"))
        return {name: state[name] for name in ("step", "tokens", "seconds")}
    except (OSError, SafetensorError, ValueError, RuntimeError, LookupError, TypeError) as error:
        raise FolderError(
            f"{path} is broken ({error}). Remove that folder, and the training goes on from the one before."
        ) from error


def _load_together(
    path: Path, model: nn.Module, optimisers: list[Optimizer], further: Mapping[str, Kept], parts: int
) -> None:
    """Each of several processes reads its part, of files that any number of processes has written; so does one, of several."""
    from onward.train import sharded_checkpoints

    found = sharded_checkpoints.parts(path)
    if found != parts:
        raise ValueError(f"{found} of its {parts} parts are there")
    weights, more = learned(model), _further(further)
    moments = sharded_checkpoints.moments(path, optimisers, but=weights | more)
    sharded_checkpoints.read(path, weights | moments | more)
    _put(optimisers, moments)
    _give(further, more)


def _put_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    result = model.load_state_dict(weights, strict=False)
    if odd := [*result.unexpected_keys, *sorted(learned(model).keys() & set(result.missing_keys))]:
        raise ValueError(f"it has not the weights of this training, such as {odd[0]}")


def _further(further: Mapping[str, Kept]) -> dict[str, Tensor]:
    return {f"{name}/{key}": tensor for name, one in further.items() for key, tensor in one.state_dict().items()}


def _give(further: Mapping[str, Kept], tensors: dict[str, Tensor]) -> None:
    for name, one in further.items():
        of_it = {key: tensor for key, tensor in tensors.items() if key.startswith(f"{name}/")}
        one.load_state_dict({key.removeprefix(f"{name}/"): tensor for key, tensor in of_it.items()})


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
