"""Parts: the raw texts cut into files of about the same size, in reading order. Each later step takes a part as a task.

A part is JSON Lines as datatrove reads and writes them: `{"text", "id", "metadata"}`. Parts do not depend on how many workers there are,
and neither does anything made of them. A file that cannot be read is named and passed over, and so is a bad line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from onward.corpus import read
from onward.corpus.cleaning import pages
from onward.errors import BadLine, DataError
from onward.files import file_hash, write_json

SMALLEST, LARGEST = 2**19, 2**26
PARTS = 200
"""A corpus is cut into about so many parts, of SMALLEST to LARGEST bytes: enough to show progress and to share work."""
NAMED = 10
"""Bad lines of a file that are named; all are counted."""
KINDS = (*read.KINDS, *pages.KINDS)


@dataclass
class Source:
    """What became of one file (or data set)."""

    path: str
    bytes: int = 0
    sha256: str | None = None
    documents: int = 0
    empty: int = 0
    bad: int = 0
    first_bad: list[str] = field(default_factory=list)
    broken: str | None = None


def part_bytes(total: int) -> int:
    """How large a part shall be, of a corpus of `total` bytes."""
    return max(SMALLEST, min(LARGEST, total // PARTS))


def groups(places: list[str], each: int) -> list[list[str]]:
    """The files, in order, in groups of at least `each` bytes: the tasks of reading. A large file is a group alone."""
    found: list[list[str]] = [[]]
    size = 0
    for place in places:
        if size >= each:
            found.append([])
            size = 0
        found[-1].append(place)
        size += each if place.startswith("hf:") else Path(place).stat().st_size
    return found


@dataclass
class Cut:
    """The first step: reads a group of files and writes its parts, and what became of the files."""

    groups: list[list[str]]
    folder: str
    each: int

    def __call__(self, _data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> None:  # noqa: ARG002
        sources: list[Source] = []
        lines = (line for place in self.groups[rank] for line in _lines(place, sources))
        folder = Path(self.folder, "parts")
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        held: list[bytes] = []
        size = 0
        for line in lines:
            held.append(line)
            size += len(line)
            if size >= self.each:
                (folder / f"{rank:05d}-{number:05d}.jsonl").write_bytes(b"".join(held))
                held, size, number = [], 0, number + 1
        if held:
            (folder / f"{rank:05d}-{number:05d}.jsonl").write_bytes(b"".join(held))
        write_json(Path(self.folder, "read", f"{rank:05d}.json"), {"sources": [asdict(source) for source in sources]})


def _lines(place: str, sources: list[Source]) -> Iterator[bytes]:
    """The documents of a file as lines of a part. Adds the file to `sources`."""
    source = Source(place)
    sources.append(source)
    try:
        if not place.startswith("hf:"):
            path = Path(place)
            source.bytes, source.sha256 = path.stat().st_size, file_hash(path)
        for number, text, more in _documents(place, source):
            source.documents += 1
            where = {"source": place, "number": number} | more
            yield orjson.dumps({"text": text, "id": f"{place}:{number}", "metadata": where}) + b"\n"
    except (DataError, OSError) as error:
        if source.documents or not (source.bad or source.empty):
            source.broken = getattr(error, "strerror", None) or str(error)


def _documents(place: str, source: Source) -> Iterator[tuple[int, str, dict[str, Any]]]:
    if pages.is_page(place):
        yield from pages.pages(Path(place))
        return

    def on_skip(bad: BadLine) -> None:
        source.bad += 1
        if len(source.first_bad) < NAMED:
            source.first_bad.append(str(bad).removesuffix(" Mend it, or leave such lines out with --skip-bad."))

    documents = read.documents([place], skip_bad=True, on_skip=on_skip)
    try:
        for document in documents:
            yield document.number, document.text, {}
    finally:
        source.empty = documents.empty


def read_sources(folder: Path) -> list[Source]:
    """What became of all files, in reading order."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "read").glob("*.json"))]
    return [Source(**source) for group in found for source in group["sources"]]


def reader(folder: Path | str) -> JsonlReader:
    """Task number i reads file number i of a folder of parts."""
    return JsonlReader(str(folder), compression=None, add_file_path=False)


class Keep(JsonlWriter):
    """Writes what comes through as part number `rank`, also where nothing comes: file number i stays part number i."""

    name = "part"

    def __init__(self, folder: Path | str) -> None:
        super().__init__(str(folder), "${rank}.jsonl", compression=None)

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        self.output_mg.get_file(self.output_filename.substitute(rank=str(rank).zfill(5)))
        yield from super().run(data, rank, world_size)


def dropped(folder: Path | str, reason: str) -> JsonlWriter:
    """Writes what a step drops, for its reason. A part from which nothing is dropped has no file."""
    return JsonlWriter(str(Path(folder, "dropped", reason)), "${rank}.jsonl", compression=None)


def numbered(data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG001
    """Each document with its place in reading order: part, and number in the part."""
    for number, document in enumerate(data):
        document.metadata["place"] = [rank, number]
        yield document


def lines_of(path: Path) -> Iterator[Document]:
    """The documents of a part."""
    with path.open("rb") as file:
        for line in file:
            yield Document(**orjson.loads(line))
