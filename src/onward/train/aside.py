"""What a run replaces stands aside, inside the folder itself, until the new run is whole: a start that fails takes nothing away.

A kill may come between any two steps. The request (a file that every run folder and workspace has) goes aside last and comes back first:
without it, what stands aside is on its way, and is put back. Left out: more than one generation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onward.files import remove, remove_whole

REQUEST = "onward-request.json"
BEFORE = ".before"


def clear(folder: Path, made: Sequence[str], *, keep: bool) -> None:
    """Make room for a new run. What matches a pattern of `made` goes; with `keep` it stands aside, unless something does already.
    Anything else in the folder stays."""
    aside = folder / BEFORE
    if not keep or aside.exists():
        _remove(folder, made)
        return
    aside.mkdir()
    for path in _matching(folder, made):
        path.rename(aside / path.name)
    (folder / REQUEST).rename(aside / REQUEST)


def put_back(folder: Path, made: Sequence[str], worth: Sequence[str]) -> None:
    """Undo `clear`, if the new run has nothing yet that matches a pattern of `worth`."""
    aside = folder / BEFORE
    if not aside.exists():
        return
    if (aside / REQUEST).exists():
        if anything(folder, worth):
            return
        _remove(folder, made)
        (aside / REQUEST).rename(folder / REQUEST)
    for path in list(aside.iterdir()):
        path.rename(folder / path.name)
    aside.rmdir()


def forget(folder: Path) -> None:
    """The new run is whole: what stood aside goes."""
    if (folder / BEFORE).exists():
        remove_whole(folder / BEFORE)


def anything(folder: Path, patterns: Sequence[str]) -> bool:
    return any(any(folder.glob(pattern)) for pattern in patterns)


def _remove(folder: Path, made: Sequence[str]) -> None:
    for path in _matching(folder, made):
        remove(path)
    (folder / REQUEST).unlink(missing_ok=True)


def _matching(folder: Path, made: Sequence[str]) -> list[Path]:
    found = {path for pattern in made for path in folder.glob(pattern)}
    return sorted(found - {folder / REQUEST, folder / BEFORE})
