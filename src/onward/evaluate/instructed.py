"""Instructions on the form of a reply, of which a rule says whether they were followed: strictly, and loosely.

Strictly is the reply as it stands. Loosely, an instruction counts as followed if the reply follows it as it stands, or without its first
line, its last line, both, or its asterisks: a model that says "Sure, here it is:" first has still done it. Source: IFEval (Zhou et al.
2023, arXiv 2311.07911), section 2.2. An instruction is NAME with its arguments. Checks that the world's own instructions have are theirs
(world/talk/forms.py). Left out: whether what is said makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from onward.world.talk.forms import FORMS, WHOLES, sentences

Instruction = Mapping[str, Any]


def strictly(reply: str, instructions: Sequence[Instruction]) -> list[bool]:
    """Of each instruction, whether it was followed. An empty reply follows none."""
    return [_is_followed(reply, one) for one in instructions]


def loosely(reply: str, instructions: Sequence[Instruction]) -> list[bool]:
    """Of each, whether it was followed by the reply or by what is left of it without wrappings."""
    variants = unwrapped(reply)
    return [any(_is_followed(variant, one) for variant in variants) for one in instructions]


def unwrapped(reply: str) -> list[str]:
    """The reply; without its first line, last line, both; each of these without asterisks: eight in all."""
    lines = reply.split("\n")
    parts = [lines, lines[1:], lines[:-1], lines[1:-1]]
    whole = ["\n".join(part).strip() for part in parts]
    return [text.replace("*", "") if plain else text for plain, text in product((False, True), whole)]


def _is_followed(reply: str, instruction: Instruction) -> bool:
    args = dict(instruction)
    return bool(reply.strip()) and CHECKS[args.pop("name")](reply, **args)


def times(text: str, word: str) -> int:
    """How often a word or phrase stands there, as whole words, in whatever case."""
    return len(re.findall(rf"(?<!\w){re.escape(word.lower())}(?!\w)", text.lower()))


def _bullets(reply: str) -> int:
    """Lines that begin with "- " or "* ", among whatever else."""
    return len(re.findall(r"^\s*[-*] +\S", reply, re.MULTILINE))


def _paragraphs(reply: str) -> int:
    """Parted by empty lines."""
    return len([part for part in re.split(r"\n\s*\n", reply) if part.strip()])


def _capitals(reply: str) -> int:
    """Words in capital letters, of two letters or more."""
    return sum(word.isupper() and len(word) > 1 for word in re.findall(r"[^\W\d_]+", reply))


CHECKS: dict[str, Callable[..., bool]] = {
    "words at least": lambda reply, count: len(reply.split()) >= count,
    "words at most": lambda reply, count: len(reply.split()) <= count,
    "sentences": lambda reply, count: len(sentences(reply)) == count,
    "paragraphs": lambda reply, count: _paragraphs(reply) == count,
    "bullets": lambda reply, count: _bullets(reply) == count,
    "list": FORMS["list"].check,
    "numbered": FORMS["numbered"].check,
    "json": FORMS["json"].check,
    "keyword": lambda reply, word, count: times(reply, word) == count,
    "keywords": lambda reply, words: all(times(reply, word) for word in words),
    "forbidden": lambda reply, words: not any(times(reply, word) for word in words),
    "letter": lambda reply, letter, count: reply.lower().count(letter) >= count,
    "without": FORMS["without"].check,
    "no commas": lambda reply: "," not in reply,
    "capitals": WHOLES["capitals"].check,
    "lower": WHOLES["lower"].check,
    "capital words": lambda reply, count: _capitals(reply) >= count,
    "quotes": WHOLES["quotes"].check,
    "begin": lambda reply, text: reply.strip().startswith(text),
    "end": lambda reply, text: reply.strip().endswith(text),
    "title": lambda reply: bool(re.search(r"<<[^<>\n]*\w[^<>\n]*>>", reply)),
    "blanks": lambda reply, count: len(re.findall(r"\[[^\[\]\n]+\]", reply)) >= count,
    "postscript": lambda reply: bool(re.search(r"^\s*P\.S\.\s*\S", reply, re.MULTILINE)),
}
