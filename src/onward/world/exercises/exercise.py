"""Exercises: questions with one right answer that can be worked out, and what all kinds of them share.

An exercise is asked in a chat, with its working shown, line by line, where the question asks for that, or at once; the reply ends in
"The answer is ANSWER." either way. Or it is told on a sheet (sheets.py). What is held out from training is held out by rule, and is the
same in every world: the content (some of the numbers, words and programs, by `is_held_out`), the length (whatever is longer than all
that is trained), and the phrasing.
Left out: the exercises themselves (arithmetic.py, counting.py, spelling.py, programs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from onward.world.phrases import phrasings
from onward.world.record import Record, Split, chat
from onward.world.world import World

AFTER = "The answer is"
"""What the answer stands after, at the end of every reply."""
TESTS = 100
"""Tests of each kind, for each of TESTED."""
HELD_OUT_OF = 5
"""Of so many contents, about one is held out."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of an exercise is to be held out from training."""

    content: bool = False
    length: bool = False
    phrasing: bool = False

    @property
    def split(self) -> Split:
        if self.content or self.length:
            return "both" if self.phrasing else "content"
        return "phrasing" if self.phrasing else "train"

    @property
    def names(self) -> list[str]:
        return [name for name in ("content", "length", "phrasing") if getattr(self, name)]


TRAINED = Wanted()
TESTED = (Wanted(content=True), Wanted(length=True), Wanted(phrasing=True), Wanted(content=True, phrasing=True))


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question, not yet in words.

    kind, task: where its phrasings are: in data/KIND.toml, under the task.   slots: what they are filled with, besides {answer}.
    working: the lines that lead to the answer, in order; none where there is nothing to show.   chance: of a guess.
    given: what is asked about, where it takes lines of its own, below the question.   truth: what else there is to know.
    """

    kind: str
    task: str
    slots: Mapping[str, str]
    answer: str
    working: Sequence[str]
    chance: float
    given: str = ""
    truth: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, random: Random, *, shown: bool, held_out: bool = False) -> str:
        """In one of its phrasings. shown: with the request to show the working; else, half of the time, with that not to."""
        asked = phrasings(self.kind, self.task, "questions").choose(random, held_out=held_out).format_map(self.slots)
        if shown or random.random() < 0.5:
            asked += " " + phrasings("exercises", "working" if shown else "plain").choose(random, held_out=held_out)
        return self._with_given(asked)

    def reply(self, *, shown: bool) -> str:
        return "\n".join([*(self.working if shown else ()), f"{AFTER} {self.answer}."])

    def state(self, random: Random) -> str:
        """The question and its answer in one statement."""
        phrasing = phrasings(self.kind, self.task, "statements").choose(random)
        return self._with_given(phrasing.format_map({**self.slots, "answer": self.answer}))

    def _with_given(self, text: str) -> str:
        return f"{text}\n\n{self.given}" if self.given else text

    def as_data(self, *, shown: bool) -> dict[str, Any]:
        """For the truth of a record."""
        found = {"task": self.task, "answer": self.answer, "after": AFTER, "chance": round(self.chance, 4)}
        return found | {"shown": shown} | dict(self.truth)


Draw = Callable[[Random, Wanted], Exercise]
"""How a kind makes an exercise, of which just that is held out which is wanted."""


def chats(world: World, kind: str, draw: Draw, amount: int, tests: int = TESTS) -> Iterator[Record]:
    """So many to train on, and so many tests of each of TESTED; half of them with the working shown."""
    for wanted in (TRAINED, *TESTED):
        for index in range(tests if wanted.names else amount):
            random = world.random(kind, *wanted.names, index)
            exercise = draw(random, wanted)
            shown = bool(exercise.working) and random.random() < 0.5
            question = exercise.ask(random, shown=shown, held_out=wanted.phrasing)
            yield Record(
                kind=kind,
                split=wanted.split,
                messages=chat(question, exercise.reply(shown=shown)),
                truth=exercise.as_data(shown=shown) | {"held_out": wanted.names},
            )


def is_held_out(*content: object) -> bool:
    """Whether this content is never trained: one in five is, by a checksum (CRC-32) of how it is written."""
    return crc32(" ".join(map(str, content)).encode()) % HELD_OUT_OF == 0


def running(items: Sequence[str], counts: Callable[[str], bool]) -> str:
    """A count, item by item: "cup 1, key 1, cup 2"."""
    total, said = 0, []
    for item in items:
        total += counts(item)
        said.append(f"{item} {total}")
    return ", ".join(said)
