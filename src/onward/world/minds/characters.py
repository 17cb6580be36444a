"""Characters: invented people for stories and puzzles, who have a first name and a gender and nothing else.

Left out: the people of the world (population.py), of whom more is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from onward.world import grammar
from onward.world.entities import Gender
from onward.world.words import words

GENDERS: tuple[Gender, ...] = ("female", "male")


@dataclass(frozen=True)
class Character:
    name: str
    gender: Gender

    @property
    def slots(self) -> dict[str, str]:
        """{who}, {they} and so on, as in grammar.py."""
        return grammar.mention(self.gender, self.name, self.name, "full")


def cast(random: Random, genders: Sequence[Gender]) -> list[Character]:
    """One of each gender asked for, all with different names."""
    names = {gender: random.sample(words(gender, "names"), len(genders)) for gender in GENDERS}
    return [Character(names[gender].pop(), gender) for gender in genders]
