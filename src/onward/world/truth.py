"""What a record says is true of an answer: the fields that grading reads, made from facts.

Options are asked of the world once for each relation, and long lists of them are cut down to some; a reply that names its subject, as full
sentences do, names no wrong option by that. Left out: grading itself (grading.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from onward.world.relations import Fact, Relation, Subject, name_of
from onward.world.world import World

SHOWN = 12
"""How many options a record lists at most."""
UNKNOWN = ("do not know", "don't know")
"""What shows that a reply says so."""


class Truths:
    """For one world, whose options it keeps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._options: dict[str, tuple[str, ...]] = {}

    def options(self, subject: Subject, relation: Relation) -> list[str]:
        """All that a value might be; nobody is their own spouse or friend."""
        if relation.name not in self._options:
            self._options[relation.name] = tuple(dict.fromkeys(relation.options(self.world)))
        return [value for value in self._options[relation.name] if value != name_of(subject)]

    def wrong(self, fact: Fact, random: Random) -> Fact:
        """The same said with a value that is not true."""
        true = fact.relation.values(self.world, fact.subject)
        options = [value for value in self.options(fact.subject, fact.relation) if value not in true]
        return Fact(fact.subject, fact.relation, random.choice(options))

    def of(self, subject: Subject, relation: Relation, facts: Sequence[Fact], random: Random) -> dict[str, Any]:
        """Of an answer that names one of the values. No facts: the world does not say, and that is the answer.   chance: of a guess."""
        options = self.options(subject, relation)
        if not facts:
            return {
                "facts": [],
                "answer": UNKNOWN[0],
                "accept": list(UNKNOWN),
                "options": options[:SHOWN],
                "chance": 1 / (1 + len(options)),
            }
        accept = [fact.value for fact in facts]
        shown = set(options if len(options) <= SHOWN else random.sample(options, SHOWN - len(accept))) | set(accept)
        found: dict[str, Any] = {"facts": [fact.as_data() for fact in facts], "answer": accept[0]}
        if len(accept) > 1:
            found["accept"] = accept
        return found | {"options": sorted(shown), "chance": len(accept) / len(options)}
