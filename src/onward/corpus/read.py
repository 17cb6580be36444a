"""Readers: files, folders and data sets in, documents out, one at a time, so that a corpus may be larger than memory.

.txt and .md (a line `<|endoftext|>` ends a document) and .jsonl (field "text"), each also as .gz and .zst; .parquet
(column "text"); folders of these; `hf:org/name` for Hugging Face data sets. All is UTF-8. Left out: guessing an
encoding (a wrong guess is noise that nobody sees), and cleaning: a text is passed on as it stands, but for the line
ends around a document in a text file, which belong to the file.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from onward import lineage
from onward.errors import BadLine, DataError

SEPARATOR = b"<|endoftext|>"
SEPARATOR_BYTES = len(SEPARATOR) + 3  # with the line end before it, and "\r\n" after it
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# After LONGEST_DOCUMENT a document is cut, so that memory stays flat: bytes in text files, else characters.
LONGEST_DOCUMENT = 8 * 2**20
LONGEST_LINE = 2**26  # bytes; a file with a longer line is not JSON Lines, and takes ten times as many to read
ROWS = 32  # of a Parquet file read together
CHUNK = 2**20
HEAD = 8192  # bytes at a file's beginning that show whether it is text

KINDS = (*(kind + packed for kind in (".txt", ".md", ".jsonl") for packed in ("", ".gz", ".zst")), ".parquet")
OTHER_FILES = {  # how files begin that are often taken for text, and what to do about each
    b"\x1f\x8b": "a gzip file. End its name in .gz",
    b"\x28\xb5\x2f\xfd": "a Zstandard file. End its name in .zst",
    b"PK\x03\x04": "a zip archive or an office document. Take the text out of it first",
    b"%PDF-": "a PDF. Take the text out of it first",
    b"PAR1": "a Parquet file. End its name in .parquet",
}
PASSED_OVER = ".onward-passed-over"
"""A file of this name in a folder says that its texts are not for learning: they were dropped. Given by name, they are read."""
UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True)
class Document:
    """A text and where it is from. `number` counts from 1 in its source: lines of JSON Lines, rows, or documents."""

    text: str
    source: str
    number: int


class RecordError(Exception):
    """Why a record cannot be used. Becomes a BadLine where the file and the line are known."""


@dataclass
class BadLines:
    """What becomes of lines that cannot be used: an error, or, with `skip_bad`, a count and a call of `on_skip`."""

    skip_bad: bool = False
    on_skip: Callable[[BadLine], None] | None = None
    count: int = 0

    def __call__(self, source: Path | str, number: int, why: str) -> None:
        bad = BadLine(source, number, why)
        if not self.skip_bad:
            raise bad
        self.count += 1
        if self.on_skip is not None:
            self.on_skip(bad)


def documents(
    sources: Sequence[str | Path], *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None
) -> Documents:
    """The documents of some sources, in their order: files, folders (sorted, with all below), `hf:org/name[:split]`.

    That everything is there and of a known kind is checked at once; contents are read as the documents are asked for.
    `skip_bad` leaves out documents that cannot be used, and calls `on_skip` with each. Raises DataError, one line.
    """
    return Documents(sources, BadLines(skip_bad, on_skip))


class Documents(Iterator[Document]):
    """An iterator that also counts: `read` documents so far, `empty` ones passed over, `skipped` ones left out."""

    def __init__(self, sources: Sequence[str | Path], bad: BadLines) -> None:
        self.read = self.empty = 0
        self._bad = bad
        self._sources = [str(s) for s in sources]
        self._places = [place for source in sources for place in _places(source)]
        self._documents = self._all()

    @property
    def skipped(self) -> int:
        return self._bad.count

    def __next__(self) -> Document:
        return next(self._documents)

    def _all(self) -> Iterator[Document]:
        for place in self._places:
            for number, text in _texts(place, self._bad):
                if not text or text.isspace():
                    self.empty += 1
                    continue
                for part in _parts(text):
                    self.read += 1
                    yield Document(part, str(place), number)
        if not self.read:
            raise DataError(
                f"no documents in {', '.join(self._sources) or 'an empty list of sources'} ({self.empty} empty, "
                f"{self.skipped} left out as bad). Give at least one text."
            )


def _parts(text: str) -> Iterator[str]:
    """A text as it is; or, longer than LONGEST_DOCUMENT, cut in the second half of each part as `_cut` does, nothing lost."""
    start = 0
    while len(text) - start > LONGEST_DOCUMENT:
        end = start + LONGEST_DOCUMENT
        for mark in ("\n\n", "\n", " "):
            if (at := text.rfind(mark, start + LONGEST_DOCUMENT // 2, end)) >= 0:
                end = at + len(mark)
                break
        yield text[start:end]
        start = end
    yield text[start:]


def files(sources: Sequence[str | Path]) -> list[Path]:
    """The files that sources stand for, in the order in which they are read; a data set has none. Raises DataError."""
    return [place for source in sources for place in _places(source) if isinstance(place, Path)]


def _places(source: str | Path) -> list[str | Path]:
    """What a source stands for: files, or a data set. Raises DataError where there is nothing to read."""
    if isinstance(source, str) and source.startswith("hf:"):
        _data_set(source)
        return [source]
    path = Path(source)
    there = look_at(path)
    if stat.S_ISDIR(there.st_mode):
        return list(files_below(path, KINDS))
    if kind(path) not in KINDS:
        raise DataError(f"{path}: files ending in {path.suffix or 'nothing'} are not read; {', '.join(KINDS)} are.")
    if there.st_size == 0:
        raise DataError(f"{path} is empty. Give a file with text in it.")
    return [path]


def look_at(path: Path) -> os.stat_result:
    """Kind and size of the file or folder at a path. Raises DataError where nothing is, where one may not look, and for what is
    neither: a pipe can be read only once, and texts are read several times."""
    try:
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{path} does not exist. Look at the spelling, and where the path starts.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(
            f"{shorten(str(path), 80)} cannot be read: {why}. Give the path of a file or folder."
        ) from error
    if not (stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode)):
        raise DataError(f"{path} is neither a file nor a folder. Write what it gives into a file, and give that.")
    return there


def shorten(text: str, most: int) -> str:
    """The beginning of a text, on one line and in ASCII, for messages that quote what is in a file."""
    quoted = json.dumps(text)[1:-1]
    return quoted if len(quoted) <= most else quoted[:most] + "..."


def fields_of(record: dict[str, Any]) -> str:
    """The names of a record's first fields, for messages."""
    return ", ".join(f'"{shorten(name, 30)}"' for name in list(record)[:8]) or "no fields"


def kind(path: Path) -> str:
    """How a file's name ends, compression included: ".jsonl.gz"."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:] if suffixes and suffixes[-1] in (".gz", ".zst") else suffixes[-1:])


def files_below(folder: Path, kinds: Collection[str]) -> list[Path]:
    """The files of these kinds in a folder and below, sorted, without hidden and empty ones and lineages of single files. Links are
    followed. Folders below in which PASSED_OVER lies are passed over. Raises DataError."""
    found, others, been = [], set(), set()

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}. Change its rights, or leave it out.")

    for here, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(here)
        passed_over = real in been or (PASSED_OVER in names and Path(here) != folder)
        folders[:] = [] if passed_over else sorted(name for name in folders if not name.startswith("."))
        for name in [] if passed_over else names:
            path = Path(here, name)
            if name.startswith(".") or name.endswith(f".{lineage.FILE}") or not path.is_file():
                continue
            if kind(path) not in kinds:
                others.add(path.suffix or name)
            elif path.stat().st_size:
                found.append(path)
        been.add(real)
    if not found:
        there = f"only {', '.join(sorted(others)[:5])} files" if others else "no files with anything in them"
        raise DataError(f"{folder} holds {there}, and nothing to read. Files ending in {', '.join(kinds)} are read.")
    return sorted(found)


def _texts(place: str | Path, bad: BadLines) -> Iterator[tuple[int, str]]:
    """The texts of one file or data set, numbered from 1."""
    if isinstance(place, str):
        yield from _records_with_text(place, _data_set_rows(place), bad)
    elif kind(place) == ".parquet":
        yield from _parquet_texts(place, bad)
    elif kind(place).startswith(".jsonl"):
        yield from _records_with_text(place, json_lines(place, bad), bad)
    else:
        yield from _plain_texts(place, bad)


def _records_with_text(
    source: str | Path, records: Iterable[tuple[int, Any]], bad: BadLines
) -> Iterator[tuple[int, str]]:
    for number, record in records:
        try:
            yield number, _text_of(record)
        except RecordError as error:
            bad(source, number, str(error))


def _text_of(record: Any) -> str:
    if isinstance(record, dict):
        if "text" not in record:
            hint = "; conversations are read as chats" if {"messages", "conversations", "output"} & set(record) else ""
            raise RecordError(f'there is no field "text", only {fields_of(record)}{hint}')
        record = record["text"]
    if not isinstance(record, str):
        raise RecordError(f"the text is {json.dumps(record, default=str)[:40]}, and no string")
    check_unicode(record)
    return record


def check_unicode(text: str) -> None:
    """Refuse a lone surrogate, which JSON can write (`"\\ud800"`) and which is no character. Raises RecordError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(text[error.start]):04x}"
        raise RecordError(f"half a surrogate pair ({code}) at character {error.start + 1}: no character") from error


def _plain_texts(path: Path, bad: BadLines) -> Iterator[tuple[int, str]]:
    for number, (offset, line, data) in enumerate(_split(read_bytes(path)), start=1):
        if (nul := data.find(b"\0")) >= 0:
            bad(path, line + data.count(b"\n", 0, nul), f"a NUL byte (byte {offset + nul:,} of the file), and no text")
            continue
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            bad(path, line + data.count(b"\n", 0, error.start), _not_utf8(error, offset))
            continue
        yield number, text.strip("\r\n")


def _not_utf8(error: UnicodeDecodeError, offset: int) -> str:
    return (
        f"not UTF-8 (0x{error.object[error.start]:02x} is byte {offset + error.start:,} of the file, from 0). Text of "
        "older Windows programs and Latin-1 becomes UTF-8 with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def _split(chunks: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """The documents of a text file: where each starts, in bytes from 0 and in lines from 1, and its bytes."""
    rest, offset, line = b"\n", -1, 1  # the byte before a document is kept, so that every line begins after a line end
    looked = 0
    for chunk in chain(chunks, [None]):
        if chunk is not None and offset == -1 and len(rest) == 1 and chunk.startswith(BYTE_ORDER_MARK):
            chunk, offset = chunk[len(BYTE_ORDER_MARK) :], len(BYTE_ORDER_MARK) - 1
        rest += chunk or b""
        start = 1
        while (ends := _document_end(rest, start, max(looked, start - 1), at_end=chunk is None)) is not None:
            end, following = ends
            yield offset + start, line, rest[start:end]
            line += rest.count(b"\n", start, following)
            start = following
        rest, offset = rest[start - 1 :], offset + start - 1
        looked = max(0, len(rest) - SEPARATOR_BYTES)


def _document_end(data: bytes, start: int, looked: int, *, at_end: bool) -> tuple[int, int] | None:
    """Where the document at `start` ends and where the next one starts; None if that takes more data to say.

    It ends at a separator line, or, longer than LONGEST_DOCUMENT, by a cut: the same ones, whatever the chunks are.
    """
    end, following = _separator(data, looked, at_end=at_end) or (len(data), 0)
    if not following and at_end:
        following = end
    if following > start and end - start <= LONGEST_DOCUMENT:
        return end, following
    if following > start or end - start > LONGEST_DOCUMENT + SEPARATOR_BYTES:
        cut = _cut(data, start)
        return cut, cut
    return None


def _separator(data: bytes, looked: int, *, at_end: bool) -> tuple[int, int] | None:
    """Start and end of the first whole separator line, searched from `looked`."""
    while (at := data.find(b"\n" + SEPARATOR, looked)) >= 0:
        after = at + 1 + len(SEPARATOR)
        following = data[after : after + 2]
        if following.startswith(b"\n"):
            return at + 1, after + 1
        if following == b"\r\n" or (at_end and following in (b"", b"\r")):
            return at + 1, after + len(following)
        looked = at + 1
    return None


def _cut(data: bytes, start: int) -> int:
    """Where to cut a document that is too long: in its second half, after the last blank line, line end or space."""
    end = start + LONGEST_DOCUMENT
    for mark in (b"\n\n", b"\n\r\n", b"\n", b" "):
        if (at := data.rfind(mark, start + LONGEST_DOCUMENT // 2, end)) >= 0:
            return at + len(mark)
    while end > start + 1 and data[end] & 0xC0 == 0x80 and end > start + LONGEST_DOCUMENT - 3:
        end -= 1  # not inside a character
    return end


def json_lines(path: Path, bad: BadLines) -> Iterator[tuple[int, Any]]:
    """The records of a JSON Lines file with their lines, from 1; blank lines are passed over."""
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            record = parse_json(line)
        except RecordError as error:
            bad(path, number, str(error))
            continue
        yield number, record


def parse_json(data: bytes) -> Any:
    """The value that some JSON stands for. Raises RecordError."""
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise RecordError(f"not UTF-8 (0x{data[error.start]:02x} at byte {error.start} of it, from 0)") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, character {error.colno}" if error.lineno > 1 else f"character {error.colno}"
        raise RecordError(f"broken JSON ({error.msg} at {where})") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"JSON that cannot be read ({error})") from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    held: list[
        bytes
    ] = []  # the beginning of a line that is not over; joined once, so that a long one costs no more than its length
    size = number = 0
    for chunk in read_bytes(path):
        first, *others = chunk.split(b"\n")
        held.append(first)
        size += len(first)
        if others:
            for line in (b"".join(held), *others[:-1]):
                number += 1
                yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            held, size = [others[-1]], len(others[-1])
        if size > LONGEST_LINE:
            raise DataError(
                f"{path}, line {number + 1}: longer than {LONGEST_LINE // 2**20:,} MB, so this is not JSON Lines "
                "(one record a line). Write it as JSON Lines, or as text."
            )
    if rest := b"".join(held):
        yield number + 1, rest if number else rest.removeprefix(BYTE_ORDER_MARK)


def read_bytes(path: Path) -> Iterator[bytes]:
    """The bytes of a file of text, unpacked, in pieces. Raises DataError: unreadable, damaged, of another kind."""
    chunks, head = _unpacked(path), b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    _check_head(path, head[:HEAD])
    yield head
    yield from chunks


def _check_head(path: Path, head: bytes) -> None:
    for magic, what in OTHER_FILES.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {what}.")
    utf16 = head.startswith(UTF_16_OR_32)
    if utf16 or b"\0" in head:
        what = "is UTF-16 or UTF-32" if utf16 else "holds NUL bytes: it is no text, or UTF-16"
        raise DataError(f"{path} {what}, and UTF-8 is read. Make it UTF-8 with: iconv -f UTF-16 -t UTF-8 OLD > NEW")


def _unpacked(path: Path) -> Iterator[bytes]:
    import zstandard

    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from iter(lambda: unpacked.read(CHUNK), b"")
            elif path.suffix.lower() == ".zst":
                yield from _unzstd(file)
            else:
                yield from iter(lambda: file.read(CHUNK), b"")
    except EOFError as error:
        raise DataError(f"{path} is cut short: its compressed data ends too early. Fetch or pack it again.") from error
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise DataError(f"{path} is damaged ({error}). Fetch or pack it again.") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Look at its rights and its disk."
        ) from error


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    """The content of all Zstandard frames in a file. The library's stream reader would take a cut file for a whole."""
    import zstandard

    frame = None
    while data := file.read(CHUNK // 16):
        while data:
            if frame is None or frame.eof:
                frame = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()  # as `zstd --long=31` packs
            if unpacked := frame.decompress(data):
                yield unpacked
            data = frame.unused_data if frame.eof else b""
    if frame is not None and not frame.eof:
        raise EOFError


def _parquet_texts(path: Path, bad: BadLines) -> Iterator[tuple[int, str]]:
    import pyarrow
    from pyarrow import parquet

    try:
        # Read through a buffer, and not a whole row group at a time: that may be the whole file.
        with parquet.ParquetFile(path, buffer_size=CHUNK, pre_buffer=False) as file:
            _check_column(path, file.schema_arrow)
            number = 0
            for batch in file.iter_batches(batch_size=ROWS, columns=["text"]):
                for value in batch.column(0):
                    number += 1
                    try:
                        text = _text_of(value.as_py())
                    except UnicodeDecodeError:
                        bad(path, number, "not UTF-8")
                    except RecordError as error:
                        bad(path, number, str(error))
                    else:
                        yield number, text
    except (pyarrow.ArrowException, OSError) as error:
        why = str(error).splitlines()[0][:200]
        raise DataError(f"{path} is not a whole Parquet file ({why}). Fetch or write it again.") from error


def _check_column(path: Path, schema: Any) -> None:
    from pyarrow import types

    if "text" not in schema.names:
        raise DataError(f'{path} has no column "text", only {", ".join(schema.names)}. Rename the one with the texts.')
    if schema.names.count("text") > 1:
        raise DataError(f'{path} has several columns "text". Rename all but the one with the texts.')
    column = schema.field("text").type
    column = column.value_type if types.is_dictionary(column) else column
    if not (types.is_string(column) or types.is_large_string(column) or types.is_string_view(column)):
        raise DataError(f'{path}: the column "text" holds {column}, and no strings. Write it as strings.')


def _data_set(source: str) -> tuple[str, str | None, str]:
    """Name, configuration and split of `hf:org/name[/configuration][:split]`, once the library for it is there."""
    match = re.fullmatch(r"hf:([^/:\s]+/[^/:\s]+)(?:/([^/:\s]+))?(?::(\S+))?", source)
    if match is None:
        raise DataError(f"{source} names no data set. Write hf:org/name, or hf:org/name/configuration:split.")
    try:
        import datasets  # noqa: F401
    except ImportError as error:
        raise DataError(f"{source}: Hugging Face data sets need an extra. pip install 'onward[datasets]'") from error
    return match[1], match[2], match[3] or "train"


def _data_set_rows(source: str) -> Iterator[tuple[int, Any]]:
    """The rows of a Hugging Face data set, fetched as they are read, numbered from 1."""
    import datasets

    name, configuration, split = _data_set(source)
    try:
        yield from enumerate(datasets.load_dataset(name, configuration, split=split, streaming=True), start=1)
    except Exception as error:  # the network's, the hub's and the data's own, of many kinds
        why = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise DataError(f"{source} cannot be read ({why}). Look at its name and split, and at the network.") from error
