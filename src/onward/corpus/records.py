"""What readers of conversations and of preferences have in common: files of records, each in a format that its first record tells.

.jsonl (also .gz and .zst) or a .json list, or a folder of these. A record that cannot be used stops the reading, or is left out and
counted. Left out: what the formats are (chats.py, preferences.py), and texts, which need none (read.py).
"""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from onward.corpus.read import (
    BYTE_ORDER_MARK,
    BadLines,
    RecordError,
    fields_of,
    files_below,
    json_lines,
    kind,
    look_at,
    parse_json,
    read_bytes,
)
from onward.errors import BadLine, DataError

KINDS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json")
LONGEST_LIST = 2**30  # bytes; a .json list is held in memory, and a larger one should be JSON Lines

Item = TypeVar("Item")


class Records(ABC, Generic[Item]):
    """What the records of a file, or of all files in a folder, stand for; can be gone through again and again.

    formats: of each file, in words.   After going through: `read` items, and `skipped` records left out as bad.
    """

    one: ClassVar[str]
    """What a record is, for messages; its plural ends in s."""
    known: ClassVar[str]
    """The formats there are, for messages."""

    def __init__(self, path: Path, skip_bad: bool, on_skip: Callable[[BadLine], None] | None) -> None:
        self.path, self._skip_bad, self._on_skip = path, skip_bad, on_skip
        self.read = 0
        self._bad = BadLines(skip_bad)
        self.formats = {file: self._detect(file) for file in record_files(path, self.one)}

    @abstractmethod
    def _format_of(self, record: Any) -> str | None:
        """In words; None for what is in no known format."""

    @abstractmethod
    def _item(self, record: Any, format: str, source: str, number: int) -> Item | None:
        """What a record in this format stands for; None to pass over it. Raises RecordError."""

    @property
    def format(self) -> str:
        """In words; of several formats, all of them."""
        return " and ".join(dict.fromkeys(self.formats.values()))

    @property
    def skipped(self) -> int:
        return self._bad.count

    def __iter__(self) -> Iterator[Item]:
        self.read = 0
        self._bad = bad = BadLines(self._skip_bad, self._on_skip)
        for file, begun_as in self.formats.items():
            for number, record in _records(file, self.one, bad):
                try:
                    if (found := self._format_of(record)) != begun_as:
                        raise RecordError(f"the file began as {begun_as}, and this is {found or f'no {self.one}'}")
                    item = self._item(record, found, str(file), number)
                except RecordError as error:
                    bad(file, number, str(error))
                    continue
                except RecursionError:  # what is quoted in a message may be nested as deeply as can just be read
                    bad(file, number, "nested too deeply")
                    continue
                if item is not None:
                    self.read += 1
                    yield item
        if not self.read:
            raise DataError(f"{self.path} holds no {self.one} that can be used ({self._left_out()}).")

    def _left_out(self) -> str:
        return f"{self.skipped:,} left out as bad"

    def _detect(self, file: Path) -> str:
        first = None
        for _, record in _records(file, self.one, BadLines(self._skip_bad)):
            if (found := self._format_of(record)) is not None:
                return found
            first = record if first is None else first
            if not self._skip_bad:
                break
        if first is None:
            raise DataError(f"{file} holds no records. Give a file with a {self.one} on each line.")
        there = fields_of(first) if isinstance(first, dict) else "no fields"
        raise DataError(f"{file}: not a format of {self.one}s (its first record has {there}). Known: {self.known}.")


def record_files(path: Path, one: str) -> list[Path]:
    """The files that records are read from: the one named, or all below a folder, sorted.   one: what a record is.   Raises DataError."""
    there = look_at(path)
    if stat.S_ISDIR(there.st_mode):
        return files_below(path, KINDS)
    if kind(path) not in KINDS:
        raise DataError(f"{path}: {one}s are read from {', '.join(KINDS)}, and not from this kind of file.")
    if there.st_size == 0:
        raise DataError(f"{path} is empty. Give a file with {one}s in it.")
    return [path]


def _records(path: Path, one: str, bad: BadLines) -> Iterator[tuple[int, Any]]:
    if kind(path) != ".json":
        return json_lines(path, bad)
    if path.stat().st_size > LONGEST_LIST:
        raise DataError(f"{path} is too long a list to be held in memory. Write it as JSON Lines, a record a line.")
    try:
        records = parse_json(b"".join(read_bytes(path)).removeprefix(BYTE_ORDER_MARK))
    except RecordError as error:
        raise DataError(f"{path}: {error}. If it has one record a line, end its name in .jsonl.") from error
    if not isinstance(records, list):
        raise DataError(f"{path} is JSON, but no list of {one}s. Put them into one list, or write JSON Lines.")
    return iter(enumerate(records, start=1))
