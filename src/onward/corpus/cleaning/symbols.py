"""Symbol soup: lines and runs of signs that say nothing are taken out; a text that is mostly such is named.

Signs of Markdown and of arithmetic are left alone: a rule, a table, a heading and `3 + 4 = 7` are text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

COMMON = frozenset(".,;:!?'\"()-–—…‘’“”«»/%&$€£°+=*<>[]#|_~`\\^{}@·•§©®™")
"""Signs that prose, Markdown and sums use. A few of them are at home there; runs of several kinds are not."""
PROSE = frozenset(".,;:!?'\"()-–—…‘’“”«»")
MARKDOWN_LINE = re.compile(r"[\s|:\-=+*_~`#>.•·]+")
RUN = re.compile(r"[^\w\s.,;:!?'\"()\-–—…‘’“”«»]{4,}")
MOST = 0.1
"""Share of a document's words that may be signs: real text stays below 0.04 (docs/cleaning.md)."""


@lru_cache(maxsize=4096)
def _odd(character: str) -> bool:
    """A sign that no prose has. Letters, marks and numbers of any script, and white space, are none."""
    return character not in COMMON and unicodedata.category(character)[0] in "SPC" and not character.isspace()


def without_symbols(text: str) -> str:
    """Without lines that are nothing but odd signs, and without runs of four and more signs of at least three kinds."""
    if "\n" in text:
        lines = text.split("\n")
        kept = [line for line in lines if not _is_soup(line)]
        if len(kept) < len(lines):
            text = "\n".join(kept)
    return RUN.sub(lambda run: run[0] if len(set(run[0])) < 3 else "", text)


def _is_soup(line: str) -> bool:
    bare = line.strip()
    if len(bare) < 3 or any(character.isalnum() for character in bare) or MARKDOWN_LINE.fullmatch(bare):
        return False
    return all(character in COMMON or _odd(character) or character.isspace() for character in bare) and not set(
        bare
    ) <= (PROSE | {" "})


def soup(text: str) -> str | None:
    """Why a text is symbol soup, or None."""
    words = text.split()
    signs = sum(map(_is_sign, words))
    if signs > MOST * len(words) and signs > 2:
        return f"{signs} of {len(words)} words are signs"
    return None


def _is_sign(word: str) -> bool:
    """More signs than letters, of which one at least is odd or several are no punctuation: `#@!`, `☆`, `a§%$`; but not `=` or `--`."""
    if word.isalpha():
        return False
    signs = [character for character in word if not character.isalnum() and character not in PROSE]
    if any(_odd(character) for character in signs):
        return 2 * len(signs) >= len(word)
    return len(set(signs)) > 1 and 2 * len(signs) > len(word)
