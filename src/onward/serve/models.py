"""What is served: models by name, each with the worker that runs it. An adapter is a name of its own over its base's worker.

Left out: loading and unloading while the server is up.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onward.errors import PlanError, ServeError
from onward.generate.chat_model import FolderModel
from onward.generate.drafters.make import made
from onward.generate.engine import default_blocks
from onward.generate.load import beside, open_folder
from onward.generate.settings import Computed
from onward.generate.stages import furthest_stage
from onward.model import folder
from onward.serve.worker import Worker


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model under its name."""

    name: str
    model: FolderModel
    worker: Worker
    parent: str | None = None
    """Of an adapter, its base's name."""
    since: int = field(default_factory=lambda: int(time.time()))

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.engine.model.parameters())


def named(given: str) -> tuple[str, str]:
    """The name and the place in `NAME=FOLDER`, or in `FOLDER`, whose last part is then its name."""
    name, sign, where = given.partition("=")
    if not sign or Path(given).exists():
        return Path(given).resolve().name, given
    if not name or not where:
        raise PlanError(f"{given!r}: NAME=FOLDER is wanted, or a folder.")
    return name, where


def open_all(
    folders: Sequence[str],
    adapters: Sequence[str] = (),
    *,
    device: str | None = None,
    weights: Computed | None = None,
    cache: float | None = None,
    draft: Sequence[str] = (),
) -> dict[str, Served]:
    """Every model by its name, loaded, with a thread for each folder.

    folders: model or run folders, or names on the hub, each perhaps as NAME=FOLDER.   adapters: NAME=FOLDER; each stands beside the base
    that it names, or beside the only folder.   cache: megabytes of each folder's key-value cache.   draft: what drafts for the
    texts of each folder, as --draft has it.   Raises ServeError, PlanError, and
    what `onward.load` raises.
    """
    if cache is not None and not 1 <= cache < 1e9:
        raise PlanError(f"--cache {cache:g}: megabytes, from 1 on, and finite.")
    bases: dict[str, tuple[Path, FolderModel]] = {}
    for given in folders:
        name, where = named(given)
        _free(name, bases)
        path = folder.resolve(furthest_stage(where))
        bases[name] = path, _open(path, device, weights, cache, draft)
    wanted: dict[str, dict[str, Path]] = {}
    for given in adapters:
        name, where = named(given)
        _free(name, {**bases, **{other: base for base, paths in wanted.items() for other in paths}})
        path = folder.resolve(where)
        wanted.setdefault(_base_of(path, bases), {})[name] = path
    beside_them = {base: beside(bases[base][1], paths) for base, paths in wanted.items()}
    served: dict[str, Served] = {}
    for base, (_, model) in bases.items():
        worker = Worker(model.engine)
        served[base] = Served(name=base, model=model, worker=worker)
        for name, adapted in beside_them.get(base, {}).items():
            served[name] = Served(name=name, model=adapted, worker=worker, parent=base)
    return served


def _free(name: str, taken: Mapping[str, object]) -> None:
    if name in taken:
        raise ServeError(f"two models would be called {name!r}. Give one another name: OTHER=FOLDER.")


def _open(
    path: Path, device: str | None, weights: Computed | None, cache: float | None, draft: Sequence[str]
) -> FolderModel:
    model = open_folder(path, device=device, weights=weights)
    if model.engine.model.config.outputs == "score":
        raise ServeError(f"{path} is a reward model: it scores answers and says nothing. Serve a chat or a base model.")
    if cache is not None:
        reader = model.engine.reader
        reader.blocks = default_blocks(reader.model.config, reader.dtype, cache * 1e6)
        model.engine.forget()
    if draft:
        model.engine.draft(made(model.engine, draft))
    return model


def _base_of(path: Path, bases: Mapping[str, tuple[Path, FolderModel]]) -> str:
    from onward.model import adapters  # peft, and with it transformers, is slow to import

    if not folder.is_adapter(path):
        raise ServeError(f"{path} is no adapter's folder. Give it without --adapter if it is a model.")
    if len(bases) == 1:
        return next(iter(bases))
    base = adapters.base_of(path).resolve()
    for name, (place, _) in bases.items():
        if place.resolve() == base:
            return name
    raise ServeError(f"{path} is an adapter of {base}, which is not served. Name that folder too.")
