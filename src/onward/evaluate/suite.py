"""A suite: items, and how they are put to a model. It is opened by the name of one that is built in, or by the path of a file or folder.

Built in are the world's own questions, as `world-hop` (worlds.py). A file is YAML or JSON Lines that anybody can write (readers.py), or
one that `onward world` wrote; a folder is one of CSV tables as MMLU's. Left out: suites with machinery of their own, as games.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from onward.errors import SuiteError
from onward.evaluate import readers, worlds
from onward.evaluate.items import CHOICE, Item

TOKENS = 64
"""Of an answer, at most, where the suite says nothing else."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """name: what its results are called.   examples: items that are shown with their answers before an item is asked, by its kind; those
    under "" are shown with any.   max_tokens: of an answer."""

    name: str
    items: Sequence[Item]
    about: str = ""
    max_tokens: int = TOKENS
    examples: Mapping[str, Sequence[Item]] = field(default_factory=dict)

    @property
    def chooses(self) -> bool:
        """Whether every item is a choice between options."""
        return all(item.rule == CHOICE for item in self.items)

    @property
    def chance(self) -> float | None:
        """What a guess gets, where it is known of every item."""
        known = [item.chance for item in self.items if item.chance is not None]
        return sum(known) / len(known) if known and len(known) == len(self.items) else None

    def shown(self, item: Item, shots: int) -> Sequence[Item]:
        """So many examples of its kind, always the same ones.   Raises SuiteError where there are fewer."""
        found = self.examples.get(item.kind) or self.examples.get("", ())
        if len(found) < shots:
            what = f" of {item.kind!r}" if item.kind else ""
            raise SuiteError(f"--shots {shots}: {self.name} has {len(found)} examples{what}. Ask for at most so many.")
        return found[:shots]


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
    if name in worlds.NAMES:
        return Suite(name=name, items=worlds.items(name), max_tokens=worlds.TOKENS, about=worlds.ABOUT)
    if not path.exists():
        near = difflib.get_close_matches(name, worlds.NAMES, n=3)
        raise SuiteError(
            f"--suite {name}: there is no such file, and no such suite. "
            + (f"Do you mean {' or '.join(near)}?" if near else f"Built in are: {', '.join(worlds.NAMES)}.")
        )
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
