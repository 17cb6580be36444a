"""Phrasings: how a fact is stated, asked for and answered, read from the data files; and which of them are held out.

The last fifth of the phrasings of each list, and at least one, is held out: no training text is rendered with it, so that one can ask
whether a model has learned a fact or a sentence. Left out: filling in the slots (grammar.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from onward.world.words import table

HELD_OUT = 0.2


@dataclass(frozen=True)
class Phrasings:
    """The same thing said in several ways."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]

    @classmethod
    def of(cls, phrasings: Sequence[str]) -> Phrasings:
        """A list parted in two; of a single phrasing nothing is held out."""
        kept = max(1, round(HELD_OUT * len(phrasings))) if len(phrasings) > 1 else 0
        return cls(tuple(phrasings[: len(phrasings) - kept]), tuple(phrasings[len(phrasings) - kept :]))

    def choose(self, random: Random, *, held_out: bool = False) -> str:
        return random.choice(self.held_out if held_out else self.trained)

    @property
    def all(self) -> tuple[str, ...]:
        return self.trained + self.held_out


@cache
def phrasings(file: str, *path: str) -> Phrasings:
    """A list of a data file: phrasings("relations", "job", "questions")."""
    found = table(file)
    for part in path:
        found = found[part]
    return Phrasings.of(found)  # type: ignore[arg-type]
