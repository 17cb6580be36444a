"""`OUT.training/`: everything of an unfinished training, beside the folder that it will become.

It holds the request that began it, so that the same command goes on and another one is refused; the parts already made (tokeniser,
shards, plan), the checkpoints and the metrics. When the model folder is whole, it goes.
"""

from __future__ import annotations

import fcntl
import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from onward.errors import OutputError
from onward.files import BEGIN_ANEW, check_apart, check_free, check_name, explained, read_json, remove_whole, write_json
from onward.train import aside, processes
from onward.train.aside import REQUEST

CHECKPOINTS = "checkpoints"


class Workspace:
    """Open or begin the workspace of `out`; in a `with`, it is held for this process until its end, also after an error.

    Raises OutputError where `out`, or another request's workspace, is in the way.

    parts: a folder for tokenisers and shards that outlives the workspace, because other stages of a road need them too.
    """

    def __init__(self, out: Path, request: dict[str, Any], *, force: bool = False, parts: Path | None = None) -> None:
        self.out = out
        self.folder = out.with_name(out.name + ".training")
        self.parts = parts or self.folder
        self.force = force
        self._lock: IO[str] | None = None  # of several processes, only the first holds it
        processes.by_first(lambda: self._open(request))

    def _open(self, request: dict[str, Any]) -> None:
        check_free(self.out, force=self.force)
        check_apart(self.out, _inputs(request))
        self._lock = claim(self.folder, request, force=self.force, worth=(f"{CHECKPOINTS}/step-*",))
        weakref.finalize(self, self._lock.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it. A start that was refused before anything was made leaves nothing behind."""
        if self._lock is None or self._lock.closed:
            return
        if self.folder.is_dir() and [path.name for path in self.folder.iterdir()] == [REQUEST]:
            remove_whole(self.folder)
        self._lock.close()

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
        return processes.by_first(lambda: read_json(path, BEGIN_ANEW))

    def finish(self) -> None:
        """Let it go, whole."""
        if self._lock is not None:
            self._lock.close()
        remove_whole(self.folder)


def claim(
    folder: Path,
    request: dict[str, Any],
    *,
    force: bool,
    worth: Sequence[str],
    made: Sequence[str] = ("*",),
    inputs: Iterable[Path] = (),
) -> IO[str]:
    """Begin `folder` with its request; or, if it is there, see that it was begun with the same one. It is held for this process until
    what is returned is closed.

    `force` begins it anew: what matches a pattern of `made` goes, and if some of it matches one of `worth`, it only stands aside
    (aside.py) until the new run is whole. So does another request, if nothing of worth is in it. Anything else in the folder stays.
    inputs: what will be read besides the sources that the request names; nothing of it may lie inside.
    """
    check_apart(folder, [*inputs, *_inputs(request)])
    if (folder / aside.BEFORE).exists():
        _check_idle(folder)
        aside.put_back(folder, made, worth)
    if not goes_on(folder, request, force=force, worth=worth):
        _check_idle(folder)
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            aside.clear(folder, made, keep=aside.anything(folder, worth))
        write_json(folder / REQUEST, request)
    return _locked(folder)


@contextmanager
def claimed(
    folder: Path,
    request: dict[str, Any],
    *,
    force: bool,
    worth: Sequence[str],
    made: Sequence[str],
    inputs: Iterable[Path] = (),
) -> Iterator[None]:
    """`claim`, for a `with`: what stood aside goes at the end, or comes back if the run failed before it had anything of worth."""
    lock = claim(folder, request, force=force, worth=worth, made=made, inputs=inputs)
    try:
        yield
        aside.forget(folder)
    except BaseException:
        aside.put_back(folder, made, worth)
        raise
    finally:
        lock.close()


def goes_on(folder: Path, request: dict[str, Any], *, force: bool, worth: Sequence[str]) -> bool:
    """Whether `folder` was begun with this request, and goes on.   Raises OutputError where it may not be begun anew either."""
    check_name(folder)
    file = folder / REQUEST
    if file.exists() and not force:
        now = json.loads(json.dumps(request))  # as it was read back: tuples become lists
        change = _change(read_json(file, BEGIN_ANEW), now)
        if change is not None and aside.anything(folder, worth):
            raise OutputError(
                f"{folder} holds another run: {change}. Go on with the command that began it, or begin anew with --force."
            )
        return change is None
    on_its_way = (folder / aside.BEFORE).exists()  # a start was killed while it made room: `claim` puts that back
    if folder.exists() and not on_its_way and not (folder.is_dir() and not any(folder.iterdir())):
        check_free(folder, force=force, marks=(REQUEST,))
    return False


def _inputs(request: dict[str, Any]) -> Iterator[Path]:
    """The files among the sources that a request names (`sources_of`, `sources_of_texts`); a data set elsewhere is none."""
    for value in request.values():
        for source in value if isinstance(value, list) else []:
            if isinstance(source, dict) and "sha256" in source:
                yield Path(source["path"])


def _check_idle(folder: Path) -> None:
    """Refused while another process is at work in the folder, --force or not."""
    if (folder / REQUEST).exists():
        _locked(folder).close()


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
