"""Boilerplate: lines that belong to the web site and not to the page: menus, cookie notices, calls to subscribe.

Two kinds. *Known* lines read like such lines do anywhere (C4 has eight such phrases, and takes "we use cookies" in a recipe for one; these
are forty). *Repeated* lines stand at the beginning or end of many documents: counted over the whole corpus, each line once for a document,
and near copies of a document as one (they have mostly the same smallest hash of their words: one MinHash). Lines that are prose are taken
for repeated boilerplate only if they are long, since letters and dialogues repeat short ones.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onward.corpus.cleaning.words import listed, plain_words

EDGE = 5
"""Lines at the beginning and at the end of a document in which repetition counts."""
LEAST_DOCUMENTS = 10
LEAST_SHARE = 0.005
"""A line is repeated if it stands in so many documents and in such a share of them."""
LONGEST = 40
"""Words; longer lines are paragraphs."""
LONG_PROSE = 8
LOOKED_AT = 8000
"""Characters of a document from which its own hash is made."""
SEPARATORS = re.compile(r"\s+[|›»•·>/–-]\s+|\s*[|›»•·]\s*|\t+| {3,}")
SENTENCE_END = (".", "!", "?", '"', "'", "”", "’", "…")

Pairs = NDArray[np.uint64]


@lru_cache
def _phrases() -> tuple[tuple[int, re.Pattern[str]], ...]:
    """The most words of a line, and what is searched in it."""
    found = (line.split(" ", 1) for line in listed("boilerplate.txt"))
    return tuple((int(most), re.compile(phrase, re.IGNORECASE)) for most, phrase in found)


@lru_cache
def _menu() -> frozenset[str]:
    return frozenset(listed("menu.txt"))


def is_known(line: str) -> bool:
    """Whether a line is boilerplate by what it says."""
    words = line.split()
    if not 0 < len(words) <= LONGEST:
        return False
    return any(len(words) <= most and phrase.search(line) for most, phrase in _phrases()) or _is_menu(line)


def _is_menu(line: str) -> bool:
    """`Home | News | Contact`: short items between separators, or words of menus only."""
    if line.rstrip().endswith(SENTENCE_END):
        return False
    items = [item.strip() for item in SEPARATORS.split(line.strip(" |›»•·\t")) if item.strip()]
    known = sum(item.lower() in _menu() for item in items)
    if len(items) >= 3 and all(len(item.split()) <= 4 for item in items) and known >= 1:
        return True
    words = plain_words(line)
    return 3 <= len(words) <= 14 and sum(word in _menu() for word in words) >= 0.75 * len(words)


def _key(line: str) -> int:
    """64 bits for a line; digits are all the same, so that dates and counters do not hide that it is repeated."""
    same = re.sub(r"\d+", "0", " ".join(line.lower().split()))
    return int.from_bytes(hashlib.blake2b(same.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _edges(lines: list[str]) -> Iterable[int]:
    """The places of the first and last lines that are not blank."""
    filled = [i for i, line in enumerate(lines) if line.strip()]
    return dict.fromkeys(filled[:EDGE] + filled[-EDGE:])


def line_pairs(text: str) -> Pairs:
    """The lines at a document's edges, each with the document's own hash.   Returns (lines, 2)."""
    lines = text.split("\n")
    keys = {_key(lines[i]) for i in _edges(lines) if len(lines[i].split()) <= LONGEST}
    words = plain_words(text[:LOOKED_AT])
    own = min(zlib.crc32(" ".join(words[i : i + 4]).encode()) for i in range(max(1, len(words) - 3)))
    return np.array([(key, own) for key in sorted(keys)], dtype=np.uint64).reshape(-1, 2)


def repeated_lines(pairs: Pairs, documents: int) -> NDArray[np.uint64]:
    """The keys of the lines that are repeated, sorted.   pairs: (lines, 2), of all documents."""
    unique = np.unique(pairs, axis=0) if len(pairs) else pairs.reshape(-1, 2)
    keys, counts = np.unique(unique[:, 0], return_counts=True)
    return keys[counts >= max(LEAST_DOCUMENTS, LEAST_SHARE * documents)]


def without_boilerplate(text: str, repeated: frozenset[int]) -> tuple[str, list[str]]:
    """The text without such lines, and the lines. The same text where there are none."""
    lines = text.split("\n")
    edges = set(_edges(lines))
    gone = {i for i, line in enumerate(lines) if is_known(line) or (i in edges and _is_repeated(line, repeated))}
    if not gone:
        return text, []
    kept = "\n".join(line for i, line in enumerate(lines) if i not in gone)
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n"), [lines[i] for i in sorted(gone)]


def _is_repeated(line: str, repeated: frozenset[int]) -> bool:
    words = len(line.split())
    bare = line.rstrip()
    if not 1 < words <= LONGEST or bare.endswith((",", ":")):
        return False
    return (words >= LONG_PROSE or not bare.endswith(SENTENCE_END)) and _key(line) in repeated
