"""Biographies: every fact about a person, in any order, each in one of its phrasings; raw text for a base model.

The first sentence has the full name; later ones have it again, or the first name, or a pronoun, so that to learn all facts one has to
learn who she and he are. What is told of a full name is learned best. Every person has `copies` of them, each with other phrasings in
another order: facts that are told in one way only can be recited, but not used (Allen-Zhu and Li 2023, "Physics of Language Models: Part
3.1", arXiv 2309.14316, section 4, both).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world.entities import Person
from onward.world.grammar import Called
from onward.world.record import Record
from onward.world.texts.telling import OTHERS
from onward.world.world import World

COPIES = 20
LATER: tuple[Called, ...] = ("full", "full", "first", "pronoun")
NAMED: tuple[Called, ...] = ("full", "first")
"""Whom a pronoun would mean is not clear where the sentence before has named somebody else, or stands in another line."""
BETWEEN = (" ", "\n")
"""Sentences stand in a row, or in lines of their own. A name that begins a line is another token than one after a blank, and has to be
learned as the same name, since answers begin with it."""


def biographies(world: World, copies: int = COPIES) -> Iterator[Record]:
    """All people in each round, not one after the other; `copies` rounds."""
    for copy in range(copies):
        for person in world.people:
            yield biography(world, person, world.random("biography", person.index, copy))


def biography(world: World, person: Person, random: Random, *, held_out: bool = False) -> Record:
    """One, of all that is known. held_out: in phrasings that no training text has."""
    facts = world.facts(person)
    random.shuffle(facts)
    between = random.choice(BETWEEN)
    said = list[str]()
    called: tuple[Called, ...] = ("full",)
    for fact in facts:
        said.append(fact.state(random, random.choice(called), held_out=held_out))
        called = NAMED if between == "\n" or fact.relation.name in OTHERS else LATER
    return Record(
        kind="biography",
        split="phrasing" if held_out else "train",
        text=between.join(said),
        truth={"about": person.name, "facts": [fact.as_data() for fact in facts]},
    )
