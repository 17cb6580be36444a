"""Spam: texts that sell, lure or promise, told by their phrases, shouting and addresses.

Every phrase of data/spam.txt counts once; so does each of several signs of shouting. A text is spam with POINTS of them, and at least
one for every WORDS words, so that a long article that mentions a lottery stays. Left out: polite advertisements, which only examples can
tell (`--bad`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from onward.corpus.cleaning.words import listed

POINTS = 3
WORDS = 60
ADDRESS = re.compile(
    r"https?://\S+|\bwww\.\S+|\b[a-z0-9-]+\.(?:com|net|biz|info|shop|xyz|click|ru|cn)\b", re.IGNORECASE
)
SHOUTED = re.compile(r"\b[A-Z]{4,}\b")
EXCLAMATIONS = re.compile(r"!{2,}")
PRICE = re.compile(
    r"[$€£]\s?\d|\b\d+(?:\.\d\d)? ?(?:dollars|euros|pounds)\b|\b\d{1,3} ?% (?:off|discount)|\b\d{1,3} ?(?:%|percent) off",
    re.I,
)


@lru_cache
def _phrases() -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(listed("spam.txt")) + r")")


def judge(text: str) -> str | None:
    """Why a text is spam, or None."""
    words = len(text.split())
    signs = sorted({" ".join(phrase.split()) for phrase in _phrases().findall(text.lower())})
    if not signs:
        return None
    signs += _shouting(text, words)
    if len(signs) < POINTS or len(signs) * WORDS < words:
        return None
    return f"{len(signs)} signs of spam in {words} words: {', '.join(signs[:6])}"


def _shouting(text: str, words: int) -> list[str]:
    found = []
    if len(SHOUTED.findall(text)) > max(2, 0.05 * words):
        found.append("capitals")
    if len(EXCLAMATIONS.findall(text)) > 0 or text.count("!") > max(3, words / 20):
        found.append("exclamation marks")
    if ADDRESS.search(text):
        found.append("an address")
    if PRICE.search(text):
        found.append("a price")
    return found
