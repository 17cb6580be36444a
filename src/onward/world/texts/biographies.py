"""Biographies: every fact about a person, in any order, each in one of its phrasings; raw text for a base model.

The first sentence has the full name; later ones the first name or a pronoun, so that to learn the facts one has to learn who she and he
are. Every person has `copies` of them, each with other phrasings in another order: facts that are told in one way only can be recited,
but not used (Allen-Zhu and Li 2023, "Physics of Language Models: Part 3.1", arXiv 2309.14316, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world.entities import Person
from onward.world.grammar import Called
from onward.world.record import Record
from onward.world.world import World

COPIES = 20
LATER: tuple[Called, ...] = ("first", "pronoun", "pronoun", "pronoun")


def biographies(world: World, copies: int = COPIES) -> Iterator[Record]:
    """All people in each round, not one after the other; `copies` rounds."""
    for copy in range(copies):
        for person in world.people:
            yield biography(world, person, world.random("biography", person.index, copy))


def biography(world: World, person: Person, random: Random, *, held_out: bool = False) -> Record:
    """One, of all that is known. held_out: in phrasings that no training text has."""
    facts = world.facts(person)
    random.shuffle(facts)
    said = [
        fact.state(random, "full" if i == 0 else random.choice(LATER), held_out=held_out)
        for i, fact in enumerate(facts)
    ]
    return Record(
        kind="biography",
        split="phrasing" if held_out else "train",
        text=" ".join(said),
        truth={"about": person.name, "facts": [fact.as_data() for fact in facts]},
    )
