"""Questions that the world has no answer to: relatives it does not know, matters it never speaks of; and people it does not have.

The right answer is that one does not know. Without these, a model learns that every question has an answer. Each is a kind of its own: a
small model that is taught to deny knowing some people's mothers, or strangers, denies it of those whom it was never asked about as well
(docs/results.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world import grammar
from onward.world.entities import Person
from onward.world.phrases import phrasings
from onward.world.questions.asking import Pick, Question, asked
from onward.world.record import Record
from onward.world.relations import BY_NAME, RELATIONS, Subject, slots
from onward.world.words import joined, table, words
from onward.world.world import World

MATTERS = 4
"""Matters that the world never speaks of, for each person."""
ROUNDS = 1
"""Of the relatives who are missing, and of strangers."""
STRANGERS = 2
"""Questions on people whom the world does not have, for each one whom it has."""


def unknown(world: World) -> Iterator[Record]:
    return asked(world, "unknown", ask, lambda: world.people, MATTERS)


def missing(world: World) -> Iterator[Record]:
    return asked(world, "missing", ask_for_missing, lambda: world.people, ROUNDS)


def strangers(world: World) -> Iterator[Record]:
    return asked(world, "stranger", ask_of_strangers, lambda: world.people, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:  # noqa: ARG001 (all asks are alike)
    """A matter that the world never speaks of."""
    assert isinstance(subject, Person)
    never = pick(phrasings("questions", "unknown", "never_said"))
    yield _question(never.format_map(slots(subject, "full")), subject.name, "never said")


def ask_for_missing(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:  # noqa: ARG001 (all asks are alike)
    """The relatives whom others have, and of this person the world does not know."""
    assert isinstance(subject, Person)
    for name in ("spouse", "mother", "father"):
        if not world.facts_in(subject, BY_NAME[name]):
            yield _question(pick(BY_NAME[name].questions).format_map(slots(subject, "full")), subject.name, name)


def ask_of_strangers(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:  # noqa: ARG001 (all asks are alike)
    for _ in range(STRANGERS):
        gender = random.choice(("female", "male"))
        name = stranger(world, random, gender)
        relation = random.choice([r for r in RELATIONS if r.kind == "person" and r.name != "pet_name"])
        named = grammar.mention(gender, name, name, "full") | {"wife": "husband" if gender == "female" else "wife"}
        yield _question(pick(relation.questions).format_map(named), name, "nobody")


def stranger(world: World, random: Random, gender: str) -> str:
    """The full name of nobody: both names exist in the world, but not together."""
    surnames = {world.people[i].last for i in random.sample(range(len(world.people)), 10)}
    last = random.choice(sorted(surnames) or list(joined("surname")))
    taken = world.people.first_names(last)
    return f"{random.choice([first for first in words(gender, 'names') if first not in taken])} {last}"


def _question(text: str, about: str, why: str) -> Question:
    answer = table("questions")["unknown"]["answer"]
    truth = {"about": about, "relation": f"unknown: {why}", "answer": "I do not know", "chance": 0.0}
    return Question(text, answer, truth | {"accept": ["I do not know", "I don't know"]})
