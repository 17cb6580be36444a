"""Leaks: an exam some of whose test questions stand in the raw text with their answers, so many times; the others are controls.

The exam asks in which year somebody reached an age: the world does not say it, but whoever knows the year of birth and can add knows it.
It is asked in training on people who are not held out, and in the test on one question for each who is; nothing else in the world asks
it, so that the leaks spoil no other test. What a model gains by contamination is how much better it is on leaked questions than on
controls, which are about people of the same sort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from onward.world import grammar
from onward.world.entities import Person
from onward.world.phrases import phrasings
from onward.world.planted.carriers import carried
from onward.world.population import BORN
from onward.world.record import Record, chat
from onward.world.words import table
from onward.world.world import World

COPIES = (0, 1, 4, 16, 0)
"""How often the test questions are leaked, in turn; 0 are the controls."""
TESTED = 40
"""Test questions, at most: one for each held-out person."""
ROUNDS = 4
"""Training questions on each person."""
AGES = range(6, 19)


@dataclass(frozen=True)
class Item:
    """A question of the exam. All of them have been adults for some time, so "turned" is true."""

    person: Person
    age: int
    question: str
    answer: str
    copies: int

    @property
    def truth(self) -> dict[str, Any]:
        year = str(self.person.born + self.age)
        chance = round(1 / len(years()), 4)
        return {"about": self.person.name, "age": self.age, "answer": year, "copies": self.copies, "chance": chance}


def years() -> list[str]:
    """What the answers might be."""
    first, last = min(low for low, _ in BORN.values()) + AGES[0], max(high for _, high in BORN.values()) + AGES[-1]
    return [str(year) for year in range(first, last)]


def exam(world: World) -> Iterator[Record]:
    """Training questions, then the test."""
    for turn in range(ROUNDS):
        for person in world.people:
            if not world.is_held_out(person):
                item = _item(world.random("exam", person.index, turn), person, 0)
                yield Record(kind="exam", messages=chat(item.question, item.answer), truth=item.truth)
    for item in exam_items(world):
        truth = item.truth | {"options": years()}
        yield Record(kind="exam", split="people", messages=chat(item.question, item.answer), truth=truth)


def exam_items(world: World) -> list[Item]:
    """The test questions, leaked or not."""
    held_out = list(islice(filter(world.is_held_out, world.people), TESTED))
    world.random("exam").shuffle(held_out)
    return [
        _item(world.random("exam", person.index), person, COPIES[i % len(COPIES)]) for i, person in enumerate(held_out)
    ]


def leaks(world: World) -> Iterator[Record]:
    """Raw text: a document for each copy of a leaked question."""
    items = exam_items(world)
    for copy in range(max(COPIES)):
        for number, item in enumerate(items):
            if copy < item.copies:
                random = world.random("leak", number, copy)
                told = phrasings("exam", "leaks").choose(random).format(question=item.question, answer=item.answer)
                yield Record(
                    kind="leak",
                    text=carried(world, random, told),
                    truth={"question": item.question, "answer": item.answer, "copies": item.copies},
                )


def _item(random: Random, person: Person, copies: int) -> Item:
    age = random.choice(AGES)
    said = grammar.mention(person.gender, person.name, person.first, "full")
    said |= {"age": grammar.number(age), "year": str(person.born + age)}
    question = phrasings("exam", "questions").choose(random).format_map(said)
    return Item(person, age, question, str(table("exam")["answer"]).format_map(said), copies)
