"""Boilerplate: lines that belong to the web site and not to the page: menus, cookie notices, calls to subscribe.

*Known* lines read like such lines do anywhere (C4 has eight such phrases, and takes "we use cookies" in a recipe for one; these are a
hundred and twenty, each with the longest line in which it counts). *Repeated* lines stand at the edges of many documents: counted over
the whole corpus, each line once for a document, and near copies of a document as one (they mostly have the same two smallest hashes of
words, a sketch of Broder's). Both come in blocks above and below the text, so whatever short line stands between them and the edge goes
too: the name of the site, the path to the page. A text in which much is left, because its line ends are lost, is named (`remains`).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from onward.corpus.cleaning.words import listed, plain_words

EDGE = 5
"""Lines at the beginning and at the end of a document in which repetition counts."""
LEAST_DOCUMENTS = 20
LEAST_SHARE = 0.005
"""A line is repeated if it stands in so many documents and in such a share of them."""
LONGEST = 40
"""Words; longer lines are paragraphs."""
LONG_PROSE = 8
LOOKED_AT = 8000
"""Characters of a document from which its own hash is made."""
SEPARATORS = re.compile(r"\s+(?:[|›»•·>/–-]|::)\s+|\s*[|›»•·]\s*|\t+| {3,}")
ITEM_END = re.compile(r"\s*\(\d+\)\s*$|^[\s*-]+|\s+$")
SHORT_LINE = 12
"""Words of a line that goes with a block."""
MENU_LINES = 3
PHRASES = 3
WORDS = 50
SENTENCE_END = (".", "!", "?", '"', "'", "”", "’", "…")

Pairs = NDArray[np.uint64]


@dataclass(frozen=True)
class Phrase:
    """most: words of a line in which it counts.   keys: one of them is in every text that has the phrase.   find: in lower case."""

    most: int
    keys: tuple[str, ...]
    find: Callable[[str], Any]


@lru_cache
def _phrases() -> tuple[Phrase, ...]:
    found = (line.split(" | ", 2) for line in listed("boilerplate.txt"))
    return tuple(Phrase(int(most), tuple(keys.split(", ")), _finder(phrase)) for most, keys, phrase in found)


def _finder(phrase: str) -> Callable[[str], Any]:
    compiled = regex.compile(phrase.removeprefix("^"))  # `re` takes three times as long
    found: Callable[[str], Any] = compiled.match if phrase.startswith("^") else compiled.search
    return found


def _likely(lower: str) -> list[Phrase]:
    """The few phrases that can be in a text, so that not all are searched in every line."""
    return [phrase for phrase in _phrases() if any(key in lower for key in phrase.keys)]


@lru_cache
def _menu() -> frozenset[str]:
    return frozenset(listed("menu.txt"))


def _is_known(line: str, phrases: Sequence[Phrase]) -> bool:
    """Whether a line is boilerplate by what it says."""
    words = len(line.split())
    if not 0 < words <= LONGEST:
        return False
    lower = line.lower()
    return any(words <= phrase.most and phrase.find(lower) for phrase in phrases) or _is_menu(line)


def _is_menu(line: str) -> bool:
    """`Home | News | Contact`: short items between separators, or words of menus only."""
    if line.rstrip().endswith(SENTENCE_END):
        return False
    items = [ITEM_END.sub("", item).lower() for item in SEPARATORS.split(line.strip(" |›»•·*\t")) if item.strip()]
    known = sum(item in _menu() for item in items)
    if len(items) >= 3 and all(len(item.split()) <= 4 for item in items) and 3 * known >= len(items):
        return True
    words = plain_words(line)
    return 3 <= len(words) <= 14 and sum(word in _menu() for word in words) >= 0.75 * len(words)


def remains(text: str) -> str | None:
    """Why a text still is full of boilerplate, or None: PHRASES different phrases, and one for every WORDS words."""
    lower = text.lower()
    found = [match[0] for phrase in _likely(lower) if (match := phrase.find(lower))]
    words = len(text.split())
    if len(found) < PHRASES or len(found) * WORDS < words:
        return None
    return f"{len(found)} phrases of web sites in {words} words: {', '.join(found[:5])}"


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
    hashes = {zlib.crc32(" ".join(words[i : i + 4]).encode()) for i in range(max(1, len(words) - 3))}
    own = sum(smallest << (32 * i) for i, smallest in enumerate(sorted(hashes)[:2]))
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
    phrases = _likely(text.lower())
    sure = [_is_known(line, phrases) for line in lines]
    _mark_menus(lines, sure)
    again = [i for i in edges if not sure[i] and _is_repeated(lines[i], repeated)]
    if len(again) + sum(sure) > 1:  # sites say several things on every page; people, one: how they greet
        for i in again:
            sure[i] = True
    if not any(sure):
        return text, []
    gone = {i for i, one in enumerate(sure) if one} | _blocks(lines, sure)
    kept = "\n".join(line for i, line in enumerate(lines) if i not in gone)
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n"), [lines[i] for i in sorted(gone) if lines[i].strip()]


def _mark_menus(lines: list[str], sure: list[bool]) -> None:
    """A menu of one item a line: at least MENU_LINES items one below the other are sure."""
    run: list[int] = []
    for i in range(len(lines) + 1):
        if i < len(lines) and ITEM_END.sub("", lines[i].strip(" *|›»•·")).lower() in _menu():
            run.append(i)
            continue
        if len(run) >= MENU_LINES:
            for place in run:
                sure[place] = True
        run = []


def _blocks(lines: list[str], sure: list[bool]) -> set[int]:
    """What stands between sure lines and the edge of the document: site names, paths and the like.

    From each edge inwards: short lines, of which two in a row may be unsure, or one if it is a sentence; what is further in is the text.
    Sentences go only where two lines of the block are sure.
    """
    found: set[int] = set()
    for order in (range(len(lines)), range(len(lines) - 1, -1, -1)):
        block, unsure, number = list[int](), list[int](), 0
        for i in order:
            if not lines[i].strip():
                continue
            if sure[i]:
                block += unsure
                unsure, number = [], number + 1
                continue
            unsure.append(i)
            sentences = sum(_is_sentence(lines[j]) for j in unsure)
            if len(lines[i].split()) > SHORT_LINE or len(unsure) > 2 or sentences > 1:
                break
        found.update(i for i in block if number > 1 or not _is_sentence(lines[i]))
    return found


def _is_sentence(line: str) -> bool:
    return line.rstrip().endswith((*SENTENCE_END, ","))


def _is_repeated(line: str, repeated: frozenset[int]) -> bool:
    words = len(line.split())
    bare = line.rstrip()
    if not 1 < words <= LONGEST or bare.endswith((",", ":")):
        return False
    return (words >= LONG_PROSE or not bare.endswith(SENTENCE_END)) and _key(line) in repeated
