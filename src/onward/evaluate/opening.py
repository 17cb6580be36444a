"""Opens a suite: by the name of one that is built in (builtin/), or by the path of a file or folder.

A file is YAML or JSON Lines that anybody can write (readers.py), a game (games/reading.py), or one that `onward world` wrote; a folder is
one of CSV tables as MMLU's.
Left out: suites on the hub; their tables are opened as files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from onward.errors import SuiteError
from onward.evaluate import readers
from onward.evaluate.builtin import BUILT_IN, games
from onward.evaluate.games.reading import SUFFIXES
from onward.evaluate.items import Item
from onward.evaluate.suite import TOKENS, Suite


def open_suite(name: str, most: int | None = None) -> Suite:
    """most: so many items at most, drawn from all, always the same ones.   Raises SuiteError."""
    found = _opened(name)
    if not found.items:
        raise SuiteError(f"{name} has no items.")
    twice = _twice(found.items)
    if twice is not None:
        raise SuiteError(f"{name}: two items have the id {twice!r}. Give each its own, or none.")
    if most is not None and most < 1:
        raise SuiteError(f"--most {most}: at least one item is wanted.")
    if most is None or most >= len(found.items):
        return found
    kept = sorted(Random(found.name).sample(range(len(found.items)), most))
    return replace(found, name=f"{found.name}-{most}", items=[found.items[place] for place in kept])


def _opened(name: str) -> Suite:
    path = Path(name)
    if name in BUILT_IN:
        return BUILT_IN[name]()
    if not path.exists():
        near = difflib.get_close_matches(name, BUILT_IN, n=3)
        raise SuiteError(
            f"--suite {name}: there is no such file, and no such suite. "
            + (f"Do you mean {' or '.join(near)}?" if near else f"Built in are: {', '.join(BUILT_IN)}.")
        )
    if path.name.endswith(SUFFIXES):
        return games.one(path)
    if path.is_dir() or path.suffix == ".csv":
        items, examples = readers.tables(path)
        return Suite(name=_called(path), items=items, examples=examples)
    read = readers.yaml_file(path) if path.suffix in (".yaml", ".yml") else readers.Read(readers.lines(path))
    return Suite(
        name=read.name or _called(path),
        items=read.items,
        about=read.about,
        max_tokens=read.max_tokens or TOKENS,
        examples={"": read.examples} if read.examples else {},
    )


def _called(path: Path) -> str:
    return re.sub(r"[^\w.-]+", "-", path.resolve().stem) or "suite"


def _twice(items: Sequence[Item]) -> str | None:
    seen = set[str]()
    for item in items:
        if item.id in seen:
            return item.id
        seen.add(item.id)
    return None
