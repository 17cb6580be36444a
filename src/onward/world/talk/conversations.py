"""Conversations of several turns about the world: questions with follow-ups that need the turns before them, corrections, small talk.

A conversation is a walk over moves. `truth["turns"]` has one entry for each assistant message: its "act", and what grading needs. Everybody
who is asked about in a conversation is on the same side of the split. Left out: system messages (systems.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from onward.world.entities import Person
from onward.world.record import Record, split_of
from onward.world.talk import followups, smalltalk
from onward.world.talk.talk import Talk, in_rounds
from onward.world.world import World

COPIES = 8
"""Conversations that begin with a person; the last of them in held-out phrasings."""
MOVES = (2, 5)
"""Fewest and most, after the first question."""

Move = Callable[[Talk], bool]

ON_FACTS: Mapping[Move, float] = {
    followups.follow_up: 6,
    followups.property_only: 3,
    followups.another: 3,
    followups.meant_another: 1,
    followups.meant_property: 1,
    followups.another_place: 3,
    followups.relative_only: 3,
    followups.relative_question: 2,
    followups.thing: 5,
    followups.pet_name: 2,
    followups.claim: 4,
    followups.sure: 1,
    followups.older: 5,
    followups.new_person: 2,
    followups.new_place: 1.5,
}
ON_ANYTHING: Mapping[Move, float] = {
    **ON_FACTS,
    smalltalk.about: 2,
    smalltalk.outside: 1,
    smalltalk.my_name: 1,
    smalltalk.who_was_asked_about: 3,
}
OPENINGS: Mapping[Move, float] = {
    smalltalk.greet: 2,
    smalltalk.introduce: 2,
    smalltalk.about: 2,
    lambda _: True: 6,
}


def conversations(world: World, copies: int = COPIES) -> Iterator[Record]:
    return in_rounds(world, copies, conversation)


def conversation(world: World, person: Person, copy: int, *, held_out: bool = False) -> Record:
    """One, whose first question is on this person.   held_out: what the user says is phrased as in no training text."""
    talk = Talk(world, world.random("conversation", person.index, copy), held_out)
    one_of(OPENINGS, talk)
    followups.question(talk, person)
    for _ in range(talk.random.randint(*MOVES)):
        one_of(ON_ANYTHING, talk)
    if talk.random.random() < 0.25:
        smalltalk.thank(talk)
    if talk.random.random() < 0.15:
        smalltalk.part(talk)
    return Record(
        kind="conversation",
        split=split_of(people=world.is_held_out(person), phrasing=held_out),
        messages=talk.messages,
        truth={"about": person.name, "turns": talk.turns},
    )


def one_of(moves: Mapping[Move, float], talk: Talk) -> None:
    """Makes one move, drawn by weight from those that can be made."""
    left = dict(moves)
    while left:
        (move,) = talk.random.choices(list(left), list(left.values()))
        if move(talk):
            return
        del left[move]
