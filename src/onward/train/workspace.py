"""`OUT.training/`: everything of an unfinished training, beside the folder that it will become.

It holds the request that began it, so that the same command goes on and another one is refused; the parts already made (tokeniser,
shards, plan), the checkpoints and the metrics. When the model folder is whole, it goes.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from onward.errors import FolderError, OutputError
from onward.files import check_free, explained, remove, write_json
from onward.train import processes

REQUEST = "onward-request.json"
CHECKPOINTS = "checkpoints"


class Workspace:
    """Open or begin the workspace of `out`.   Raises OutputError where `out`, or another request's workspace, is in the way.

    parts: a folder for tokenisers and shards that outlives the workspace, because other stages of a road need them too.
    """

    def __init__(self, out: Path, request: dict[str, Any], *, force: bool = False, parts: Path | None = None) -> None:
        self.out = out
        self.folder = out.with_name(out.name + ".training")
        self.parts = parts or self.folder
        self.force = force
        processes.by_first(lambda: self._open(request))

    def _open(self, request: dict[str, Any]) -> None:
        check_free(self.out, force=self.force)
        claim(self.folder, request, force=self.force, worth=(f"{CHECKPOINTS}/step-*",))
        self._lock = _locked(self.folder)
        weakref.finalize(self, self._lock.close)

    def part(self, name: str, make: Callable[[Path], Any]) -> Path:
        """The part called `name`, made by `make(path)` if it is not there yet. `make` must write it whole or not at all."""
        path = self.parts / name

        def make_once() -> None:
            if not path.exists():
                make(path)

        processes.by_first(make_once)
        return path

    def once(self, name: str, decide: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A decision, as JSON, taken the first time and kept for every further start. Several processes decide together."""
        path = self.folder / name
        if not processes.by_first(path.exists):
            decided = decide()
            processes.by_first(lambda: write_json(path, decided))
        return processes.by_first(lambda: _read(path))

    def finish(self) -> None:
        """Let it go, whole: it loses its name before it loses its parts."""
        self._lock.close()
        beside = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.partial")
        self.folder.rename(beside)
        remove(beside)


def claim(folder: Path, request: dict[str, Any], *, force: bool, worth: tuple[str, ...]) -> None:
    """Begin `folder` with its request; or, if it is there, see that it was begun with the same one.

    `force` begins it anew. So does another request, if nothing is in it that matches a pattern of `worth`: nothing is lost then.
    A folder that Onward has not begun is never touched.
    """
    request = json.loads(json.dumps(request))  # as it will be read back: tuples become lists
    file = folder / REQUEST
    if file.exists() and not force:
        change = _change(_read(file), request)
        if change is None:
            return
        if any(any(folder.glob(pattern)) for pattern in worth):
            raise OutputError(
                f"{folder} holds another run: {change}. Go on with the command that began it, or begin anew with --force."
            )
    elif folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        check_free(folder, force=force)
    if file.exists():
        _locked(folder).close()  # refused while another process is at work in it, --force or not
    with explained(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    write_json(file, request)


def _locked(folder: Path) -> IO[str]:
    """Hold the folder for this process: the system lets it go when the process ends, however it ends."""
    file = (folder / REQUEST).open(encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise OutputError(
            f"{folder} is in use: the same training is running already. Wait for it, or stop it."
        ) from error
    return file


def _change(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """The first difference between two requests, in words; None where there is none."""
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            return f"its {name} was {_short(before.get(name))} and is now {_short(now.get(name))}"
    return None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FolderError(f"{path} cannot be read ({error}). Begin anew with --force.") from error
    if not isinstance(value, dict):
        raise FolderError(f"{path} holds no object. Begin anew with --force.")
    return value
