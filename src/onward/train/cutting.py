"""Cutting: documents into token shards, what is learned from and what is held out in one reading, on all cores.

The main thread reads and writes, while a few others keep the `tokenizers` library, which has threads of its own, busy with what was read
before. What is in memory is bounded by the text between the two, however long the corpus or a document in it. Left out: several
processes; reading and writing are a small part of the work until some dozens of cores tokenise.
"""

from __future__ import annotations

import os
import re
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onward.corpus.read import Document
from onward.corpus.split import split_documents
from onward.errors import DataError, TokenizerError
from onward.files import new_folder
from onward.tokens.tokenizer import Tokenizer
from onward.train.shards import ShardWriter

TRAIN, HELD_OUT = "train", "held-out"
AT_ONCE = 2**20
"""Characters that are tokenised together. The library wants about a hundred bytes for each of them while it works."""
PIECE = 2**17
"""Characters after which a document is cut for the tokeniser, so that a long one is spread over the cores too."""
LOOK_BACK = 2**12
"""Characters before the end of a piece among which a place to cut is looked for."""
BETWEEN_WORDS = re.compile(r"(?<=\S)(?= \S)|(?<=\S\n)(?=\S)")
"""Where no pre-tokeniser in wide use has a token across: before a single blank, or after a single line end."""

Ids = NDArray[np.uint32]


def cut(documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> None:
    """Token shards of both sides of the split, in the folders TRAIN and HELD_OUT of a new folder, which appears whole.

    Raises DataError: too little text for two sides; a document that the tokeniser cannot take.
    """
    with new_folder(folder) as beside:
        for name in (TRAIN, HELD_OUT):
            (beside / name).mkdir()
        vocab_size = tokenizer.highest_id + 1
        with ShardWriter(beside / TRAIN, vocab_size) as train, ShardWriter(beside / HELD_OUT, vocab_size) as held_out:
            for ids, size, is_held_out in encoded(tokenizer, split_documents(documents)):
                (held_out if is_held_out else train).add(ids, None, size)
            for writer, purpose in ((train, "train on"), (held_out, "hold any of it out")):
                if not writer.tokens:
                    raise DataError(f"too little text to {purpose}. Give at least a few sentences.")
                writer.finish(tokenizer.hash, {})


def encoded(
    tokenizer: Tokenizer, documents: Iterable[tuple[Document, bool]], *, at_once: int = AT_ONCE, piece: int = PIECE
) -> Iterator[tuple[Ids, int, bool]]:
    """Token ids, UTF-8 bytes and side of each document, in their order.

    A document of more than `piece` characters is cut between words for the tokeniser, and its ids are joined again: the same ids as of
    the whole for tokenisers that cut words first. Others, and texts without blanks and line ends, may have another token at such a
    place. Raises DataError naming the documents among which is one that the tokeniser cannot take.
    """
    held: list[Ids] = []
    size = 0
    for part, ids in _ahead(tokenizer, _groups(_parts(documents, piece), at_once)):
        held.append(ids)
        size += len(part.text.encode())
        if part.is_last:
            yield held[0] if len(held) == 1 else np.concatenate(held), size, part.is_held_out
            held, size = [], 0


@dataclass(frozen=True)
class Part:
    """A piece of a document, or all of it."""

    text: str
    document: Document
    is_held_out: bool
    is_last: bool


def _parts(documents: Iterable[tuple[Document, bool]], piece: int) -> Iterator[Part]:
    for document, is_held_out in documents:
        text, start = document.text, 0
        while len(text) - start > piece:
            end = _between_words(text, start, start + piece)
            yield Part(text[start:end], document, is_held_out, False)
            start = end
        yield Part(text[start:], document, is_held_out, True)


def _between_words(text: str, start: int, end: int) -> int:
    """The last place to cut before `end`; or `end`, where there is none near it."""
    places = [found.start() for found in BETWEEN_WORDS.finditer(text, max(start + 1, end - LOOK_BACK), end)]
    return places[-1] if places else end


def _groups(parts: Iterable[Part], at_once: int) -> Iterator[list[Part]]:
    """Parts in groups of about `at_once` characters, whether they are short or long."""
    group: list[Part] = []
    held = 0
    for part in parts:
        group.append(part)
        held += len(part.text)
        if held >= at_once:
            yield group
            group, held = [], 0
    if group:
        yield group


def _ahead(tokenizer: Tokenizer, groups: Iterable[list[Part]]) -> Iterator[tuple[Part, Ids]]:
    """Every part with its ids, in order; groups that follow are tokenised meanwhile.

    Two threads at least: while one turns what the library has found into arrays, the other's group keeps its cores busy.
    """
    threads = 1 + -(-(os.cpu_count() or 1) // 8)
    tokenizer.encode("")  # makes ready what the threads share
    waiting: deque[tuple[list[Part], Future[list[Ids]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="tokenise") as pool:
        try:
            for group in groups:
                waiting.append((group, pool.submit(_encode, tokenizer, group)))
                if len(waiting) > threads:
                    yield from _next(waiting)
            while waiting:
                yield from _next(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an error or Ctrl-C, what waits is not begun


def _next(waiting: deque[tuple[list[Part], Future[list[Ids]]]]) -> Iterator[tuple[Part, Ids]]:
    group, found = waiting.popleft()
    return zip(group, found.result(), strict=True)


def _encode(tokenizer: Tokenizer, group: Sequence[Part]) -> list[Ids]:
    try:
        found = tokenizer.encode_batch([part.text for part in group])
    except TokenizerError as error:
        first = group[0].document
        raise DataError(f"{first.source}, from document {first.number}: {error}") from error
    return [_array(ids) for ids in found]


def _array(ids: list[int]) -> Ids:
    """A list as an array; by way of `array`, which is several times faster than numpy with Python's numbers."""
    return np.frombuffer(array("I", ids), dtype=np.uint32) if ids else np.empty(0, dtype=np.uint32)
