"""Checkpoints of several processes: each writes and reads its own part, through torch.distributed.checkpoint.

The parts are safetensors with the same names in them as the files of one process (checkpoints.py), and torch puts together what it needs
from either kind: any number of processes, one included, goes on from a checkpoint of any other. torch's own format is left out
because its index is a pickle.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.optim import Optimizer

from onward.files import explained
from onward.train import processes

PARTS = "shard-*.safetensors"


def write(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write this process's parts of the tensors into a folder that is there already. All processes must call it."""
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    try:
        save(dict(tensors), storage_writer=writer, process_group=processes.group())
    except CheckpointException as error:
        with explained(folder.parent):  # in every process: a full disk is no fault of ours
            raise _cause(error) from error


def read(folder: Path, into: Mapping[str, Tensor]) -> None:
    """Put the tensors of a checkpoint, or this process's parts of them, into `into`, in place."""
    alone = not processes.several()
    reader = HuggingFaceStorageReader(str(folder))
    try:
        with warnings.catch_warnings():  # of loading in one process, which is meant
            warnings.simplefilter("ignore", UserWarning)
            load(dict(into), storage_reader=reader, no_dist=alone, process_group=None if alone else processes.group())
    except CheckpointException as error:
        raise _cause(error) from error


def moments(folder: Path, optimisers: list[Optimizer], *, but: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Empty tensors for every state of the optimisers that a checkpoint has, cut as the parameter is to which it belongs.

    A state that has not its parameter's shape, such as a count of steps, is whole in every process.   but: names of weights.
    """
    sizes = HuggingFaceStorageReader(str(folder)).read_metadata().state_dict_metadata
    parameters = [[p for group in optimiser.param_groups for p in group["params"]] for optimiser in optimisers]
    found: dict[str, Tensor] = {}
    for name in sizes.keys() - but.keys():
        optimiser, number, _ = name.split(".", 2)
        parameter, size = parameters[int(optimiser)][int(number)], getattr(sizes[name], "size", torch.Size())
        found[name] = torch.zeros_like(parameter) if size == parameter.shape else torch.zeros(size)
    return found


def parts(folder: Path) -> int:
    """Files of a checkpoint that several processes have written; 0 for one that one process has."""
    return len(list(folder.glob(PARTS)))


def _cause(error: CheckpointException) -> Exception:
    """The first thing that went wrong in any of the processes."""
    cause = next(iter(error.failures.values()))[0]
    return cause if isinstance(cause, Exception) else RuntimeError(str(cause))
