"""Where a run comes from, as a tree: each stage, what it was made from, and what those were made from; and the commands, in order.

Parents stand in a stage's lineage, teachers and the base of an adapter among them. What made the data (a cleaning, the world, a teacher's
answers) is in a lineage beside the data or above it, and is found as long as the file lies there, as large as it was. Left out: reading
the data again to compare hashes, which may be many gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onward import lineage
from onward.lineage import Lineage
from onward.report.stage import Stage

ABOVE = 2
"""So many folders above a file may hold the lineage that it belongs to."""


@dataclass(frozen=True)
class Made:
    """A folder or file, and what it was made from.   known: it stands further up already, with what it was made from."""

    name: str
    history: Lineage
    sources: Sequence[Made]
    known: bool = False


def tree(stages: Sequence[Stage]) -> list[Made]:
    """The stages that no other was made from, with all that they were made from."""
    used = {_key(parent) for stage in stages for parent in _ancestors(stage.history)}
    ends = [stage for stage in stages if _key(stage.history) not in used]
    seen: set[tuple[str, str, str]] = set()
    return [_made(stage.history, stage.name, stage.folder.parent, seen) for stage in ends or stages]


def commands(roots: Sequence[Made]) -> list[str]:
    """Each once, those first whose work the others need."""
    return list(dict.fromkeys(made.history.command for made in walk(roots) if made.history.command))


def walk(roots: Sequence[Made]) -> Iterator[Made]:
    """Everything once, each after what it was made from."""
    for made in roots:
        yield from walk(made.sources)
        if not made.known:
            yield made


def _ancestors(history: Lineage) -> Iterator[Lineage]:
    for parent in history.parents:
        yield parent
        yield from _ancestors(parent)


def _key(history: Lineage) -> tuple[str, str, str]:
    return history.verb, history.folder, history.date


def _made(history: Lineage, name: str, place: Path, seen: set[tuple[str, str, str]]) -> Made:
    """place: the folder that its own folder is in, today."""
    if _key(history) in seen:
        return Made(name, history, (), known=True)
    seen.add(_key(history))
    makers = [maker for source in history.data if (maker := _maker(source, history, place)) is not None]
    each = {_key(part): (part, where) for part, where in [*((parent, place) for parent in history.parents), *makers]}
    return Made(
        name,
        history,
        [_made(part, Path(part.folder).name or part.verb, where, seen) for part, where in each.values()],
    )


def _maker(source: dict[str, Any], history: Lineage, place: Path) -> tuple[Lineage, Path] | None:
    """The lineage of what a file of data belongs to, and the folder that this is in."""
    file = _found(Path(str(source["path"])), history, place)
    if not file.is_file() or file.stat().st_size != source.get("bytes"):
        return None
    if (found := lineage.read_beside(file)) is not None:
        return found, file.parent
    for folder in list(file.parents)[:ABOVE]:
        if (found := lineage.read(folder)) is not None:
            return replace(found, folder=found.folder or str(folder)), folder.parent
    return None


def _found(path: Path, history: Lineage, place: Path) -> Path:
    """Where a path of a lineage is now: what is made together is moved together."""
    before = Path(history.folder).parent
    if history.folder and path.is_relative_to(before) and (moved := place / path.relative_to(before)).is_file():
        return moved
    return path
