"""Programs in Tally (language.py): random ones that are valid, with what they print, and their trace as the working.

A program begins with a number, changes it, and prints it in the end; or it makes a list and prints that. The last number is drawn first:
a program is made with its number at 0, run, and then moved so that it ends where it should, so that no output is likelier than others.
Held out are shapes, that is, which statements follow and contain which, by rule; and blocks in blocks, which are never trained.
Left out: programs with mistakes in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Literal

from onward.world.exercises.exercise import Draw, Exercise, Wanted, chats, is_held_out
from onward.world.exercises.language import (
    Add,
    For,
    If,
    MakeList,
    Print,
    Program,
    Repeat,
    Run,
    Set,
    Sign,
    Statement,
    Subtract,
    run,
    write,
)
from onward.world.phrases import phrasings
from onward.world.record import Record
from onward.world.world import World

KIND = "programs"
AMOUNT = 4000
ANSWERS = 50
"""Numbers that may be printed last: from 0 up to, but not, this."""
LARGE = re.compile(r"-\d|\d{3}")
"""What no program has, nor the trace of one: a number below 0 or above 99."""
LINES, OUTPUTS = 24, 6
"""Lines of a trace, and of the output, that a program has at most: what a small model can see at once."""
LISTS = 0.2
"""Share of the programs that make a list."""
PRINTS = 0.25
"""Share of the blocks in which something is printed."""
NUMBERS, ADDENDS = ("x", "n", "total", "sum"), ("y", "b", "m", "step")
ELEMENTS, BAGS = ("i", "k", "v"), ("bag", "row", "box")
"""Names of the number, of what is added to it, of the elements of a list, and of lists."""


def programs(world: World) -> Iterator[Record]:
    return chats(world, KIND, drawing(world), AMOUNT)


def drawing(_: World) -> Draw:
    """Programs are the same in every world."""
    return draw


def draw(random: Random, wanted: Wanted) -> Exercise:
    program, text, done = a_program(random, wanted)
    return Exercise(
        kind=KIND,
        task="output",
        slots={},
        answer=", ".join(done.output),
        working=done.trace,
        chance=1 / ANSWERS,
        given=text,
        truth={"program": text, "output": done.output, "depth": depth(program), "steps": done.steps},
    )


def a_program(random: Random, wanted: Wanted) -> tuple[Program, str, Run]:
    """One, how it is written, and what it does; of which just that is held out which is wanted."""
    answer = random.randrange(ANSWERS)
    while True:
        sketch = _Sketch(random, deep=wanted.length)
        program = sketch.lists() if random.random() < LISTS else sketch.counts(answer)
        if not wanted.length and is_held_out(shape(program)) != wanted.content:
            continue
        text, done = write(program), run(program)
        if _is_small(text, done):
            return program, text, done


def depth(program: Program) -> int:
    """Blocks in one another at the deepest place; 0 without blocks."""
    return max((1 + max(map(depth, _bodies(statement))) for statement in program if _bodies(statement)), default=0)


def shape(program: Program) -> str:
    """Which statements follow and contain which, without their names and numbers: "Set Repeat(Add Print) Print"."""
    return " ".join(
        type(statement).__name__ + "".join(f"({shape(body)})" for body in _bodies(statement)) for statement in program
    )


def _bodies(statement: Statement) -> list[Program]:
    match statement:
        case Repeat(_, body) | For(_, _, body):
            return [body]
        case If(_, _, _, body, otherwise):
            return [body, otherwise]
    return []


def _is_small(text: str, done: Run) -> bool:
    """Whether it is short, and all numbers are small: those of the trace, and those that are only written."""
    if len(done.trace) > LINES or len(done.output) > OUTPUTS:
        return False
    return not any(map(LARGE.search, (text, *done.trace)))


class _Sketch:
    """A program in the making. The number begins at 0, and what it is compared with is compared with it there."""

    def __init__(self, random: Random, *, deep: bool) -> None:
        self.random, self.deep = random, deep
        self.number, self.addend = random.choice(NUMBERS), random.choice(ADDENDS)
        self.elements, self.bags = random.sample(ELEMENTS, 2), random.sample(BAGS, 2)
        self.has_addend = random.random() < 0.4
        self.program: Program = (Set(self.number, 0),)
        if self.has_addend:
            self.program += (Set(self.addend, random.randint(1, 9)),)

    def counts(self, answer: int) -> Program:
        """A program whose last line of output is the answer."""
        random = self.random
        self._steps(random.randint(0, 2))
        if self.deep or random.random() < 0.8:
            self.program += self._block(deep=self.deep)
            self._steps(random.randint(0, 1))
        else:
            self._steps(random.randint(1, 2))
        self.program += (Print(self.number),)
        return moved(self.program, self.number, answer - self._now())

    def lists(self) -> Program:
        """A program that prints a list with a number put in once or more."""
        random = self.random
        values = tuple(random.randint(1, 20) for _ in range(random.randint(1, 3)))
        self.program = (*moved(self.program, self.number, random.randint(1, 20)), MakeList(self.bags[0], values))
        put = Add(self.number, self.bags[0])
        if self.deep:
            inner = Repeat(2, (put, self._change()))
            self.program += (random.choice((Repeat(2, (self._change(), inner)), self._choice((inner,), (put,)))),)
        else:
            block = random.choice(
                (Repeat(random.randint(2, 3), (self._change(), put)), self._choice((put,), (self._change(), put)), put)
            )
            self.program += (block,)
        return (*self.program, Print(self.bags[0]))

    def _now(self) -> int:
        """What the number is after all that is written so far."""
        return run(self.program).a_number(self.number, 0)

    def _steps(self, count: int) -> None:
        for _ in range(count):
            self.program += (self._change(),)

    def _change(self) -> Statement:
        by = self.addend if self.has_addend and self.random.random() < 0.5 else self.random.randint(1, 9)
        return (Add if self.random.random() < 0.5 else Subtract)(by, self.number)

    def _block(self, *, deep: bool) -> Program:
        """A block of one kind; deep: with another in it. A list stands before the block that goes through it."""
        kind = self.random.choice(("repeat", "for", "if"))
        inner = self._block(deep=False) if deep else self._body()
        if kind == "repeat":
            return (Repeat(self.random.randint(2, 4), inner),)
        if kind == "if":
            return (self._choice(inner, self._body() if self.random.random() < 0.6 else ()),)
        element, bag = self.elements[deep], self.bags[deep]
        values = tuple(self.random.randint(1, 9) for _ in range(self.random.randint(2, 4)))
        change = (Add if self.random.random() < 0.7 else Subtract)(element, self.number)
        body = (change, *inner) if deep else (change, *self._printed())
        return MakeList(bag, values), For(element, bag, body)

    def _body(self) -> Program:
        return (self._change(), *self._printed())

    def _printed(self) -> Program:
        return (Print(self.number),) if self.random.random() < PRINTS else ()

    def _choice(self, body: Program, otherwise: Program) -> If:
        """An if whose condition is as likely true as not, at the place where the program stands now."""
        sign: Literal["<", "=", ">"] = self.random.choice(("<", ">", "="))
        true = self.random.random() < 0.5
        return If(self.number, sign, self._now() + self._off(sign, true), body, otherwise)

    def _off(self, sign: Sign, true: bool) -> int:
        """By how much more than the number that is which the condition compares it with."""
        if sign == "=":
            return 0 if true else self.random.choice((-1, 1)) * self.random.randint(1, 5)
        off = self.random.randint(1 if true else 0, 6)  # equal numbers are neither more nor less
        return off if true == (sign == "<") else -off


def moved(program: Program, name: str, by: int) -> Program:
    """With the number so much larger at the beginning, and in all comparisons, so that the program takes the same way."""
    return tuple(_moved(statement, name, by) for statement in program)


def _moved(statement: Statement, name: str, by: int) -> Statement:
    match statement:
        case Set(other, int(value)) if other == name:
            return Set(name, value + by)
        case Repeat(_, body) | For(_, _, body):
            return replace(statement, body=moved(body, name, by))
        case If(left, sign, right, body, otherwise):
            shifted = right + by if left == name and isinstance(right, int) else right
            return If(left, sign, shifted, moved(body, name, by), moved(otherwise, name, by))
    return statement


# --- the manual ---------------------------------------------------------------------------------------------------------


def lesson(random: Random) -> tuple[str, dict[str, Any]]:
    """A sentence that tells what a statement of the language means; and its truth."""
    name = random.choice(("set", "add", "subtract", "print", "repeat", "if", "list", "append", "for"))
    a, b, c = random.randint(1, 20), random.randint(1, 9), random.randint(2, 9)
    values = {"a": a, "b": b, "c": c, "sum": a + b}
    x = random.choice(BAGS if name in ("list", "append", "for") else NUMBERS)
    n = random.choice(ELEMENTS)
    said = phrasings(KIND, "manual", name).choose(random).format_map({**values, "x": x, "n": n})
    return said, {"task": "manual", "statement": name, "values": values}
