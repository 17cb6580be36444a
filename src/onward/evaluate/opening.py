"""Opens a suite: by the name of one that is built in (builtin/), or by the path of a file or folder.

A file is YAML or JSON Lines that anybody can write (readers.py), a game (games/reading.py), or one that `onward world` wrote; a folder is
one of CSV tables as MMLU's; a zip, or a text with a trace beside it, is ToMi (tomi.py).
Left out: suites on the hub; their tables are opened as files.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from onward.errors import SuiteError
from onward.evaluate import readers, tomi
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
    return replace(found, name=f"{found.name}-{most}", items=_some(found, most))


def _some(suite: Suite, most: int) -> list[Item]:
    """Drawn one by one; but where what counts is made of several, with all of their group.   Raises SuiteError."""
    random = Random(suite.name)
    if not suite.counted:
        return [suite.items[place] for place in sorted(random.sample(range(len(suite.items)), most))]
    groups = list(dict.fromkeys(item.cluster for item in suite.items))
    sizes = Counter(item.cluster for item in suite.items)
    kept = set[str]()
    for group in random.sample(groups, len(groups)):
        if sum(sizes[one] for one in kept) + sizes[group] <= most:
            kept.add(group)
    if not kept:
        raise SuiteError(f"--most {most}: {suite.name} has groups of {min(sizes.values())} items that belong together.")
    return [item for item in suite.items if item.cluster in kept]


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
    if path.suffix in tomi.SUFFIXES:
        return tomi.suite(path)
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
