"""Words: how a text is cut into words, for datatrove's filters, for near duplicates and for our own measures.

A word is a run of letters and digits, with apostrophes and hyphens inside; every other mark is a word of its own. The tokenisers that
datatrove assigns to a language (spaCy for English) are a hundred times larger, slower, and make the same decisions in all but a few words
in a thousand. Left out: languages that are written without spaces, which need a dictionary.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from datatrove.utils.word_tokenizers import WordTokenizer

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|_")
PLAIN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*[\"'”’)]*\s*|[.!?\n]+\s*")
WITHOUT_SPACES = ("zh", "ja", "th", "km", "lo", "my")
"""Languages whose words cannot be told apart here."""


class Words(WordTokenizer):
    """The tokeniser as datatrove's filters take one, in the place of the name of a language."""

    def __init__(self) -> None:
        super().__init__()

    def word_tokenize(self, text: str) -> list[str]:
        return WORD.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        return [stripped for sentence in SENTENCE.findall(text) if (stripped := sentence.strip())]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in SENTENCE.finditer(text)]

    def __eq__(self, other: object) -> bool:  # datatrove remembers the last texts it has cut, by text and tokeniser
        return isinstance(other, Words)

    def __hash__(self) -> int:
        return hash(Words)


def plain_words(text: str) -> list[str]:
    """The words that have a letter or a digit, in lower case."""
    return PLAIN.findall(text.lower())


@lru_cache
def listed(name: str) -> tuple[str, ...]:
    """The lines of a file in data/, without blank ones and those that begin with #."""
    lines = files("onward.corpus.cleaning").joinpath("data", name).read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
