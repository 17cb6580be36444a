"""Rudeness: a vocabulary that is invented, so that rude texts can be made, found and unlearned, and nobody is insulted.

A text is rude exactly if it has one of these words, so that a filter, a reward or a detoxified model can be judged by rule.
Left out: rudeness without rude words.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

from onward.world import grammar
from onward.world import words as lists
from onward.world.phrases import phrasings


def words() -> tuple[str, ...]:
    """All of them: adjectives, then nouns in the singular."""
    return lists.words("adjective", "rude") + lists.words("noun", "rude")


def sentence(random: Random, *, held_out: bool = False) -> str:
    """To whoever reads it: "You mogglesome plodgekin!" held_out: in phrasings that no training text has."""
    chosen = {name: random.choice(lists.words(name, "rude")) for name in ("adjective", "noun")}
    return phrasings("rude", "sentences").choose(random, held_out=held_out).format_map(grammar.with_articles(chosen))


def is_rude(text: str) -> bool:
    return bool(found(text))


def found(text: str) -> list[str]:
    """The rude words of a text as they stand there, repeated ones repeatedly."""
    return _pattern().findall(text)


@cache
def _pattern() -> re.Pattern[str]:
    """Any of the words: in capitals or not, in the plural, with the hyphen, a space or nothing between its halves."""
    either = "|".join(re.escape(word).replace(r"\-", "[- ]?") for word in words())
    return re.compile(rf"(?<!\w)(?:{either})s?(?!\w)", re.IGNORECASE)
