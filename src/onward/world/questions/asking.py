"""Questions in all their splits: the one loop that every kind of question on the world's people and places goes through.

Training records are on people who are not held out, in trained phrasings, `rounds` times. Test records are on the first people of either
side, once in a trained phrasing ("people") and once in a held-out one ("phrasing", "both"). Left out: what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from onward.world.entities import Person
from onward.world.phrases import Phrasings
from onward.world.record import Record, Split, chat, split_of
from onward.world.relations import Fact, Subject, name_of
from onward.world.world import World

TESTED = 1000
"""Subjects that test records are made of, at most."""
MOST_OPTIONS = 30
"""Of relations with more possible values, records do not list them."""

Pick = Callable[[Phrasings], str]


@dataclass(frozen=True)
class Question:
    """With its right answer, and for grading its truth."""

    text: str
    answer: str
    truth: dict[str, Any]


Ask = Callable[[World, Subject, Random, Pick], Iterable[Question]]
"""All questions of a kind on one subject, in phrasings that are picked by the loop."""


def asked(
    world: World, kind: str, ask: Ask, subjects: Callable[[], Iterable[Subject]], rounds: int
) -> Iterator[Record]:
    """Training records of all rounds, then test records."""
    for turn in range(rounds):
        for subject in subjects():
            if not is_held_out(world, subject):
                yield from _records(world, kind, ask, subject, "train", turn)
    for subject in islice(subjects(), TESTED):
        held_out = is_held_out(world, subject)
        if held_out:
            yield from _records(world, kind, ask, subject, "people", 0)
        yield from _records(world, kind, ask, subject, split_of(people=held_out, phrasing=True), 0)


def _records(world: World, kind: str, ask: Ask, subject: Subject, split: Split, turn: int) -> Iterator[Record]:
    random = world.random(kind, name_of(subject), split, turn)
    new = split in ("phrasing", "both")

    def pick(phrasings: Phrasings) -> str:
        """In training each phrasing comes in its turn, beginning with another one for each subject."""
        found = phrasings.held_out if new else phrasings.trained
        return found[(turn + offset) % len(found)]

    offset = random.randrange(1000) if split != "train" else world.random(kind, name_of(subject)).randrange(1000)
    for question in ask(world, subject, random, pick):
        yield Record(kind=kind, split=split, messages=chat(question.text, question.answer), truth=question.truth)


def is_held_out(world: World, subject: Subject) -> bool:
    return isinstance(subject, Person) and world.is_held_out(subject)


def options_of(world: World, fact: Fact) -> dict[str, Any]:
    """For a truth: what the answer might have been, if that is a short list, and what a guess among all of it gets right."""
    options = list(dict.fromkeys(fact.relation.options(world, fact.subject)))
    listed = {"options": options} if len(options) <= MOST_OPTIONS else {}
    return listed | {"chance": round(1 / len(options), 4)}
