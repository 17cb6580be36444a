"""A search engine as a drafter: what followed these words in a corpus, weighed by how often.

The idea is that of retrieval-based speculative decoding (He et al. 2023, arXiv 2311.08252). A datastore is a folder: `ids.bin` (uint16 or
uint32, little-endian: the documents, with a mark before the first and after each), `order.bin` (int32: the places that a token may be read
from, ordered by what stands before them, see suffixes.py) and `index.json`. Both are mapped, so that a corpus to read from may be larger
than memory; making one takes about 30 bytes of memory a token. Left out: adding to a datastore, matches across documents, and checking more
than the sizes on opening: a flipped bit costs a wrong proposal, and no wrong text.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onward import lineage as lineages
from onward.errors import DataError, FolderError, PlanError
from onward.files import new_folder, read_json, write_json
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.suffixes import sorted_contexts
from onward.generate.drafters.tree import Tree
from onward.lineage import Lineage
from onward.tokens.tokenizer import Tokenizer
from onward.train.shards import Shards

VERSION = 1
INDEX, IDS, ORDER = "index.json", "ids.bin", "order.bin"
LONGEST = 16
"""Tokens at the end of a text that are looked up at most."""
SEEN = 256
"""Places that are read for a proposal at most; where there are more, as many evenly spread ones stand for all."""
TEXTS_AT_ONCE = 1000
_MEND = "Make the datastore again from its texts."


def build(source: Shards | Iterable[str], tokenizer: Tokenizer, out: Path, *, force: bool = False) -> None:
    """Write a datastore of token shards, or of texts, into a new folder, whole or not.

    Raises DataError: no tokens, 2**31 and more, or shards cut by another tokeniser. OutputError: the folder exists, or cannot be written.
    """
    if isinstance(source, Shards):
        if source.tokenizer_hash != tokenizer.hash:
            raise DataError(
                f"{source.folder} was cut by another tokeniser. Tokenise the texts again with the model's own."
            )
        documents: Iterable[NDArray[Any]] = (source.document(i) for i in range(source.documents))
        vocab_size = source.vocab_size
    else:
        documents = _encoded(source, tokenizer)
        vocab_size = tokenizer.highest_id + 1
    with new_folder(out, force=force) as beside:
        ids = _write_ids(beside / IDS, documents, vocab_size)
        order = sorted_contexts(ids, vocab_size, LONGEST)
        order = order[ids[order] != vocab_size]
        order.astype("<i4", copy=False).tofile(beside / ORDER)
        index = {"format": "onward datastore", "version": VERSION, "vocab_size": vocab_size, "dtype": ids.dtype.name}
        index |= {"tokens": len(order), "ids": len(ids), "longest": LONGEST, "tokenizer_hash": tokenizer.hash}
        write_json(beside / INDEX, index)
        lineages.write(beside, Lineage(verb="datastore"))


def _write_ids(path: Path, documents: Iterable[NDArray[Any]], vocab_size: int) -> NDArray[np.unsignedinteger[Any]]:
    """Write the ids of all documents, the mark (an id beyond the vocabulary) before the first and after each; and return them."""
    dtype = np.dtype("<u2" if vocab_size < 2**16 else "<u4")
    mark = np.array([vocab_size], dtype).tobytes()
    with path.open("wb") as file:
        file.write(mark)
        for ids in documents:
            file.write(ids.astype(dtype).tobytes() + mark)
        size = file.tell() // dtype.itemsize
    if size >= 2**31:
        raise DataError(
            f"{size:,} tokens are too many for one datastore: fewer than {2**31:,} are wanted. Give fewer texts."
        )
    found = np.fromfile(path, dtype)
    if (found == vocab_size).all():
        raise DataError("nothing to look up: the texts hold no tokens. Give texts that are not empty.")
    return found


def _encoded(texts: Iterable[str], tokenizer: Tokenizer) -> Iterator[NDArray[np.int64]]:
    texts = iter(texts)
    while batch := list(islice(texts, TEXTS_AT_ONCE)):
        yield from (np.array(ids, dtype=np.int64) for ids in tokenizer.encode_batch(batch))


class Datastore(Drafter):
    """A datastore, opened for looking up. Proposes what followed the longest end of the text that occurs in the corpus, likeliest first.

    shortest: tokens that must agree at least.   Raises DataError for a folder that cannot be used, PlanError for one of another tokeniser.
    """

    name = "datastore"

    def __init__(self, folder: Path, tokenizer: Tokenizer, shortest: int = 2) -> None:
        if not 1 <= shortest <= LONGEST:
            raise PlanError(f"a datastore looks up 1 to {LONGEST} tokens, and {shortest} are to agree at least.")
        index = _read_index(folder)
        if index["tokenizer_hash"] != tokenizer.hash:
            raise PlanError(
                f"{folder} was made with another tokeniser than the model's. Make it again with the model's own."
            )
        self.shortest = shortest
        self.vocab_size = index["vocab_size"]
        self._ids = _map(folder / IDS, np.dtype({"uint16": "<u2", "uint32": "<u4"}[index["dtype"]]), index["ids"])
        self._order = _map(folder / ORDER, np.dtype("<i4"), index["tokens"])

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        del aim  # nothing is drawn here
        # A model may have more ids than its tokeniser; those occur nowhere, and must not be taken for the mark.
        query = [id if id < self.vocab_size else -1 for id in reversed(ids[-LONGEST:])]
        if k < 1 or len(query) < self.shortest:
            return Tree([], [])
        first, end = self._find(query)
        number = min(end - first, SEEN)
        seen = first + np.arange(number) * (end - first) // max(1, number)
        places = self._order[seen].astype(np.int64)
        rows = np.take(self._ids, places[:, None] + np.arange(k), mode="clip").tolist()
        return _likeliest(rows, k, self.vocab_size)

    def _find(self, query: list[int]) -> tuple[int, int]:
        """The slots of the places after the longest end of the text that occurs; first = end where none is long enough."""
        slots = range(len(self._order))
        at = bisect_left(slots, query, key=self._context)
        # Sorted by context, those who share the most with a query are its neighbours.
        length = max((_shared(query, self._context(slot)) for slot in slots[max(0, at - 1) : at + 1]), default=0)
        if length < self.shortest:
            return 0, 0
        first = bisect_left(slots, query[:length], key=self._context, hi=at)
        return first, bisect_left(slots, [*query[:length], self.vocab_size + 1], key=self._context, lo=first)

    def _context(self, slot: int) -> list[int]:
        """What stands before the place in a slot, the nearest first."""
        place = max(0, int(self._order[slot]))
        context: list[int] = self._ids[max(0, place - LONGEST) : place][::-1].tolist()
        return context


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _likeliest(rows: list[list[int]], k: int, vocab_size: int) -> Tree:
    """The k nodes that most of these continuations, of k tokens each, pass through; each continuation ends with the first mark in it."""
    tokens: list[int] = []
    parents: list[int] = []
    waiting: list[tuple[int, int, int, int, int, list[list[int]]]] = []
    order = count()

    def grow(parent: int, depth: int, rows: list[list[int]]) -> None:
        """Let the tokens at `depth`, which follow `parent`, wait for their turn: the commonest first, of equals the first found."""
        if depth == k:
            return
        groups: dict[int, list[list[int]]] = {}
        for row in rows:
            groups.setdefault(row[depth], []).append(row)
        for token, group in groups.items():
            if token < vocab_size:
                heapq.heappush(waiting, (-len(group), next(order), token, parent, depth, group))

    grow(-1, 0, rows)
    while waiting and len(tokens) < k:
        _, _, token, parent, depth, rows = heapq.heappop(waiting)
        tokens.append(token)
        parents.append(parent)
        grow(len(tokens) - 1, depth + 1, rows)
    return Tree(tokens, parents)


def _read_index(folder: Path) -> dict[str, Any]:
    if not (folder / INDEX).is_file():
        raise DataError(f"{folder} holds no datastore ({INDEX} is missing). {_MEND}")
    try:
        index = read_json(folder / INDEX, _MEND)
    except FolderError as error:
        raise DataError(str(error)) from error
    if index.get("format") != "onward datastore" or index.get("version") != VERSION or index.get("longest") != LONGEST:
        raise DataError(f"{folder / INDEX} is no index of a datastore that this Onward reads. {_MEND}")
    whole = all(type(index.get(name)) is int and index[name] > 0 for name in ("vocab_size", "tokens", "ids"))
    if not whole or index.get("dtype") not in ("uint16", "uint32") or not isinstance(index.get("tokenizer_hash"), str):
        raise DataError(f"{folder / INDEX} has something missing or odd. {_MEND}")
    return index


def _map(path: Path, dtype: np.dtype[Any], items: int) -> NDArray[Any]:
    """A file as a read-only array, once its size is what the index says."""
    try:
        if path.stat().st_size != items * dtype.itemsize:
            raise DataError(
                f"{path} has {path.stat().st_size:,} bytes where its index says {items * dtype.itemsize:,}. {_MEND}"
            )
        return np.asarray(np.memmap(path, dtype=dtype, mode="r"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}). {_MEND}") from error
