"""Multiple choice: a question with four answers, of which one is right; each letter is right equally often."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world.phrases import phrasings
from onward.world.questions.asking import Pick, Question, asked
from onward.world.record import Record
from onward.world.relations import Subject
from onward.world.world import World

ROUNDS = 1
LETTERS = "ABCD"


def choices(world: World) -> Iterator[Record]:
    return asked(world, "choice", ask, world.subjects, ROUNDS)


def ask(world: World, subject: Subject, random: Random, pick: Pick) -> Iterator[Question]:
    """One on each fact that has three wrong answers. The places of the right answers are a shuffled round of all letters."""
    places: list[int] = []
    for fact in world.facts(subject):
        offered = list(world.others(fact, random, len(LETTERS) - 1))
        if len(offered) < len(LETTERS) - 1:
            continue
        places = places or random.sample(range(len(LETTERS)), len(LETTERS))
        place = places.pop()
        offered.insert(place, fact.value)
        options = "\n".join(f"{letter}) {value}" for letter, value in zip(LETTERS, offered, strict=True))
        asked_for = fact.render(pick(fact.relation.questions))
        text = pick(phrasings("questions", "choices", "frames")).format(question=asked_for, options=options)
        truth = {"facts": [fact.as_data()], "answer": LETTERS[place], "options": list(LETTERS), "offered": offered}
        yield Question(
            text, f"{LETTERS[place]}) {fact.value}", truth | {"relation": fact.relation.name, "chance": 0.25}
        )
