"""Comparisons of two people, cities or companies. Which of them is named first says nothing about the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from onward.world import grammar
from onward.world.entities import City, Company, Person
from onward.world.phrases import phrasings
from onward.world.questions.asking import Pick, Question, asked, is_held_out
from onward.world.record import Record
from onward.world.relations import Subject
from onward.world.words import table
from onward.world.world import World

ROUNDS = 2
OTHERS = 2
"""With how many others each is compared in a round."""
MEASURES: dict[str, tuple[type, Callable[[Any], int]]] = {
    "older": (Person, lambda person: -person.born),
    "younger": (Person, lambda person: person.born),
    "larger": (City, lambda city: city.population),
    "smaller": (City, lambda city: -city.population),
    "founded": (Company, lambda company: -company.founded),
}
"""What is compared: the one with the larger number is the answer."""


def comparisons(world: World) -> Iterator[Record]:
    return asked(world, "comparison", ask, world.subjects, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:
    for name, (kind, measure) in MEASURES.items():
        if not isinstance(subject, kind):
            continue
        for other in _others(world, subject, random):
            if measure(subject) == measure(other):
                continue
            more, less = _sorted(subject, other, measure)
            a, b = random.sample([more.name, less.name], 2)
            text = pick(phrasings("questions", "comparisons", name, "questions")).format(a=a, A=grammar.capital(a), b=b)
            answer = table("questions")["comparisons"][name]["answer"].format(More=more.name, less=less.name)
            truth = {"answer": more.name, "accept": [more.name, answer.removesuffix(".")], "relation": name}
            yield Question(text, answer, truth | {"options": [a, b], "chance": 0.5})


def _sorted(one: Any, other: Any, measure: Callable[[Any], int]) -> tuple[Any, Any]:
    """The one with the larger number first."""
    return (one, other) if measure(one) > measure(other) else (other, one)


def _others(world: World, subject: Any, random: Random) -> list[Any]:
    """Some on the same side of the split, so that nothing is said in training of those who are held out."""
    among: Any = {Person: world.people, City: world.cities, Company: world.companies}[type(subject)]
    drawn = (among[i] for i in random.sample(range(len(among)), min(len(among), 12 * OTHERS)))
    same = [o for o in drawn if o.index != subject.index and is_held_out(world, o) == is_held_out(world, subject)]
    return same[:OTHERS]
