"""The runs and models that there are, by the names under which the page knows them.

Names come from the folders that were given when the studio was started, and a browser's name is looked up among them, so no text from a
browser ever becomes a path. Left out: opening models (shelf.py), and folders on the hub, which are no runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from onward import lineage
from onward.corpus.read import KINDS
from onward.corpus.read import kind as file_kind
from onward.errors import FolderError, OnwardError
from onward.generate.stages import STAGES
from onward.lineage import Lineage
from onward.model import folder
from onward.report.page import CLEANED
from onward.train.callbacks import last_metrics, read_metrics

T = TypeVar("T")
RUNS = Path("runs")
"""Where runs are looked for, and built, if nothing else is said."""
RANKINGS = "rankings.jsonl"
"""The file of those that are made here, in the folder for what people do here."""
RANKED = f"ranked here ({RANKINGS})"
MOST_FILES, DEEPEST = 400, 5
"""Of data that are listed, and how far below a given folder they are looked for."""
NO_DATA = ("metrics.jsonl", "said.jsonl", "samples.jsonl", "held_out.jsonl")
"""What a training notes about itself."""


@dataclass(frozen=True)
class Stage:
    """One model folder: its name on the page, and whether one can talk to it."""

    name: str
    path: Path
    talks: bool

    def history(self) -> Lineage:
        """What is known of it; of one that is damaged, that it is."""
        try:
            return lineage.of(self.path)
        except OnwardError as error:
            return Lineage(verb=f"unreadable: {error}", folder=str(self.path))

    def metrics(self) -> list[dict[str, float]]:
        try:
            return read_metrics(self.path / "metrics.jsonl")
        except (OnwardError, OSError):
            return []

    def reached(self) -> dict[str, float] | None:
        """The last of the metrics."""
        try:
            return last_metrics(self.path / "metrics.jsonl")
        except (OnwardError, OSError):
            return None


@dataclass(frozen=True)
class Run:
    """A run folder with its stages, or a model folder that stands alone."""

    name: str
    path: Path
    stages: list[Stage] = field(default_factory=list)

    def page(self, stage: str | None = None) -> Path | None:
        """Its report, or a stage's own, where there is one."""
        inside = self.path if stage is None else self.path / stage
        known = stage is None or any(one.path == inside for one in self.stages)
        file = inside / "report.html"
        return file if known and file.is_file() and not file.is_symlink() else None


class Places:
    """given: run folders, folders of runs or of texts, model folders, and addresses of models elsewhere; nothing: ./runs.
    rankings: the file of those that are made here."""

    def __init__(self, given: Sequence[str], rankings: Path | None = None) -> None:
        self.rankings = rankings
        self.addresses = [one for one in given if one.startswith(("http://", "https://"))]
        self.roots = [Path(one) for one in given if one not in self.addresses]
        if not given:
            self.roots = [RUNS]
        for root in self.roots:
            if given and not root.is_dir():
                raise FolderError(f"{root} is no folder. Give run folders, model folders, or http://host:port/v1.")

    @property
    def new(self) -> Path:
        """Where runs are built: the first folder of runs, else beside the first run; never among somebody's texts."""
        for root in self.roots:
            if not _is_run(root) and not _is_model(root) and (_runs_in(root) or not _has_texts(root)):
                return root
        return next((root.resolve().parent for root in self.roots if _is_run(root) or _is_model(root)), RUNS)

    def runs(self) -> list[Run]:
        """All that is there now, by name; of two folders with one name, the second is called NAME (2)."""
        found: dict[str, Run] = {}
        for path in [path for root in self.roots for path in _runs_in(root)]:
            own = printable(Path(os.path.abspath(path)).name)  # a link has a name of its own
            name, again = own, 2
            while name in found and found[name].path.resolve() != path.resolve():
                name, again = f"{own} ({again})", again + 1
            found.setdefault(name, Run(name, path, _stages(name, path)))
        return list(found.values())

    def run(self, name: str) -> Run:
        """Raises FolderError for a name that is none of these."""
        return _named(name, {run.name: run for run in self.runs()}, "run")

    def stages(self) -> dict[str, Stage]:
        return {stage.name: stage for run in self.runs() for stage in run.stages}

    def stage(self, name: str) -> Stage:
        return _named(name, self.stages(), "model")

    def data(self) -> dict[str, Path]:
        """Files of texts, conversations and preferences, by name: those in the given folders, what runs have made of them, and the rankings
        that were made here."""
        found: dict[str, Path] = {}
        for root in self.roots:
            before = f"{Path(os.path.abspath(root)).name}/" if len(self.roots) > 1 else ""
            for path in _files(root):
                found.setdefault(printable(f"{before}{path.relative_to(root)}"), path)
        if self.rankings is not None and self.rankings.is_file():
            found[RANKED] = self.rankings
        return found

    def file(self, name: str) -> Path:
        return _named(name, self.data(), "file of data")

    def cleanings(self) -> dict[str, Path]:
        """Folders that `onward clean` or a road made, by name."""
        there = [(path.name or str(path), path) for root in self.roots for path in (root, *_inside(root))]
        there += [(f"{run.name}/{CLEANED}", run.path / CLEANED) for run in self.runs()]
        return {
            printable(name): path
            for name, path in there
            if (path / "report.json").is_file() and (path / "clean").is_dir()
        }

    def cleaning(self, name: str) -> Path:
        return _named(name, self.cleanings(), "cleaning")

    def talking(self) -> list[str]:
        """What one can talk to: stages, the furthest of the first run first, and addresses."""
        return [
            *(stage.name for run in self.runs() for stage in reversed(run.stages) if stage.talks),
            *self.addresses,
        ]


def printable(text: str) -> str:
    """As a page can hold it: file names, and what stands in files, need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def _named(name: str, among: dict[str, T], kind: str) -> T:
    if name not in among:
        raise FolderError(f"there is no {kind} {name!r} here; there are: {', '.join(among) or 'none'}.")
    return among[name]


def _is_model(path: Path) -> bool:
    return (path / folder.CONFIG).is_file() or folder.is_adapter(path)


def _is_run(path: Path) -> bool:
    return any(_is_model(inside) for inside in _inside(path))


def _inside(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError:
        return []


def _runs_in(root: Path) -> list[Path]:
    if _is_model(root) or _is_run(root):
        return [root]
    return [path for path in _inside(root) if _is_model(path) or _is_run(path)]


def _files(root: Path) -> list[Path]:
    """Files of data below a folder, by name; what lies under links is left out, for it may be anywhere."""
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        here = Path(place)
        deep = len(here.relative_to(root).parts) >= DEEPEST
        folders[:] = [] if deep else sorted(one for one in folders if not one.startswith(".") and one != "checkpoints")
        found += [
            here / name
            for name in sorted(names)
            if file_kind(here / name) in KINDS
            and name not in NO_DATA
            and not name.startswith(".")
            and not (here / name).is_symlink()
        ]
        if len(found) >= MOST_FILES:
            break
    return found[:MOST_FILES]


def _has_texts(root: Path) -> bool:
    """Whether files of data lie in it as such, and not only below a run that is being built."""
    return any(path.parent == root for path in _files(root))


def _stages(run: str, path: Path) -> list[Stage]:
    """In the order of the road."""
    if _is_model(path):
        return [Stage(run, path, _talks(path))]
    found = [one for one in _inside(path) if _is_model(one)]
    found.sort(key=lambda one: (STAGES.index(one.name) if one.name in STAGES else len(STAGES), one.name))
    return [Stage(printable(f"{run}/{one.name}"), one, _talks(one)) for one in found]


def _talks(path: Path) -> bool:
    """Whether it carries texts on: no encoder, and no judge of answers."""
    if folder.is_adapter(path):
        return True
    try:
        config = folder.read_config(path, outputs=None)[1]
    except OnwardError:
        return False
    return config.causal and config.outputs != "score"
