"""Several processes as one training: which of them this one is, and how they decide, count and speak together.

torchrun starts them and says so in the environment (RANK, WORLD_SIZE ...). The first process prepares, writes and speaks; the others
wait, and then read what it has made. Without torchrun everything here is a plain call, and torch.distributed is not even imported.
No torch here, so that `--help` stays quick. Left out: how a model is cut into shards (sharding.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from onward.errors import OnwardError, PlanError, TrainingError

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import ProcessGroup, Store

    from onward.model.trunk import LanguageModel

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long the others wait while the first prepares: cutting a large corpus takes hours. If it dies, torchrun ends them at once."""


class ToldElsewhere(OnwardError):
    """The first process could not go on and has said why; this one just ends."""


# --- who ---------------------------------------------------------------------------------------------------------------


def count() -> int:
    """Processes in this training, 1 without torchrun."""
    return _number("WORLD_SIZE", 1)


def several() -> bool:
    return count() > 1


def is_first() -> bool:
    return not several() or _number("RANK") == 0


def on_this_machine() -> int:
    """Processes of this training that share this machine's memory and cards."""
    return _number("LOCAL_WORLD_SIZE", 1) if several() else 1


def alone(verb: str) -> None:
    """Raise PlanError where a verb that works in one process has been started as several."""
    if several():
        raise PlanError(
            f"`onward {verb}` works in one process. Start it without torchrun; pretrain and sft are the verbs that several can share."
        )


def _number(name: str, default: int | None = None) -> int:
    value = os.environ.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.isdecimal():
        raise PlanError(
            f"WORLD_SIZE is set in the environment, but {name} is {value!r}. Start several processes with torchrun, "
            "which sets both; for one process, unset WORLD_SIZE."
        )
    return int(value)


# --- together ----------------------------------------------------------------------------------------------------------


def by_first(act: Callable[[], T]) -> T:
    """What `act` returns in the first process, for all of them; the others do not call it, and wait.

    If it raises, the others raise ToldElsewhere. The result must be something that pickle can send.
    """
    if not several():
        return act()
    import torch.distributed as dist

    told: list[Any] = [None, False]
    if is_first():
        try:
            told[0] = act()
        except BaseException:
            dist.broadcast_object_list([None, True], src=0, group=group())
            raise
    dist.broadcast_object_list(told, src=0, group=group())
    if told[1]:
        raise ToldElsewhere("the first process could not go on; it says why.")
    result: T = told[0]
    return result


def agreed(value: T) -> T:
    """The first process's value, for all of them."""
    return by_first(lambda: value)


def summed(values: Sequence[float]) -> list[float]:
    """Each of the values, added up over all processes, in float64."""
    if not several():
        return list(values)
    import torch
    import torch.distributed as dist

    total = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(total, group=group())
    added: list[float] = total.tolist()
    return added


def any_of(flag: bool) -> bool:
    """Whether it is so in any of the processes."""
    return summed([float(flag)])[0] > 0


def shares(parts: Sequence[T]) -> Iterator[tuple[T, bool]]:
    """The parts of some work that this process takes, dealt out in turn, and whether each counts.

    Every process takes equally many, because the passes of a sharded model are steps that all of them take together: where the parts do
    not go round, some do the first part once more, and it does not count.
    """
    every = count()
    if every == 1:
        yield from ((part, True) for part in parts)
        return
    for turn in range(0, len(parts), every):
        mine = turn + _number("RANK")
        yield (parts[mine], True) if mine < len(parts) else (parts[0], False)


def placed(model: LanguageModel, device: str, precision: str) -> LanguageModel:
    """The model where it will be trained: on the device; or, of several processes, each with its shard."""
    if not several():
        return model.to(device)
    from onward.train import sharding

    return sharding.shard(model, device, precision)


def gathered(model: LanguageModel) -> LanguageModel:
    """The whole model in main memory, in the first process; in the others, the model as it is."""
    if not several():
        return model.to("cpu")
    from onward.train import sharding

    return sharding.gathered(model) or model


@lru_cache(maxsize=1)
def group() -> ProcessGroup:
    """Meet the other processes, the first time it is called. Returns the group in which they talk: small things, in memory, over gloo.

    Weights and gradients go through the default group: NCCL between CUDA cards, gloo between processors.
    """
    import torch
    import torch.distributed as dist

    cards = torch.cuda.device_count()
    if cards:
        torch.cuda.set_device(
            _number("LOCAL_RANK") % cards
        )  # before anything touches a card: "cuda" is this one from now on
    backend = "cpu:gloo,cuda:nccl" if cards else "gloo"
    dist.init_process_group(backend, store=_store(), rank=_number("RANK"), world_size=count())
    talking: ProcessGroup = dist.new_group(backend="gloo", timeout=PATIENCE)
    return talking


@lru_cache(maxsize=1)
def _store() -> Store:
    """Where the processes of one start find each other.

    torchrun keeps one store for all its restarts, and with it the addresses of processes that have died; so each restart gets names of its
    own. Several machines do not count restarts alike: there torchrun must be told to keep a new store for each.
    """
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    kept = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    if kept and _number("GROUP_WORLD_SIZE", 1) > 1 and _number("TORCHELASTIC_MAX_RESTARTS", 0):
        raise PlanError(
            "--max-restarts on several machines needs TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in the environment of every torchrun. "
            "Set it, or leave --max-restarts out."
        )
    store = next(rendezvous("env://"))[0]
    return PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store) if kept else store


# --- one voice ---------------------------------------------------------------------------------------------------------


@contextmanager
def one_voice() -> Iterator[None]:
    """Within it, only the first process is heard. A lost process becomes a TrainingError; at the end all part in order."""
    try:
        if is_first():
            yield
        else:
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
    except RuntimeError as error:
        if several() and _is_loss(error):
            raise TrainingError(
                "another process of this training has ended (killed, out of memory, or its machine or network is gone), so this "
                "one cannot go on. The checkpoints are kept: the same command goes on from the last one, and so does "
                "torchrun by itself with --max-restarts."
            ) from error
        raise
    if several() and "torch.distributed" in sys.modules:
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()


def say(line: str, *, elsewhere: bool) -> None:
    """Print what is wrong. Of several processes that fail, the first to come here prints, and the others wait until it has: torchrun
    ends all of them as soon as one has ended.   elsewhere: it is another process's to say."""
    if not several():
        print(line, file=sys.stderr, flush=True)
        return
    said = "onward/said"
    try:
        if not elsewhere and _store().add("onward/failed", 1) == 1:
            print(line, file=sys.stderr, flush=True)
            _store().set(said, "yes")
        else:
            _store().wait([said], timedelta(seconds=5))
    except (OnwardError, RuntimeError, ValueError):  # the one that kept the store has gone
        if not elsewhere:
            print(line, file=sys.stderr, flush=True)


def _is_loss(error: RuntimeError) -> bool:
    """Whether it is the network's way of saying that a process has gone. gloo's errors have no class of their own."""
    import torch.distributed as dist

    text = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in text or "connection closed by peer" in text
