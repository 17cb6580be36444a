"""The words that are spelled, and whose letters are counted: some seven hundred, which of them are held out, and groups of them.

Words of more than LONGEST letters are never spelled in training, nor are the held-out ones of those that are not longer. Left out: words
with a capital, a hyphen or a blank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from random import Random

from onward.world.exercises.exercise import Wanted, is_held_out
from onward.world.words import table, words

LONGEST = 7
"""Letters of the longest words that are spelled in training."""
LISTS = ("job", "animal", "drink", "hobby", "trade", "colour", "things.object", "things.container", "things.room")
FEWEST = 4
"""Words that there are at least for each answer in training: with fewer, the answer would give away the word."""

Groups = Mapping[str, Sequence[str]]
"""Words by what is asked of them: those of three letters, those that begin with a."""


@cache
def all_words() -> tuple[str, ...]:
    found = [word for name in LISTS for word in words(name)]
    found += [*table("words")["food"], *words("words", "spelling")]
    return tuple(dict.fromkeys(word for word in found if word.isalpha()))


@cache
def vocabulary(wanted: Wanted) -> tuple[str, ...]:
    """Those of which just that is held out which is wanted."""
    if wanted.length:
        return tuple(word for word in all_words() if len(word) > LONGEST)
    short = (word for word in all_words() if len(word) <= LONGEST)
    return tuple(word for word in short if is_held_out(word) == wanted.content)


def grouped(found: Iterable[str], key: Callable[[str], str], fewest: int) -> Groups:
    """By their keys, without the groups that are too small."""
    groups: dict[str, list[str]] = {}
    for word in found:
        groups.setdefault(key(word), []).append(word)
    return {key: group for key, group in sorted(groups.items()) if len(group) >= fewest}


def fewest(wanted: Wanted) -> int:
    """Tests may ask for a word again."""
    return 1 if wanted.content or wanted.length else FEWEST


def draw(random: Random, groups: Groups) -> tuple[str, str]:
    """A key and a word. Each key is as likely as the others, however many words it has."""
    key = random.choice(list(groups))
    return key, random.choice(groups[key])
