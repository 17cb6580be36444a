"""Word salad: a text whose words are no more likely in their order than in any other.

Every word is put into one of some 500 classes: the words that hold English sentences together each in one of their own, all others by
their ending, capital and digits. How often one class follows another is counted over the whole corpus that is cleaned, so nothing has to
be known of it beforehand. The *order gain* of a text is the mean of log P(class | class before) - log P(class) over its words, in nats;
the text's own counts are taken off first. Grammatical text gains, a shuffled one does not.
Left out: salad made of whole phrases, and corpora of fewer than FEW_PAIRS words, from which no order can be learned.
"""

from __future__ import annotations

import math
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onward.corpus.cleaning.words import WORD, listed

ENDINGS = 128
MARKS = '.,;:!?"()-'
SMOOTHING = 20.0
"""How many observations the overall frequency of a class is worth against those after one class."""
FEW_PAIRS = 5_000
SHORT = 20
"""Words below which a text is not judged: its mean is too uncertain."""
LEAST = 0.25
"""Order gain, in nats a word, that a text must have."""

Counts = NDArray[np.int64]


@lru_cache
def _own_classes() -> dict[str, int]:
    return {word: i for i, word in enumerate((*listed("english.txt"), *MARKS))}


def classes() -> int:
    return len(_own_classes()) + 3 + 2 * ENDINGS


@lru_cache(maxsize=65536)
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
    found = np.fromiter((word_class(word) for word in WORD.findall(text)), dtype=np.int64)
    return found[:-1] * classes() + found[1:]


def empty_counts() -> Counts:
    return np.zeros(classes() ** 2, dtype=np.int64)


class WordOrder:
    """What a corpus says about the order of words.   counts: (classes²,), how often each pair was seen."""

    def __init__(self, counts: Counts) -> None:
        size = classes()
        self.counts = counts.reshape(size, size)
        self.before = self.counts.sum(1)
        self.after = self.counts.sum(0)
        self.total = int(self.counts.sum())

    def gain(self, text: str) -> float | None:
        """Order gain of a text of this corpus, in nats a word; None where it cannot be judged."""
        found = pairs(text)
        if len(found) < SHORT or self.total - len(found) < FEW_PAIRS:
            return None
        before, after = np.divmod(found, classes())
        own_pairs, own_before, own_after = (_times(values) for values in (found, before, after))
        together = self.counts[before, after] - own_pairs
        overall = (self.after[after] - own_after + 1) / (self.total - len(found) + classes())
        after_this = (together + SMOOTHING * overall) / (self.before[before] - own_before + SMOOTHING)
        return float(np.log(after_this / overall).mean())

    def judge(self, text: str) -> str | None:
        """Why a text is word salad, or None. In a short text the mean may be lower by chance: a standard error of one nat over √words."""
        gain = self.gain(text)
        if gain is None:
            return None
        least = LEAST - 1.0 / math.sqrt(len(text.split()))
        return f"words gain {gain:.2f} nats from their order, and need {least:.2f}" if gain < least else None


def _times(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each value, how often it occurs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse]
