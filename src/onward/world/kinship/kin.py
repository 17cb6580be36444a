"""Kin: what relatives are called, and by which chains of steps one comes from a person to them.

A step goes to a parent, a child, a brother or sister, or a husband or wife. A chain in words, ("mother", "brother"), is a path whose
people have genders; what it comes to, "uncle", has one, too. Nobody is on a chain twice.
Left out: divorce, step-relatives and half-relatives, and relatives further away than a cousin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

from onward.world.entities import Gender, Person
from onward.world.minds.characters import GENDERS
from onward.world.world import World

STEPS: dict[str, dict[Gender, str]] = {
    "parent": {"female": "mother", "male": "father"},
    "child": {"female": "daughter", "male": "son"},
    "sibling": {"female": "sister", "male": "brother"},
    "spouse": {"female": "wife", "male": "husband"},
}
INVERSE = {"parent": "child", "child": "parent", "sibling": "sibling", "spouse": "spouse"}
STEP_OF = {word: (step, gender) for step, by in STEPS.items() for gender, word in by.items()}
MOST_STEPS = 3

Path = tuple[str, ...]


@dataclass(frozen=True)
class Relative:
    """female, male: what such a relative is called.   paths: every way there that is told of, the shortest first."""

    female: str
    male: str
    paths: tuple[Path, ...]

    def term(self, gender: Gender) -> str:
        return self.female if gender == "female" else self.male


def _relative(female: str, male: str, *paths: str) -> Relative:
    return Relative(female, male, tuple(tuple(path.split()) for path in paths))


RELATIVES = (
    _relative("mother", "father", "parent", "sibling parent"),
    _relative("daughter", "son", "child", "child sibling"),
    _relative("sister", "brother", "sibling", "parent child", "sibling sibling"),
    _relative("wife", "husband", "spouse"),
    _relative("grandmother", "grandfather", "parent parent", "sibling parent parent", "parent sibling parent"),
    _relative("granddaughter", "grandson", "child child", "child child sibling", "child sibling child"),
    _relative("aunt", "uncle", "parent sibling", "parent sibling spouse", "parent parent child"),
    _relative("niece", "nephew", "sibling child", "spouse sibling child", "parent child child"),
    _relative("cousin", "cousin", "parent sibling child"),
    _relative("mother-in-law", "father-in-law", "spouse parent", "spouse sibling parent"),
    _relative("daughter-in-law", "son-in-law", "child spouse", "child sibling spouse"),
    _relative("sister-in-law", "brother-in-law", "spouse sibling", "sibling spouse", "spouse parent child"),
)
TERMS = tuple(dict.fromkeys(relative.term(gender) for relative in RELATIVES for gender in GENDERS))


@cache
def chains() -> dict[str, tuple[tuple[str, ...], ...]]:
    """For each term all chains in words that come to it, from one step to three. A husband is a man, and his wife a woman."""
    found: dict[str, list[tuple[str, ...]]] = {term: [] for term in TERMS}
    for relative in RELATIVES:
        for path in relative.paths:
            for genders in product(GENDERS, repeat=len(path)):
                couples = (i for i, step in enumerate(path) if i and step == "spouse")
                if all(genders[i] != genders[i - 1] for i in couples):
                    words = tuple(STEPS[step][gender] for step, gender in zip(path, genders, strict=True))
                    found[relative.term(genders[-1])].append(words)
    return {term: tuple(those) for term, those in found.items()}


@dataclass(frozen=True)
class Chain:
    """People of the world, each one step from the one before, and in words what each is to that one."""

    people: tuple[Person, ...]
    words: tuple[str, ...]

    @property
    def end(self) -> Person:
        return self.people[-1]

    def as_data(self) -> list[list[str | None]]:
        """For records: `[[a, "father", b], [b, "sister", c]]`, where b is a's father."""
        return [[a.name, word, b.name] for (a, b), word in zip(pairwise(self.people), self.words, strict=True)]


class Family:
    """People of the world who may be related to each other, and the steps between them that the world knows of."""

    def __init__(self, world: World, people: Sequence[Person]) -> None:
        self.people = {person.index: person for person in people}
        self.steps: dict[str, dict[int, list[Person]]] = {
            "parent": {p.index: [q for q in (world.mother(p), world.father(p)) if q is not None] for p in people},
            "child": {p.index: world.children(p) for p in people},
            "sibling": {p.index: world.siblings(p) for p in people},
            "spouse": {p.index: [q for q in (world.spouse(p),) if q is not None] for p in people},
        }

    def relatives(self, person: Person) -> dict[str, list[Chain]]:
        """All of a person's relatives by what they are called, each with the shortest chain that leads there."""
        found: dict[str, list[Chain]] = {}
        reached = {person.index}
        for path, relative in sorted(((p, r) for r in RELATIVES for p in r.paths), key=lambda one: len(one[0])):
            chains = [Chain((person,), ())]
            for step in path:
                chains = [longer for chain in chains for longer in self._continued(chain, step)]
            for chain in chains:
                if chain.end.index not in reached:
                    reached.add(chain.end.index)
                    found.setdefault(relative.term(chain.end.gender), []).append(chain)
        return found

    def chains(self, person: Person) -> dict[int, list[Chain]]:
        """By number of steps, all chains whose words mean one person only, at each step."""
        found = {0: [Chain((person,), ())]}
        for length in range(1, MOST_STEPS + 1):
            found[length] = [
                longer
                for chain in found[length - 1]
                for step in STEPS
                for longer in self._continued(chain, step)
                if sum(q.gender == longer.end.gender for q in self.steps[step][chain.end.index]) == 1
            ]
        return {length: chains for length, chains in found.items() if length and chains}

    def _continued(self, chain: Chain, step: str) -> list[Chain]:
        """By one step, to people who are not on it."""
        on_it = {person.index for person in chain.people}
        return [
            Chain((*chain.people, q), (*chain.words, STEPS[step][q.gender]))
            for q in self.steps[step][chain.end.index]
            if q.index not in on_it
        ]
