"""Questions with one fact as their answer, on people, cities, countries and companies, answered in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world.questions.asking import Pick, Question, asked, options_of
from onward.world.record import Record
from onward.world.relations import RELATIONS, Subject, kind_of
from onward.world.world import World

ROUNDS = 4
"""Every question in each of its trained phrasings."""


def questions(world: World) -> Iterator[Record]:
    return asked(world, "question", ask, world.subjects, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:  # noqa: ARG001 (all asks are alike)
    """One question on each relation that has a value. Of several values, the first is the answer and all are accepted."""
    for relation in RELATIONS:
        if relation.kind == kind_of(subject) and (facts := world.facts_in(subject, relation)):
            truth = {"facts": [facts[0].as_data()], "answer": facts[0].value, "accept": [fact.value for fact in facts]}
            truth |= {"relation": relation.name} | options_of(world, facts[0])
            yield Question(facts[0].render(pick(relation.questions)), facts[0].answer(), truth)
