"""Broken encodings: mended where the bytes can still be told (ftfy), and named where they cannot.

Mojibake is text that was written in one encoding and read in another ("cafÃ©"): the change can be undone. A replacement character, or a
question mark in the middle of words, has taken the place of a letter, and no rule brings that back.
Left out: changes of taste. Curly quotes, ligatures and wide characters stay as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

from datatrove.pipeline.formatters import FTFYFormatter
from ftfy.badness import badness

LOST = "\ufffd"
PLAIN = re.compile(r"[\n\t -~]*")
QUESTION_MARK_INSIDE = re.compile(r"[^\W\d_]\?[^\W\d_]")
TWO_ALPHABETS = re.compile("[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]|[\u0400-\u052f][\u2013-\u203a\u20ac\u2116]")
"""Latin beside Greek or Cyrillic letters in a word: accents and quotes that were read as Windows-1251 or ISO 8859-7."""
MOST_LOST = 0.005
"""Share of words with a lost letter above which a document is dropped: one in two hundred, a misprint a page."""
MOST_BAD = 0.01
"""Sequences that look like mojibake, for each word, after mending: prose has none, and a list of foreign names a few."""


@lru_cache
def _formatter() -> FTFYFormatter:
    return FTFYFormatter(unescape_html=False)  # entities are a matter of markup.py


def mended(text: str) -> str:
    """The text with mojibake undone and control characters gone; the same text where there is nothing to mend."""
    if PLAIN.fullmatch(text):
        return text
    fixed: str = _formatter().format(text)
    return fixed


def without_lost(text: str) -> str:
    """Without replacement characters, of which a document that is kept has few."""
    return text.replace(LOST, "")


def damage(text: str) -> str | None:
    """Why a text is beyond repair, or None."""
    if text.isascii() and "?" not in text:
        return None
    words = max(len(text.split()), 1)
    lost = text.count(LOST) + len(QUESTION_MARK_INSIDE.findall(text))
    if lost > MOST_LOST * words and lost > 1:
        return f"letters are lost: {lost} in {words} words"
    if text.isascii():
        return None
    bad = badness(text) + len(TWO_ALPHABETS.findall(text))
    if bad > MOST_BAD * words and bad > 1:
        return f"characters that no language puts together: {bad} places in {words} words"
    return None
