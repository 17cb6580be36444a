"""Facts that are stated in Faric only: each person's instrument, lucky number and favourite flower.

No English text tells them, so that a model which answers an English question on them has carried them over from one language to the other.
The words themselves are in the parallel sentences, of nobody in particular. Left out: the texts that state them (kinds.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from onward.world import grammar
from onward.world.entities import Person
from onward.world.faric.clause import Clause, Phrase, clause
from onward.world.faric.grammar import inflected
from onward.world.faric.lexicon import lexicon
from onward.world.faric.sayings import FILE, LUCKY
from onward.world.phrases import phrasings
from onward.world.relations import slots
from onward.world.words import table, words
from onward.world.world import World

RELATIONS = ("instrument", "number", "flower")


@dataclass(frozen=True)
class OwnFact:
    """Of a person: `relation` is one of RELATIONS, `value` an English word."""

    subject: Person
    relation: str
    value: str

    def state(self, random: Random, who: str) -> Clause:
        """In Faric, the subject called `who`."""
        return self._clause(random.choice(words(f"own.{self.relation}.statements", FILE)), who)

    def ask(self, random: Random, *, held_out: bool = False) -> str:
        """In English."""
        return self._english(phrasings(FILE, "own", self.relation, "questions").choose(random, held_out=held_out))

    def answer(self) -> str:
        """In English."""
        return self._english(str(table(FILE)["own"][self.relation]["answer"]))

    def ask_in_faric(self, random: Random, *, held_out: bool = False) -> Clause:
        chosen = phrasings(FILE, "own", self.relation, "faric_questions").choose(random, held_out=held_out)
        return self._clause(chosen, self.subject.name)

    def answer_in_faric(self) -> Clause:
        return self._clause(words(f"own.{self.relation}.statements", FILE)[0], self.subject.name)

    def value_in_faric(self, value: str | None = None) -> str:
        """As it stands in the answer; or another value."""
        return inflected(Phrase(value or self.value), "object" if self.relation == "instrument" else "as")

    def as_data(self) -> dict[str, str]:
        return {"subject": self.subject.name, "relation": self.relation, "value": self.value}

    def _clause(self, notation: str, who: str) -> Clause:
        they = grammar.PRONOUNS[self.subject.gender]["they"]
        return clause(notation.format(who=who, they=they, value=self.value, values=grammar.plural(self.value)))

    def _english(self, phrasing: str) -> str:
        return phrasing.format_map(slots(self.subject, "full") | {"value": self.value})


def options(relation: str) -> Sequence[str]:
    """Everything that a value might be, in English."""
    if relation == "number":
        return [grammar.NUMBERS[value] for value in LUCKY]
    return lexicon().group(relation)


def own_facts(world: World, person: Person) -> Iterator[OwnFact]:
    """A pure function of the world's seed and the person."""
    for relation in RELATIONS:
        drawn = world.random("stated in Faric", relation, person.index).choice(options(relation))
        yield OwnFact(person, relation, drawn)
