"""Files and folders that are whole or not there: written beside, then renamed into place.

Left out: locking. Two commands writing the same output at once are both refused or the later rename wins; neither leaves half a folder.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from onward.errors import FolderError, OutputError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing `path` into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise OutputError(_why(path, error)) from error


def _why(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left for {path}. Free some, or choose another place with -o; nothing that was there is lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission to write {path}. Choose another place with -o, or change its rights."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{error.filename or path} is a file, and a folder is needed there. Choose another place with -o."
    return f"cannot write {path}: {error.strerror or error}."


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader sees the old bytes or the new ones, never a part, also after a crash."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add a line of JSON to a file and wait until it is on the disk. A crash leaves it out, or half of it: see `whole_lines`."""
    line = json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
    with explained(path), path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file, none where there is no file; a last one that was not finished is taken away from it."""
    data = path.read_bytes() if path.exists() else b""
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return data[:whole].split(b"\n")[:-1]


def write_json(path: Path, value: Any) -> None:
    """As UTF-8. What is no character, as in a file name that is not UTF-8, is written as JSON's own escape, and comes back."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"))


COPY_AGAIN = "Copy it again from the original."
BEGIN_ANEW = "Begin anew with --force."


def read_json(path: Path, mend: str) -> dict[str, Any]:
    """A JSON object from a file.   Raises FolderError with `mend`, what to do about it, where the file is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FolderError(f"{path} cannot be read ({error}). {mend}") from error
    if not isinstance(value, dict):
        raise FolderError(f"{path} holds no JSON object. {mend}")
    return value


@contextmanager
def new_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """A folder that appears whole: fill the one given, and it takes the name `path` at the end, or vanishes on an error.

    An existing `path` is refused unless `force`, which replaces it at the end and not before.
    """
    with explained(path):
        _sweep(path)
    check_free(path, force=force)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
    try:
        with explained(path):
            yield beside
            _sync(beside)
            _swap(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sweep(path: Path) -> None:
    """Mend what processes that were killed have left beside `path`: a folder that stood aside comes back if nothing has taken its
    place, and what was only begun goes."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        number, _, kind = left.name.removeprefix(f".{path.name}.").partition(".")
        if (
            number.isdecimal()
            and kind in ("partial", "old")
            and (int(number) == os.getpid() or not _alive(int(number)))
        ):
            if kind == "old" and not path.exists():
                left.rename(path)
            remove(left)


def remove(path: Path) -> None:
    """Take away a file, a folder, or a link and not what it leads to; one that is not there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_whole(path: Path) -> None:
    """Take away a folder that nobody shall see half gone: it loses its name before it loses its parts."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    path.rename(beside)
    remove(beside)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


MARKS = ("onward.json", "onward-request.json")
"""Files that Onward puts into the folders it makes. Only a folder with one of them is ever replaced."""


def check_free(path: Path, *, force: bool, marks: Iterable[str] = MARKS) -> None:
    """Raise OutputError unless `path` may be written: it is not there, or `force` says to replace what Onward itself has made.

    That is an empty folder, or one with one of the `marks`; a file, a link that leads nowhere or a device never is.
    """
    check_name(path)
    if not os.path.lexists(path):
        return
    if not force:
        raise OutputError(f"{path} exists already. Choose another place with -o, or replace it with --force.")
    if not path.is_dir():
        raise OutputError(
            f"{path} is no folder that Onward made, so --force leaves it alone. Choose another place with -o."
        )
    if any(path.iterdir()) and not any((path / mark).exists() for mark in marks):
        raise OutputError(f"{path} was not made by Onward, so --force leaves it alone. Choose another place with -o.")


def check_name(path: Path) -> None:
    """Raise OutputError unless `path` ends in a name, as a folder made beside its place and renamed needs, and one that is UTF-8."""
    if path.name in ("", ".."):
        raise OutputError(f"-o {path}: give the folder a name of its own, as in -o {path / 'mine'}.")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise OutputError(f"-o {path}: the name is not UTF-8. Choose another place with -o.") from error


def check_apart(out: Path, inputs: Iterable[Path]) -> None:
    """Raise OutputError where something that is to be read lies inside `out`: what is written there could take its place."""
    place = out.resolve()
    for path in inputs:
        if any(one.is_relative_to(place) for one in (path.resolve(), path.parent.resolve() / path.name)):
            raise OutputError(
                f"{path} is to be read, and lies inside {out}, which is to be written. Choose another place with -o."
            )


def _sync(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _swap(beside: Path, path: Path) -> None:
    """Put `beside` in the place of `path`; the old folder stands aside until the new one has its name, and comes back if it cannot."""
    if not path.exists():
        beside.rename(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.rename(old)
    try:
        beside.rename(path)
    except BaseException:
        if not path.exists():
            old.rename(path)
        raise
    remove(old)


def size_below(folder: Path) -> int:
    """Bytes of all files in a folder and below; what goes away meanwhile counts nothing."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_size
    return total


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
