"""Word salad: a text whose words are no more likely in their order than in any other.

Every word is put into one of some 500 classes: the words that hold English sentences together each in one of their own, all others by
their ending, capital and digits. How often one class follows another is counted over the whole corpus that is cleaned; for English, the
counts of a million words of public-domain books are added (data/english_order.npz), so that a kind of text of which the corpus has little
is not taken for disorder. What order tells is the mean of log P(class | class before) - log P(class) over a text's words, the text's own
counts taken off. The *order gain* is how much more that is than for the same words shuffled, in nats a word: salad gains nothing, and
grammatical text does.
Left out: salad made of whole phrases; and, in other languages, corpora of fewer than FEW_PAIRS words, which teach no order.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from importlib.resources import files
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from onward.corpus.cleaning.words import WORD, listed

ENDINGS = 128
MARKS = '.,;:!?"()-'
SMOOTHING = 20.0
"""How many observations the overall frequency of a class is worth against those after one class."""
MOST_TOLD = 2.0
"""Nats that one word counts at most, for or against: a few rare pairs shall not decide."""
FEW_PAIRS = 5_000
SHORT = 20
"""Words below which a text is not judged: its mean is too uncertain."""
LOOKED_AT = 2000
"""Characters of a text."""
LEAST = 0.35
"""Order gain, in nats a word, that a text must have (docs/cleaning.md)."""
SHUFFLES = 3

Counts = NDArray[np.int64]


@lru_cache
def _own_classes() -> dict[str, int]:
    return {word: i for i, word in enumerate((*listed("english.txt"), *MARKS))}


def classes() -> int:
    return len(_own_classes()) + 3 + 2 * ENDINGS


def word_class(word: str) -> int:
    """The class of a word; the same on every machine."""
    own = _own_classes()
    lower = word.lower()
    if lower in own:
        return own[lower]
    if word[0].isdigit():
        return len(own)
    if not word[0].isalpha():
        return len(own) + 1
    ending = zlib.crc32(lower[-3:].encode()) % ENDINGS
    return len(own) + 3 + ending + ENDINGS * word[0].isupper()


def pairs(text: str) -> NDArray[np.int64]:
    """Each two neighbouring words of a text as one number: class before times the number of classes, plus class."""
    return _paired(_classes(text)[0])


def _classes(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The classes of a text's words; and how many of them stand together between white space, a word with the marks at it."""
    chunks = [_chunk_classes(chunk) for chunk in text[:LOOKED_AT].split()]
    return np.array(list(chain.from_iterable(chunks)), np.int64), np.array(list(map(len, chunks)), np.int64)


@lru_cache(maxsize=65536)
def _chunk_classes(chunk: str) -> tuple[int, ...]:
    return tuple(map(word_class, WORD.findall(chunk)))


def _shuffled(found: NDArray[np.int64], lengths: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    """The chunks in another order."""
    order = chance.permutation(len(lengths))
    starts, sizes = (np.cumsum(lengths) - lengths)[order], lengths[order]
    return found[np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(found))]


def _paired(found: NDArray[np.int64]) -> NDArray[np.int64]:
    return found[:-1] * classes() + found[1:]


def empty_counts() -> Counts:
    return np.zeros(classes() ** 2, dtype=np.int64)


def english_counts() -> Counts:
    """How often each pair stands in a million words of English books (benchmarks/word_order.py)."""
    counts = empty_counts()
    with (
        files("onward.corpus.cleaning").joinpath("data", "english_order.npz").open("rb") as file,
        np.load(file) as found,
    ):
        counts[np.cumsum(found["steps"], dtype=np.int64)] = found["times"]
    return counts


class WordOrder:
    """What is known about the order of words.   counts: (classes²,), how often each pair was seen, the texts to be judged included."""

    def __init__(self, counts: Counts) -> None:
        size = classes()
        self.counts = counts.reshape(size, size)
        self.before = self.counts.sum(1)
        self.after = self.counts.sum(0)
        self.total = int(self.counts.sum())

    def gain(self, text: str) -> float | None:
        """How much more its own order tells than SHUFFLES others, in nats a word; None where it cannot be judged."""
        words, lengths = _classes(text)
        found = _paired(words)
        if len(found) < SHORT or self.total - len(found) < FEW_PAIRS:
            return None
        own = _Own(found)
        chance = np.random.default_rng(zlib.crc32(text.encode("utf-8", "surrogatepass")))
        others = np.concatenate([_paired(_shuffled(words, lengths, chance)) for _ in range(SHUFFLES)])
        return self._told(found, own) - self._told(others, own)

    def _told(self, found: NDArray[np.int64], own: _Own) -> float:
        """The mean of log P(class | class before) - log P(class), without what the text itself has added to the counts."""
        before, after = np.divmod(found, classes())
        once = self.after[after] - own.times(own.after, after)
        overall = (np.maximum(once, 0) + 1) / (max(self.total - own.size, 1) + classes())
        together = np.maximum(self.counts[before, after] - own.times(own.pairs, found), 0)  # lines may have gone since
        first = np.maximum(self.before[before] - own.times(own.before, before), together)
        told = np.log((together + SMOOTHING * overall) / (first + SMOOTHING) / overall)
        return float(np.clip(told, -MOST_TOLD, MOST_TOLD).mean())

    def judge(self, text: str) -> str | None:
        """Why a text is word salad, or None."""
        gain = self.gain(text)
        if gain is None or gain >= LEAST:
            return None
        return f"its order tells {gain:.2f} nats a word more than others would, and {LEAST:.2f} are the least"


class _Own:
    """How often a text has each pair, each class before and each class after: what it has added to the counts of the corpus."""

    def __init__(self, found: NDArray[np.int64]) -> None:
        self.size = len(found)
        self.pairs = np.unique(found, return_counts=True)
        self.before = np.unique(found // classes(), return_counts=True)
        self.after = np.unique(found % classes(), return_counts=True)

    @staticmethod
    def times(counted: tuple[NDArray[np.int64], NDArray[np.int64]], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        values, counts = counted
        at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
        return np.where(values[at] == wanted, counts[at], 0)
