"""Token shards: a tokenised corpus on disk, read through memory maps, so that the disk bounds its size and not memory.

A folder of `tokens-NNNNN.bin` (uint16 or uint32, little-endian, documents one after the other without separators),
`learn-NNNNN.bin` (uint8, 1 = a token to learn from; only where masks were given), `documents.bin` (int64 pairs: where
a document starts, counted in tokens over all files, and the length of its text in UTF-8 bytes) and `index.json`. A
document lies in one file. Left out: compression (the maps would be lost), and reading everything on opening: the size
and both ends of each file are checked, which notices a file cut short, swapped or written by another program, but not
a flipped bit in the middle.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from onward.errors import DataError
from onward.files import new_folder, write_json

VERSION = 1
INDEX = "index.json"
DOCUMENTS = "documents.bin"
SHARD_TOKENS = 2**28
ENDS = 2**16  # bytes at each end of a file that its fingerprint covers

Tokenised = tuple[Sequence[int] | NDArray[Any], Sequence[bool] | None, int]


def write_shards(
    documents: Iterable[Tokenised],
    folder: Path,
    *,
    vocab_size: int,
    tokenizer_hash: str,
    meta: dict[str, Any],
    shard_tokens: int = SHARD_TOKENS,
) -> None:
    """Write documents, each `(ids, learn mask or None, UTF-8 bytes of its text)`, into a new folder, whole or not.

    Masks are given for every document or for none. A document without tokens is passed over. `meta` is kept as it is,
    for people and for lineage. A new file begins after `shard_tokens` tokens. Memory does not grow with the corpus.
    Raises DataError: no tokens at all, an id outside the vocabulary. OutputError: the folder exists, or cannot be
    written.
    """
    with new_folder(folder) as beside, ShardWriter(beside, vocab_size, shard_tokens) as writer:
        for ids, learn, size in documents:
            writer.add(ids, learn, size)
        if not writer.tokens:
            raise DataError(
                f"nothing to write to {folder}: the documents hold no tokens. Give texts that are not empty."
            )
        writer.finish(tokenizer_hash, meta)


class ShardWriter:
    """Token shards in the making, for documents that come one by one; `write_shards` where they are an iterable.

    The folder is there and empty. It holds shards once `finish` has been called; whoever wants it whole or not at all makes it in a
    `new_folder`. Use it in a `with`. tokens, documents, bytes: how many there are so far.
    """

    def __init__(self, folder: Path, vocab_size: int, shard_tokens: int = SHARD_TOKENS) -> None:
        self.folder, self.vocab_size, self.shard_tokens = folder, vocab_size, shard_tokens
        self.dtype = np.dtype("<u2" if vocab_size <= 2**16 else "<u4")
        self.tokens = self.documents = self.bytes = 0
        self.masked: bool | None = None
        self.shards: list[int] = []
        self.ids_file: BinaryIO | None = None
        self.learn_file: BinaryIO | None = None
        self.documents_file: BinaryIO = (folder / DOCUMENTS).open("wb")
        self.hash = hashlib.sha256(f"onward shards {VERSION} {self.dtype.str}\n".encode())

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, ids: Sequence[int] | NDArray[Any], learn: Sequence[bool] | None, size: int) -> None:
        """One document, as in `write_shards`."""
        if len(ids) == 0:
            return
        if self.masked is None:
            self.masked = learn is not None
        if self.masked != (learn is not None) or (learn is not None and len(learn) != len(ids)):
            raise ValueError("learn masks: one for every document, as long as its ids, or none at all")
        wide = np.asarray(ids, dtype=np.int64)
        if wide.view(np.uint64).max() >= self.vocab_size:  # read as unsigned, a negative id is a huge one
            wrong = next(id for id in ids if not 0 <= id < self.vocab_size)
            raise DataError(
                f"document {self.documents + 1} has token {wrong}, outside a vocabulary of {self.vocab_size:,}: "
                "it was cut by another tokenizer. Tokenise the texts again with the model's own."
            )
        if not self.shards or (self.shards[-1] and self.shards[-1] + len(wide) > self.shard_tokens):
            self._next_shard()
        row = struct.pack("<qq", self.tokens, size)
        data = wide.astype(self.dtype).tobytes()
        mask = b"" if learn is None else np.asarray(learn, dtype=np.bool_).astype(np.uint8).tobytes()
        assert self.ids_file is not None
        self.ids_file.write(data)
        if self.learn_file is not None:
            self.learn_file.write(mask)
        self.documents_file.write(row)
        for part in (row, data, mask):
            self.hash.update(part)
        self.shards[-1] += len(wide)
        self.tokens += len(wide)
        self.documents += 1
        self.bytes += size

    def _next_shard(self) -> None:
        self._close_shard()
        number = len(self.shards)
        self.ids_file = (self.folder / _tokens_name(number)).open("wb")
        self.learn_file = (self.folder / _learn_name(number)).open("wb") if self.masked else None
        self.shards.append(0)

    def _close_shard(self) -> None:
        for file in (self.ids_file, self.learn_file):
            if file is not None:
                file.close()

    def _close(self) -> None:
        self._close_shard()
        self.documents_file.close()

    def finish(self, tokenizer_hash: str, meta: dict[str, Any]) -> None:
        """Close the files and write the index."""
        self._close()
        write_json(self.folder / INDEX, self._index() | {"tokenizer_hash": tokenizer_hash, "meta": meta})

    def _index(self) -> dict[str, Any]:
        names = [DOCUMENTS]
        for number in range(len(self.shards)):
            names += [_tokens_name(number)] + ([_learn_name(number)] if self.masked else [])
        return {
            "format": "onward shards",
            "version": VERSION,
            "dtype": self.dtype.name,
            "vocab_size": self.vocab_size,
            "tokens": self.tokens,
            "documents": self.documents,
            "bytes": self.bytes,
            "learn": bool(self.masked),
            "shards": self.shards,
            "files": {
                name: {"size": (self.folder / name).stat().st_size, "ends": _ends(self.folder / name)} for name in names
            },
            "hash": self.hash.hexdigest(),
        }


class Shards:
    """A folder of token shards, opened for reading. Documents are numbered from 0, in the order they were written in.

    tokens, documents, bytes: how many there are; bytes of UTF-8 text, for bits per byte.
    lengths, sizes: (documents,) int64: each document's tokens, and the bytes of its text.
    masked: whether documents carry a learn mask.   hash: SHA-256 over ids, masks and boundaries, whatever the cut
    into files.   vocab_size, tokenizer_hash, meta: as they were given.
    Raises DataError, one line, where the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = _read_index(folder)
        try:
            self.tokens, self.documents, self.bytes = int(index["tokens"]), int(index["documents"]), int(index["bytes"])
            self.vocab_size, self.tokenizer_hash = int(index["vocab_size"]), str(index["tokenizer_hash"])
            self.hash, self.masked, self.meta = str(index["hash"]), bool(index["learn"]), dict(index["meta"])
            shards = [int(tokens) for tokens in index["shards"]]
            if not shards or self.documents < 1 or sum(shards) != self.tokens:
                raise ValueError("counts that do not add up")
            dtype = np.dtype({"uint16": "<u2", "uint32": "<u4"}[index["dtype"]])
            self._first = np.concatenate([[0], np.cumsum(shards)]).astype(np.int64)
            files = {str(name): (int(entry["size"]), str(entry["ends"])) for name, entry in index["files"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _unusable(folder / INDEX, f"an index with something missing or odd ({error!r})") from error
        numbers = range(len(shards))
        table = _map(folder, DOCUMENTS, "<i8", 2 * self.documents, files).reshape(-1, 2)
        self._ids = [_map(folder, _tokens_name(n), dtype, shards[n], files) for n in numbers]
        self._learn = [_map(folder, _learn_name(n), np.uint8, shards[n], files) for n in numbers] if self.masked else []
        self._starts = table[:, 0]
        self.sizes: NDArray[np.int64] = table[:, 1]
        self.lengths: NDArray[np.int64] = np.diff(self._starts, append=self.tokens)
        if self._starts[0] != 0 or self.lengths.min() < 1:
            raise _unusable(folder / DOCUMENTS, "a table of documents that does not fit the tokens")

    def document(self, i: int) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of document i: (length,) uint16 or uint32, a view of the file."""
        shard, start = self._place(i)
        return self._ids[shard][start : start + int(self.lengths[i])]

    def learn(self, i: int) -> NDArray[np.bool_]:
        """The learn mask of document i: (length,) bool; all True where the shards carry none."""
        if not self.masked:
            return np.ones(int(self.lengths[i]), dtype=np.bool_)
        shard, start = self._place(i)
        mask: NDArray[np.bool_] = self._learn[shard][start : start + int(self.lengths[i])].view(np.bool_)
        return mask

    def tokens_at(self, documents: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The token of each document at each place in it, counted from 0: (N,) int64 all three."""
        return self._gather(self._ids, self._starts[documents] + places)

    def learn_at(self, documents: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the token of each document at each place in it is learned: (N,); for shards with masks."""
        return self._gather(self._learn, self._starts[documents] + places).astype(np.bool_)

    def _gather(self, files: list[NDArray[Any]], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """What stands in the files at these places, counted over all of them."""
        if len(files) == 1:
            return files[0][at].astype(np.int64)
        found = np.empty(len(at), dtype=np.int64)
        shards = self._first.searchsorted(at, side="right") - 1
        for shard in np.unique(shards):
            here = shards == shard
            found[here] = files[shard][at[here] - self._first[shard]]
        return found

    def learnable(self, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many tokens of each document are to be learned from, at its places `first` to `end` - 1; for shards with
        masks. All are (documents,) int64."""
        counts = np.zeros(self.documents, dtype=np.int64)
        for mask, base, top in zip(self._learn, self._first[:-1], self._first[1:], strict=True):
            here = slice(*np.searchsorted(self._starts, [base, top]))
            documents = np.arange(here.start, here.stop)[end[here] > first[here]]
            starts = self._starts[documents] - base
            edges = np.stack([starts + first[documents], starts + end[documents]], axis=1).ravel()
            inside = edges[edges < len(mask)]  # the last stretch may end with the file, and reduceat then wants no end
            if len(inside):
                counts[documents] = np.add.reduceat(mask, inside, dtype=np.int64)[::2]
        return counts

    def _place(self, i: int) -> tuple[int, int]:
        if not 0 <= i < self.documents:
            raise IndexError(f"document {i} of {self.documents}")
        start = int(self._starts[i])
        shard = int(self._first.searchsorted(start, side="right")) - 1
        return shard, start - int(self._first[shard])


def _tokens_name(number: int) -> str:
    return f"tokens-{number:05d}.bin"


def _learn_name(number: int) -> str:
    return f"learn-{number:05d}.bin"


def _ends(path: Path) -> str:
    """SHA-256 of the first and the last ENDS bytes: a fingerprint that costs the same for every size."""
    with path.open("rb") as file:
        head = file.read(ENDS)
        file.seek(max(0, path.stat().st_size - ENDS))
        return hashlib.sha256(head + file.read(ENDS)).hexdigest()


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        raise DataError(f"{folder} holds no token shards ({INDEX} is missing). Make them again from the texts.")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, f"broken JSON ({error})") from error
    if not isinstance(index, dict) or index.get("format") != "onward shards":
        raise _unusable(path, "not an index of token shards")
    if index.get("version") != VERSION:
        raise _unusable(path, f"version {index.get('version')} of the format, and this Onward reads {VERSION}")
    return index


def _map(
    folder: Path, name: str, dtype: np.typing.DTypeLike, items: int, files: dict[str, tuple[int, str]]
) -> NDArray[Any]:
    """A file as a read-only array, once its size and its ends are what the index says."""
    path = folder / name
    try:
        size, ends = files[name]
        if path.stat().st_size != size or size != items * np.dtype(dtype).itemsize:
            raise _unusable(
                path, f"{path.stat().st_size:,} bytes where the index says {size:,}: cut short, or another file"
            )
        if _ends(path) != ends:
            raise _unusable(path, "another content than the index says: changed, or another file")
        return np.asarray(np.memmap(path, dtype=dtype, mode="r"))
    except (OSError, KeyError) as error:
        raise _unusable(path, "missing, or it cannot be read") from error


def _unusable(path: Path, why: str) -> DataError:
    return DataError(f"{path}: {why}. Remove the folder and make the shards again from the texts.")
