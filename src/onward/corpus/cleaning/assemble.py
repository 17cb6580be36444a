"""What a cleaning leaves: the clean texts, the dropped ones by reason, and report.json, in reading order.

    OUT/clean/00000.jsonl ...     {"text", "source", "number", "place", "changed", "copies", "url"}; the last three where there is any
    OUT/dropped/REASON.jsonl      the same with "reason" and "why"
    OUT/report.json   OUT/onward.json

`number` counts in its source as everywhere in Onward: lines, rows or documents, from 1. `place` is where the document stood in the whole
corpus, part and number in the part. A folder dropped/ is passed over by whatever reads texts (read.PASSED_OVER).
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from onward.corpus.cleaning import parts
from onward.corpus.cleaning.checks import REASONS
from onward.corpus.cleaning.parts import Source
from onward.corpus.cleaning.repair import EXAMPLES
from onward.corpus.cleaning.rules import Rules
from onward.corpus.read import PASSED_OVER
from onward.files import write_json

SHARD = 2**28
"""Bytes after which the next file of clean texts begins."""
ROWS = 1000
SHOWN = 600
"""Characters of a dropped document in the report."""
MASKS = ("address", "card", "email", "iban", "ip", "phone")

Record = dict[str, Any]
REPORT = "report.json"


def put_together(work: Path, folder: Path, rules: Rules) -> Record:
    """Write clean/ and dropped/ into `folder` from what the stages left in `work`, and return the report."""
    sources = parts.read_sources(work)
    kept = write_clean(_records(sorted((work / "kept").glob("*.jsonl"))), folder, rules.format)
    funnel, examples = [], {}
    for reason in REASONS:
        found = write_dropped(_dropped(work, reason), folder, reason)
        funnel.append({"reason": reason} | found["counted"])
        examples[reason] = found["examples"]
    report = {
        "read": _read(sources),
        "funnel": funnel,
        "kept": {name: kept[name] for name in ("documents", "bytes")},
        "changed": kept["changed"],
        "examples": {reason: shown for reason, shown in examples.items() if shown},
        "repairs": _repairs(work),
        "taken_back": [],
        "rules": rules.deciding(),
    }
    write_json(folder / REPORT, report)
    return report


def _read(sources: list[Source]) -> Record:
    return {
        "files": len(sources),
        "documents": sum(source.documents for source in sources),
        "bytes": sum(source.bytes for source in sources),
        "empty": sum(source.empty for source in sources),
        "bad": sum(source.bad for source in sources),
        "broken": [{"path": source.path, "why": source.broken} for source in sources if source.broken],
        "bad_lines": [line for source in sources for line in source.first_bad][: 2 * EXAMPLES],
    }


def data_of(work: Path) -> list[Record]:
    """The sources, as a lineage names them."""
    wanted = ("path", "bytes", "sha256")
    return [{name: asdict(source)[name] for name in wanted} for source in parts.read_sources(work)]


def _records(files: Iterable[Path]) -> Iterator[Record]:
    """Documents of parts, as they are written out."""
    for path in files:
        for document in parts.lines_of(path):
            told = document.metadata
            record = {"text": document.text, "source": told["source"], "number": told["number"], "place": told["place"]}
            yield record | {name: told[name] for name in ("url", "copies", "changed", "why") if told.get(name)}


def _dropped(work: Path, reason: str) -> Iterator[Record]:
    for record in _records(sorted((work / "dropped" / reason).glob("*.jsonl"))):
        yield record | {"reason": reason, "why": record.get("why", REASONS[reason])}


def write_dropped(records: Iterable[Record], folder: Path, reason: str) -> Record:
    """Write the dropped documents of a reason; count them, and choose examples. No file where there are none."""
    path = folder / "dropped" / f"{reason}.jsonl"
    path.parent.mkdir(exist_ok=True)
    (path.parent / PASSED_OVER).touch()
    documents = size = 0
    chosen: list[tuple[bytes, int, Record]] = []
    with path.open("wb") as file:
        for record in records:
            file.write(orjson.dumps(record) + b"\n")
            data = record["text"].encode()
            documents, size = documents + 1, size + len(data)
            rank = hashlib.blake2b(data, digest_size=8).digest()
            chosen = heapq.nsmallest(EXAMPLES, [*chosen, (rank, documents, _shown(record))])
    if not documents:
        path.unlink()
    return {"counted": {"documents": documents, "bytes": size}, "examples": [shown for _, _, shown in chosen]}


def _shown(record: Record) -> Record:
    text = record["text"]
    return {
        "text": text if len(text) <= SHOWN else text[:SHOWN] + " …",
        "why": record["why"],
        "source": record["source"],
        "number": record["number"],
    }


def write_clean(records: Iterable[Record], folder: Path, kind: str) -> Record:
    """Write the clean texts as files of at most SHARD bytes and one document, and count them."""
    (folder / "clean").mkdir()
    counted: Record = {"documents": 0, "bytes": 0, "changed": {}}
    changed: Counter[str] = Counter()
    number, held = 0, 0
    writer = _writer(folder / "clean", number, kind)
    for record in records:
        size = len(record["text"].encode())
        if held and held + size > SHARD:
            writer.close()
            number, held = number + 1, 0
            writer = _writer(folder / "clean", number, kind)
        writer.write(record)
        held += size
        counted["documents"] += 1
        counted["bytes"] += size
        for name, times in record.get("changed", {}).items():
            changed[name] += times if name in MASKS else 1
    writer.close()
    return counted | {"changed": dict(sorted(changed.items()))}


def _writer(folder: Path, number: int, kind: str) -> Lines | Rows:
    path = folder / f"{number:05d}.{kind}"
    return Rows(path) if kind == "parquet" else Lines(path)


class Lines:
    """JSON Lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, record: Record) -> None:
        self._file.write(orjson.dumps(record) + b"\n")

    def close(self) -> None:
        self._file.close()


class Rows:
    """Parquet, whose columns are the fields; what was changed is a JSON text, since its names differ from row to row."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        fields = {"text": pa.string(), "source": pa.string(), "number": pa.int64(), "place": pa.list_(pa.int64())}
        fields |= {"url": pa.string(), "copies": pa.int64(), "changed": pa.string(), "taken_back": pa.string()}
        self._schema = pa.schema(list(fields.items()))
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._held: list[Record] = []

    def write(self, record: Record) -> None:
        row = {name: record.get(name) for name in self._schema.names}
        row["changed"] = json.dumps(record["changed"]) if "changed" in record else None
        self._held.append(row)
        if len(self._held) == ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._held, schema=self._schema))
        self._held = []

    def close(self) -> None:
        if self._held:
            self._flush()
        self._writer.close()


def read_clean(folder: Path) -> Iterator[Record]:
    """The clean texts of an output folder with all that is told of them."""
    for path in sorted((folder / "clean").iterdir()):
        if path.suffix == ".parquet":
            yield from _rows(path)
        else:
            with path.open("rb") as file:
                yield from map(orjson.loads, file)


def _rows(path: Path) -> Iterator[Record]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(path).iter_batches(ROWS):
        for row in batch.to_pylist():
            record = {name: value for name, value in row.items() if value is not None}
            yield record | ({"changed": json.loads(record["changed"])} if "changed" in record else {})


def read_dropped(folder: Path, reason: str) -> Iterator[Record]:
    with (folder / "dropped" / f"{reason}.jsonl").open("rb") as file:
        yield from map(orjson.loads, file)


def _repairs(work: Path) -> dict[str, list[dict[str, str]]]:
    """A few examples of each kind of repair, of the first parts that have any."""
    found: dict[str, list[dict[str, str]]] = {}
    for path in sorted((work / "counts").glob("*.json")):
        for kind, examples in json.loads(path.read_text(encoding="utf-8")).items():
            kept = found.setdefault(kind, [])
            kept += examples[: EXAMPLES - len(kept)]
    return dict(sorted(found.items()))
