"""Rude and harmful language, told by words: a short list of our own, and any words that the user adds.

A text is dropped with one such word in a hundred and fifty, or a single one in a hundred: a novel in which somebody curses stays. Words
with an innocent sense ("ass", "cock", "bloody") are not on the list. Left out: cruelty in clean words, which only examples can tell
(`--bad`), and other languages, for which the user gives a list (`--rude-words`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from onward.corpus.cleaning.words import listed
from onward.errors import DataError

RATE, ALONE = 0.007, 0.01
"""Rude words a word from which a text is dropped; and if there is only one."""


def words_of(files: Sequence[str]) -> tuple[str, ...]:
    """The words in some files, one a line; `#` begins a remark.   Raises DataError."""
    found: list[str] = []
    for file in files:
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise DataError(
                f"--rude-words {file} cannot be read: {why}. Give a text file with one word a line."
            ) from error
        found += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return tuple(dict.fromkeys(found))


def rude(more: Sequence[str] = ()) -> Callable[[str], str | None]:
    """A function that says why a text is rude, or None. more: further words; an asterisk at the end stands for any ending."""
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(_expression, (*listed("rude.txt"), *more))) + r")(?!\w)")

    def judge(text: str) -> str | None:
        found = pattern.findall(text.lower())
        words = len(text.split())
        if not found or len(found) < (ALONE if len(found) == 1 else RATE) * words:
            return None
        return f"{len(found)} rude words in {words}"

    return judge


def _expression(word: str) -> str:
    """Its regular expression; blanks match any white space."""
    escaped = r"\s+".join(map(re.escape, word.lower().removesuffix("*").split()))
    return escaped + r"\w*" if word.endswith("*") else escaped
