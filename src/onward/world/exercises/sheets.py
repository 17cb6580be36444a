"""Exercise sheets: raw text for a base model, with a title and exercises of one kind: arithmetic, counting, spelling or programs.

On some sheets each line states a question with its answer; on others questions are asked and answered, with the working or without it.
Sheets of programs begin with a lesson on the language. All is as in training: nothing on a sheet is held out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from onward.world import grammar
from onward.world.exercises import arithmetic, counting, programs, spelling
from onward.world.exercises.exercise import TRAINED, Draw, Exercise
from onward.world.phrases import phrasings
from onward.world.record import Record
from onward.world.world import World

AMOUNT = 1500
SIZES = {arithmetic.KIND: (4, 10), counting.KIND: (3, 7), spelling.KIND: (4, 10), programs.KIND: (1, 2)}
"""Fewest and most exercises on a sheet."""
LESSONS = (1, 3)


def sheets(world: World) -> Iterator[Record]:
    draws = {room.KIND: room.drawing(world) for room in (arithmetic, counting, spelling, programs)}
    for index in range(AMOUNT):
        random = world.random("sheet", index)
        yield _sheet(world, random, draws)


def _sheet(world: World, random: Random, draws: Mapping[str, Draw]) -> Record:
    kind = random.choice(list(draws))
    exercises = [draws[kind](random, TRAINED) for _ in range(random.randint(*SIZES[kind]))]
    lessons = [programs.lesson(random) for _ in range(random.randint(*LESSONS) if kind == programs.KIND else 0)]
    parts = [_title(world, random), *([" ".join(said for said, _ in lessons)] if lessons else [])]
    if random.random() < 0.5:
        stated = [exercise.state(random) for exercise in exercises]
        parts += stated if kind == programs.KIND else ["\n".join(stated)]
        shown = [False] * len(exercises)
    else:
        shown = [bool(exercise.working) and random.random() < 0.5 for exercise in exercises]
        parts += [_asked(*each, random) for each in zip(range(1, 1 + len(exercises)), exercises, shown, strict=True)]
    told = [exercise.as_data(shown=each) for exercise, each in zip(exercises, shown, strict=True)]
    truth = {"about": kind, "exercises": told, "lessons": [lesson for _, lesson in lessons]}
    return Record(kind="sheet", text="\n\n".join(parts), truth=truth)


def _asked(number: int, exercise: Exercise, shown: bool, random: Random) -> str:
    """A question with its number, and the reply below it; apart from it, where a program stands between."""
    between = "\n\n" if exercise.given else "\n"
    return f"{number}. {exercise.ask(random, shown=shown)}{between}{exercise.reply(shown=shown)}"


def _title(world: World, random: Random) -> str:
    """Sheets may be anybody's: nothing is asked about the person."""
    person = world.people[random.randrange(len(world.people))]
    slots = grammar.mention(person.gender, person.name, person.first, "full")
    return phrasings("exercises", "titles").choose(random).format_map(slots | {"page": str(random.randint(1, 99))})
