"""Copies: near duplicates, made by small edits, and how near they are: the Jaccard similarity of their shingles.

A shingle is five words in a row, in lower case and without punctuation (Broder 1997, "On the resemblance and containment of documents").
An edit of case or punctuation therefore leaves a similarity of 1. Left out: exact copies, which need no making.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from onward.world.dirt.draw import GAP, Draw, Page, put_in, sentences

SHINGLE = 5
"""Words."""
FARTHEST = 0.7
"""The least similarity of a near duplicate to its original. For each one a limit is drawn evenly from here to 1."""
TRIES = 8
"""Edits that would go beyond the limit, or change nothing, before it is left at what there is."""
LOOKS_TOO = 0.4
"""Share of edited copies in which case, punctuation or white space differ, too; where no edit keeps to the limit, only these do."""


def shingles(text: str) -> set[tuple[str, ...]]:
    """Of a text with fewer than five words, all of it is one."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + SHINGLE]) for i in range(max(len(words) - SHINGLE + 1, 1))}


def jaccard(a: str, b: str) -> float:
    """Shingles that both have among those that either has."""
    first, second = shingles(a), shingles(b)
    return len(first & second) / len(first | second)


def near(draw: Draw, text: str) -> Page:
    """A copy with edits. truth: "jaccard", to the text given, to four places; "edits", in the order in which they were made."""
    limit = draw.random.uniform(FARTHEST, 1)
    found, edits, failed = text, list[str](), 0
    while failed < TRIES:
        name = draw.random.choice(tuple(EDITS))
        edited = EDITS[name](draw, found)
        if edited == found or jaccard(text, edited) < limit:
            failed += 1
        else:
            found = edited
            edits.append(name)
    if not edits or draw.chance(LOOKS_TOO):
        for name in draw.random.sample(tuple(LOOKS), len(LOOKS)):
            edited = LOOKS[name](draw, found)
            if edited not in (found, text):
                found = edited
                edits.append(name)
                break
    return Page(found, {"jaccard": round(jaccard(text, found), 4), "edits": edits})


def _at_word(draw: Draw, text: str, change: Callable[[str], str]) -> str:
    """One word of the text changed, or none where there are no words."""
    found = list(re.finditer(r"[^\W\d_]+", text))
    if not found:
        return text
    match = draw.random.choice(found)
    return text[: match.start()] + change(match[0]) + text[match.end() :]


def _another_word(draw: Draw, text: str) -> str:
    """A word for the same, where the list has one for a word of the text."""
    template = draw.template("edits", "same")
    word, other = template.split("|")
    return re.sub(rf"\b{word}\b", other, text, count=1)


def _misspelt(draw: Draw, text: str) -> str:
    """Two letters of a word change places."""

    def change(word: str) -> str:
        at = draw.random.randrange(len(word))
        return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]

    return _at_word(draw, text, change)


def _left_out(draw: Draw, text: str) -> str:
    return re.sub(r"  +", " ", _at_word(draw, text, lambda _: ""))


def _said_twice(draw: Draw, text: str) -> str:
    return _at_word(draw, text, lambda word: f"{word} {word}")


def _sentence_dropped(draw: Draw, text: str) -> str:
    """With the white space after it. The only sentence stays."""
    ends = [0, *(match.end() for match in GAP.finditer(text)), len(text)]
    if len(ends) == 2:
        return text
    at = draw.random.randrange(len(ends) - 1)
    return (text[: ends[at]] + text[ends[at + 1] :]).rstrip()


def _sentence_added(draw: Draw, text: str) -> str:
    return put_in(draw, text, draw.line("edits", "added"))


def _moved(draw: Draw, text: str) -> str:
    """Two sentences change places, where the text is one paragraph."""
    found = sentences(text)
    if len(found) < 3 or "\n" in text:
        return text
    a, b = draw.random.sample(range(len(found)), 2)
    found[a], found[b] = found[b], found[a]
    return " ".join(found)


def _loud(draw: Draw, text: str) -> str:
    """One sentence in capitals."""
    found = draw.random.choice(sentences(text))
    return text.replace(found, found.upper(), 1)


def _more_space(draw: Draw, text: str) -> str:
    return re.sub(" ", lambda _: "  " if draw.chance(0.1) else " ", text)


EDITS: dict[str, Callable[[Draw, str], str]] = {
    "another word": _another_word,
    "misspelt": _misspelt,
    "left out": _left_out,
    "said twice": _said_twice,
    "sentence dropped": _sentence_dropped,
    "sentence added": _sentence_added,
    "moved": _moved,
}
LOOKS: dict[str, Callable[[Draw, str], str]] = {
    "lower case": lambda _, text: text.lower(),
    "loud": _loud,
    "no commas": lambda _, text: text.replace(",", ""),
    "exclaimed": lambda _, text: re.sub(r"\.(?=\s|$)", "!", text),
    "a line each": lambda _, text: GAP.sub("\n", text),
    "more space": _more_space,
    "no punctuation": lambda _, text: re.sub(r"[.,;:!?]", "", text),
}
