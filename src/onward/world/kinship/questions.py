"""Kinship: who is whose aunt, in the families of the world and in families that a puzzle tells of.

On people of the world, all from what its texts state (mothers, fathers, husbands and wives): "term" asks who somebody's relatives of
one name are, "chain" spells the way out in one to three steps ("the wife of Ada Ashford's brother"), "related" asks what one is to another,
and "unknown" is a chain on which the world does not say where a step leads. Held out: families, and wordings of the question.
The puzzles are in kinship_puzzles.py. Left out: "how many", which counts what the world may not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import comb
from random import Random
from typing import Any

from onward.world.entities import Person
from onward.world.grammar import capital, listed, plural
from onward.world.kinship.kin import MOST_STEPS, STEPS, TERMS, Chain, Family
from onward.world.kinship.puzzles import puzzles
from onward.world.minds.characters import GENDERS
from onward.world.phrases import phrasings
from onward.world.population import FAMILY
from onward.world.record import Message, Record, chat, split_of
from onward.world.words import table
from onward.world.world import World

FORMS = ("term", "chain", "related", "chain", "term", "unknown")
QUESTIONS = 12
"""On each person, in trained phrasings: each form in turn."""
REWORDED = 3
"""On each person, in phrasings that are held out."""
UNKNOWN = ["do not know", "don't know"]
"""What is accepted where the world does not say."""


def kinship(world: World) -> Iterator[Record]:
    yield from questions(world)
    yield from puzzles(world)


def questions(world: World, trained: int = QUESTIONS, reworded: int = REWORDED) -> Iterator[Record]:
    """On everybody, family by family."""
    for first in range(0, len(world.people), FAMILY):
        family = Family(world, world.people[first : first + FAMILY])
        for person in family.people.values():
            subject = Subject(family, person)
            for held_out, count in ((False, trained), (True, reworded)):
                for i in range(count):
                    random = world.random("kinship", person.index, held_out, i)
                    form = FORMS[(i if not held_out else random.randrange(len(FORMS))) % len(FORMS)]
                    split = split_of(people=world.is_held_out(person), phrasing=held_out)
                    messages, truth = Asker(subject, random, held_out).ask(form)
                    yield Record(kind="kinship", split=split, messages=messages, truth=truth)


@dataclass(frozen=True)
class Subject:
    """Whom questions are about, and what is the same for all of them."""

    family: Family
    person: Person

    @cached_property
    def relatives(self) -> dict[str, list[Chain]]:
        return self.family.relatives(self.person)

    @cached_property
    def chains(self) -> dict[int, list[Chain]]:
        """By number of steps, those that mean one person only."""
        return self.family.chains(self.person)

    @cached_property
    def dead_ends(self) -> dict[int, list[tuple[Chain, str]]]:
        """By number of steps, chains and a further step of which the world does not say where it leads."""
        found: dict[int, list[tuple[Chain, str]]] = {}
        for length, chains in ({0: [Chain((self.person,), ())]} | self.chains).items():
            for chain in chains:
                for step in STEPS:
                    if not self.family.steps[step][chain.end.index]:
                        found.setdefault(length + 1, []).append((chain, step))
        return {length: those for length, those in found.items() if length <= MOST_STEPS}


@dataclass(frozen=True)
class Asker:
    subject: Subject
    random: Random
    held_out: bool

    def ask(self, form: str) -> tuple[list[Message], dict[str, Any]]:
        """Of somebody whose relatives are not known, only what is unknown."""
        form = form if self.subject.relatives else "unknown"
        asks = {"term": self.term, "chain": self.chain, "related": self.related, "unknown": self.unknown}
        messages, truth = asks[form]()
        names = [p.name for p in self.subject.family.people.values() if p.index != self.subject.person.index]
        common = {"form": form, "about": self.subject.person.name, "options": names + UNKNOWN}
        return messages, common | {"chance": 1 / (len(names) + 1)} | truth

    def term(self) -> tuple[list[Message], dict[str, Any]]:
        term = self.random.choice(list(self.subject.relatives))
        chains = self.subject.relatives[term]
        names = [chain.end.name for chain in chains]
        self.random.shuffle(names)
        if len(names) == 1:
            messages = self.say("one", "answer", self.described([term]), names[0])
        else:
            messages = self.say("many", "answer", self.described([plural(term)]), listed(names))
        others = len(self.subject.family.people) - 1
        return messages, {
            "answer": listed(names),
            "accept": [listed(order) for order in permutations(names)],
            "chance": 1 / (others + 1) if len(names) == 1 else 1 / comb(others, len(names)),
            "chains": [chain.as_data() for chain in chains],
        }

    def chain(self) -> tuple[list[Message], dict[str, Any]]:
        chains = self.subject.chains
        chain = self.random.choice(chains[self.random.choice(list(chains))])
        messages = self.say("one", "answer", self.described(chain.words), chain.end.name)
        return messages, {"answer": chain.end.name, "chains": [chain.as_data()]}

    def unknown(self) -> tuple[list[Message], dict[str, Any]]:
        ends = self.subject.dead_ends
        chain, step = self.random.choice(ends[self.random.choice(list(ends))])
        genders = [gender for gender in GENDERS if step != "spouse" or gender != chain.end.gender]
        word = STEPS[step][self.random.choice(genders)]
        messages = self.say("one", "unknown", self.described([*chain.words, word]))
        chains = [[*chain.as_data(), [chain.end.name, word, None]]]
        return messages, {"answer": UNKNOWN[0], "accept": UNKNOWN, "chains": chains}

    def related(self) -> tuple[list[Message], dict[str, Any]]:
        term = self.random.choice(list(self.subject.relatives))
        chain = self.random.choice(self.subject.relatives[term])
        slots = {"a": self.subject.person.name, "b": chain.end.name, "term": term}
        question = phrasings("kinship", "related", "questions").choose(self.random, held_out=self.held_out)
        answer = str(table("kinship")["related"]["answer"])
        return chat(question.format_map(slots), answer.format_map(slots)), {
            "answer": term,
            "options": list(TERMS),
            "chance": 1 / len(TERMS),
            "chains": [chain.as_data()],
        }

    def described(self, words: Sequence[str]) -> str:
        """ "Ada's father's sister", "the sister of Ada's father" or "the sister of the father of Ada".

        But not "the father of Ada's sister" for the sister of Ada's father: after an "of" no possessive.
        """
        ways, found = table("kinship")["relative"], self.subject.person.name
        possessives = self.random.randint(0, len(words))
        for i, word in enumerate(words):
            found = ways["possessive" if i < possessives else "of"].format(person=found, term=word)
        return found

    def say(self, number: str, reply: str, relative: str, answer: str = "") -> list[Message]:
        question = phrasings("kinship", number, "questions").choose(self.random, held_out=self.held_out)
        slots = {"relative": relative, "Relative": capital(relative), "answer": answer}
        return chat(question.format_map(slots), str(table("kinship")[number][reply]).format_map(slots))
