"""Ties: who is close to a person, with the word for it and the facts that make it so.

Left out: relatives further away than brothers and sisters.
"""

from __future__ import annotations

from dataclasses import dataclass

from onward.world.entities import Person
from onward.world.relations import BY_NAME, Fact
from onward.world.world import World

WORDS = {
    "spouse": ("wife", "husband"),
    "parent": ("mother", "father"),
    "child": ("daughter", "son"),
    "sibling": ("sister", "brother"),
    "friend": ("friend", "friend"),
}
"""For a woman or a girl, and for a man or a boy."""


@dataclass(frozen=True)
class Tie:
    """What `person` is to somebody: `word` is "sister".   facts: as data; sisters and brothers have a relation of that name."""

    word: str
    person: Person
    facts: tuple[dict[str, str], ...]


def ties(world: World, person: Person) -> list[Tie]:
    """The closest first: husband or wife, parents, children, brothers and sisters, friends."""
    found: list[Tie] = []

    def add(kind: str, other: Person | None, *facts: dict[str, str]) -> None:
        if other is not None:
            found.append(Tie(WORDS[kind][other.gender == "male"], other, facts))

    def fact(subject: Person, relation: str, value: Person) -> dict[str, str]:
        return Fact(subject, BY_NAME[relation], value.name).as_data()

    if (spouse := world.spouse(person)) is not None:
        add("spouse", spouse, fact(person, "spouse", spouse))
    mother, father = world.mother(person), world.father(person)
    if mother and father:
        add("parent", mother, fact(person, "mother", mother))
        add("parent", father, fact(person, "father", father))
    for child in world.children(person):
        add("child", child, fact(child, "mother" if person.gender == "female" else "father", person))
    for sibling in world.siblings(person):
        word = WORDS["sibling"][sibling.gender == "male"]
        add("sibling", sibling, {"subject": person.name, "relation": word, "value": sibling.name})
    for friend in world.friends(person):
        add("friend", friend, fact(person, "friend", friend))
    return found
