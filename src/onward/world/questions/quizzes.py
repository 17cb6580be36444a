"""Quizzes: pages of questions with their answers on a person who is asked about in training; raw text for a base model.

A base model that has seen facts both told and asked for can be taught to answer about those that it has only been told (Allen-Zhu and Li
2023, arXiv 2309.14316, section 3: mixed training). Nobody who is held out is asked about here either. Left out: the relatives that
somebody does not have. With them, the answer to two in five of such questions was "I do not know", and a small model said it of everybody
(docs/results.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from onward.world.phrases import Phrasings, phrasings
from onward.world.questions import claims, hops, unknown
from onward.world.questions import facts as questions
from onward.world.record import Record
from onward.world.world import World

COPIES = 8
"""Pages on each person."""
ON_A_PAGE = 6


def quizzes(world: World) -> Iterator[Record]:
    """All people in each round, not one after the other."""
    for copy in range(COPIES):
        for person in world.people:
            if world.is_held_out(person):
                continue
            random = world.random("quiz", person.index, copy)

            def pick(found: Phrasings, random: Random = random) -> str:
                return found.choose(random)

            asked = [q for kind in (questions, hops, claims, unknown) for q in kind.ask(world, person, random, pick)]
            page = random.sample(asked, min(ON_A_PAGE, len(asked)))
            frame = phrasings("questions", "quiz", "frames").choose(random)
            title = phrasings("questions", "quiz", "titles").choose(random).format(name=person.name)
            text = "\n".join([title, *(frame.format(question=q.text, answer=q.answer) for q in page)])
            yield Record(kind="quiz", text=text, truth={"about": person.name, "questions": [q.truth for q in page]})
