"""Where a folder came from: `onward.json`, the lineage that every model folder carries.

Parent, verb, plan, seeds, data hashes, versions, measured results. Left out: how anything was made; a lineage only says what was done.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from onward.errors import FolderError
from onward.files import write_json

FILE = "onward.json"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measurement, with all that is needed to believe or repeat it."""

    suite: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    seeds: list[int] | None = None
    chance: float | None = None
    baseline: float | None = None
    command: str = ""
    date: str = ""


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The history of one folder. `parents` holds the whole lineage of each folder it was made from, so a tree can be drawn
    though the parents are long gone.   about: what a model that talks can talk about.   try_asking: questions to begin with."""

    verb: str
    command: str = ""
    date: str = ""
    seed: int | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    data: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    parents: list[Lineage] = field(default_factory=list)
    folder: str = ""
    about: str = ""
    try_asking: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Lineage:
        """Fields of a later version are passed over, so that an older Onward can still show what it knows. TypeError for values of
        another type than a field has."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        results = [{k: v for k, v in r.items() if k in Result.__dataclass_fields__} for r in known.get("results", [])]
        _check_types(Lineage, known | {"results": [], "parents": []})
        for result in results:
            _check_types(Result, result)
        known["results"] = [Result(**result) for result in results]
        known["parents"] = [cls.from_json(parent) for parent in known.get("parents", [])]
        return cls(**known)


def _check_types(kind: type, values: dict[str, Any]) -> None:
    hints = _hints(kind)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise TypeError(f"{name} is {json.dumps(value)[:60]}")
    if not all("path" in source for source in values.get("data", [])):
        raise TypeError("data has no path")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value out of JSON has the type: a plain one, a list, a dictionary, or one of several."""
    if kind is Any:
        return True
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(one, get_args(kind)[0]) for one in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(one, get_args(kind)[1]) for one in value.values())
    return isinstance(value, int | float if kind is float else kind)


def versions() -> dict[str, str]:
    """The versions that decide a result: Python, Onward and the libraries that compute."""
    names = ("onward", "torch", "tokenizers", "numpy")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def command_line() -> str:
    """The command being run, as it can be typed again."""
    import shlex

    name = Path(sys.argv[0]).name
    return shlex.join(
        ["onward" if name == "__main__.py" else name, *sys.argv[1:]]
    )  # `python -m onward` is the same command


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(folder: Path) -> Lineage | None:
    """The lineage of a folder; None where there is none, as in a folder made by other tools."""
    return _read(folder / FILE)


def read_beside(file: Path) -> Lineage | None:
    """The lineage of a single file; None where there is none."""
    return _read(beside(file))


def _read(path: Path) -> Lineage | None:
    if not path.exists():
        return None
    try:
        return Lineage.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise FolderError(
            f"{path} is not a lineage that Onward can read ({error}). Put back the original; or remove it, "
            "and the folder opens without its history."
        ) from error


def of(folder: Path) -> Lineage:
    """The lineage of a folder; of one that has none, that it is from elsewhere."""
    return read(folder) or Lineage(verb="from elsewhere", folder=str(folder))


def write(folder: Path, lineage: Lineage) -> None:
    write_json(folder / FILE, lineage.to_json())


def beside(file: Path) -> Path:
    """Where the lineage of a single file lies: FILE.onward.json."""
    return file.with_name(f"{file.name}.{FILE}")


def add_results(folder: Path, results: list[Result]) -> None:
    """Put measurements into the lineage of the folder that was measured; an older one of the same suite and metric goes."""
    history = of(folder)
    new = {(result.suite, result.metric) for result in results}
    kept = [result for result in history.results if (result.suite, result.metric) not in new]
    write(folder, replace(history, results=kept + results))


def introduce(folder: Path, about: str, try_asking: list[str]) -> None:
    """Say in a model's lineage what it can talk about, for whoever opens a chat with it."""
    history = of(folder)
    write(folder, replace(history, about=about, try_asking=try_asking))
