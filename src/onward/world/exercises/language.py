"""Tally, the mini language of the world's programs: one statement a line, numbers and lists of numbers, no surprises.

    set x to 3              x is a number from now on
    list bag 4 2            bag is a list of these values; of none, it is empty
    add 5 to x              x grows by 5; to a list, 5 is put at its end
    subtract 1 from x
    print x                 one line of output; a list prints its values with blanks between
    repeat 3 times ... end  the lines between, three times
    for n in bag ... end    the lines between, with n each value of the list in turn
    if x > 5 ... else ... end
                            compares two numbers with <, = or >; the part from else on may be left out

A value is a whole number, or the name of one. Blocks may stand in one another; blanks at the beginning of a line mean nothing.
`parse` reads a program, `write` is its inverse, `run` gives what it prints and the trace of what it did, line by line.
Left out: procedures, text, division, and everything that would need more than one page to explain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from onward.errors import ProgramError

Sign = Literal["<", "=", ">"]
Value = int | str
"""A number, or the name of one."""
STEPS = 1_000
"""Statements and rounds that a program may run through, before it is taken for one that does not end in time."""
DEPTH = 50
"""Blocks that may stand in one another."""
FORMS = {
    "set": "set NAME to VALUE",
    "list": "list NAME VALUE VALUE ...",
    "add": "add VALUE to NAME",
    "subtract": "subtract VALUE from NAME",
    "print": "print VALUE",
    "repeat": "repeat VALUE times",
    "for": "for NAME in LIST",
    "if": "if VALUE < VALUE, with <, = or >",
    "else": "else",
    "end": "end",
}
"""How each line is written, by its first word."""
KEYWORDS = {*FORMS, "to", "from", "in", "times"}
NAME, NUMBER = re.compile(r"[a-z]+"), re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True)
class Statement:
    """line: where it stands, from 1; it says nothing about what the statement does."""

    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True)
class Set(Statement):
    name: str
    value: Value


@dataclass(frozen=True)
class MakeList(Statement):
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Add(Statement):
    value: Value
    name: str


@dataclass(frozen=True)
class Subtract(Statement):
    value: Value
    name: str


@dataclass(frozen=True)
class Print(Statement):
    value: Value


@dataclass(frozen=True)
class Repeat(Statement):
    times: Value
    body: Program


@dataclass(frozen=True)
class For(Statement):
    name: str
    values: str
    body: Program


@dataclass(frozen=True)
class If(Statement):
    left: Value
    sign: Sign
    right: Value
    body: Program
    otherwise: Program = ()


Program = tuple[Statement, ...]

# --- reading and writing ------------------------------------------------------------------------------------------------


def parse(text: str) -> Program:
    """Raises ProgramError, which names the line."""
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    statements, rest = _block(lines)
    if rest:
        number, words = rest[0]
        raise ProgramError(number, f'"{words[0]}" belongs to no block. Take it out, or open one with repeat, for or if')
    return statements


Lines = list[tuple[int, list[str]]]


def _block(lines: Lines, depth: int = 0) -> tuple[Program, Lines]:
    """The statements up to the line that ends their block, and the lines from there on."""
    if depth > DEPTH and lines:
        raise ProgramError(lines[0][0], f"more than {DEPTH} blocks stand in one another here. Use fewer")
    found: list[Statement] = []
    while lines and lines[0][1] not in (["else"], ["end"]):
        statement, lines = _statement(lines, depth)
        found.append(statement)
    return tuple(found), lines


def _statement(lines: Lines, depth: int) -> tuple[Statement, Lines]:
    (line, words), rest = lines[0], lines[1:]
    match words:
        case ["set", name, "to", value]:
            return Set(_name(name, line), _value(value, line), line=line), rest
        case ["list", name, *values]:
            return MakeList(_name(name, line), tuple(_value(value, line) for value in values), line=line), rest
        case ["add", value, "to", name]:
            return Add(_value(value, line), _name(name, line), line=line), rest
        case ["subtract", value, "from", name]:
            return Subtract(_value(value, line), _name(name, line), line=line), rest
        case ["print", value]:
            return Print(_value(value, line), line=line), rest
        case ["repeat", times, "times"]:
            body, rest = _block(rest, depth + 1)
            return Repeat(_value(times, line), body, line=line), _ended(rest, line, "repeat")
        case ["for", name, "in", values]:
            body, rest = _block(rest, depth + 1)
            return For(_name(name, line), _name(values, line), body, line=line), _ended(rest, line, "for")
        case ["if", left, ("<" | "=" | ">") as sign, right]:
            body, rest = _block(rest, depth + 1)
            otherwise: Program = ()
            if rest and rest[0][1] == ["else"]:
                otherwise, rest = _block(rest[1:], depth + 1)
            found = If(_value(left, line), _sign(sign), _value(right, line), body, otherwise, line=line)
            return found, _ended(rest, line, "if")
    raise ProgramError(line, _misread(words))


def _misread(words: Sequence[str]) -> str:
    """What is wrong with a line that is no statement."""
    said = " ".join(words)
    if words[0] in FORMS:
        return f'"{said}" is not how {words[0]} is written. Write: {FORMS[words[0]]}'
    return f'"{said}" is no statement. A line begins with one of: {", ".join(FORMS)}'


def _ended(lines: Lines, opened: int, keyword: str) -> Lines:
    if not lines:
        raise ProgramError(opened, f'the block of "{keyword}" has no end. Write end on a line of its own after it')
    number, words = lines[0]
    if words == ["else"]:
        raise ProgramError(number, 'this "else" belongs to no "if", which has at most one')
    return lines[1:]


def _name(word: str, line: int) -> str:
    if not NAME.fullmatch(word) or word in KEYWORDS:
        raise ProgramError(line, f'"{word}" is no name. A name is of small letters, and no word of the language')
    return word


def _value(word: str, line: int) -> Value:
    if word[0] in "-0123456789" and not NUMBER.fullmatch(word):
        raise ProgramError(line, f'"{word}" is no number. A number has one to nine digits, and may have a - before it')
    return int(word) if NUMBER.fullmatch(word) else _name(word, line)


def _sign(word: str) -> Sign:
    return next(sign for sign in get_args(Sign) if sign == word)


def write(program: Program) -> str:
    """A program as text, blocks two blanks in."""
    return "\n".join(_lines(program))


def _lines(program: Program, indent: str = "") -> Iterator[str]:
    inner = indent + "  "
    for statement in program:
        match statement:
            case Set(name, value):
                yield f"{indent}set {name} to {value}"
            case MakeList(name, values):
                yield indent + " ".join(map(str, ("list", name, *values)))
            case Add(value, name):
                yield f"{indent}add {value} to {name}"
            case Subtract(value, name):
                yield f"{indent}subtract {value} from {name}"
            case Print(value):
                yield f"{indent}print {value}"
            case Repeat(times, body):
                yield from (f"{indent}repeat {times} times", *_lines(body, inner), f"{indent}end")
            case For(name, listed, body):
                yield from (f"{indent}for {name} in {listed}", *_lines(body, inner), f"{indent}end")
            case If(left, sign, right, body, otherwise):
                yield from (f"{indent}if {left} {sign} {right}", *_lines(body, inner))
                if otherwise:
                    yield from (f"{indent}else", *_lines(otherwise, inner))
                yield f"{indent}end"


# --- running ------------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """What a program did.

    output: the printed lines.   trace: what each statement did, in order: "x = 3", "x = 3 + 4 = 7", "7 > 5: yes", "round 2", "print 7".
    variables: at the end.   taken: for each if that was come to, whether its condition was true.   steps: statements and rounds.
    """

    output: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    variables: dict[str, int | list[int]] = field(default_factory=dict)
    taken: list[bool] = field(default_factory=list)
    steps: int = 0

    def execute(self, program: Program) -> None:
        for statement in program:
            self._count(statement.line)
            self._do(statement)

    def _count(self, line: int) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise ProgramError(line, f"the program has gone through {STEPS:,} statements and rounds. Repeat less")

    def _do(self, statement: Statement) -> None:
        line = statement.line
        match statement:
            case Set(name, value):
                self.variables[name] = self.a_number(value, line)
                self.trace.append(f"{name} = {self.variables[name]}")
            case MakeList(name, values):
                self.variables[name] = [self.a_number(value, line) for value in values]
                self.trace.append(f"{name} = {self.shown(name, line) or 'empty'}")
            case Add(value, name):
                self._add(name, self.a_number(value, line), line)
            case Subtract(value, name):
                before, less = self.a_number(name, line), self.a_number(value, line)
                self.variables[name] = before - less
                self.trace.append(f"{name} = {before} - {less} = {before - less}")
            case Print(value):
                self.output.append(self.shown(value, line))
                self.trace.append(f"print {self.output[-1]}".rstrip())
            case Repeat() | For() | If():
                self._do_block(statement)

    def _do_block(self, statement: Repeat | For | If) -> None:
        line = statement.line
        match statement:
            case Repeat(times, body):
                for count in range(1, self.a_number(times, line) + 1):
                    self._count(line)
                    self.trace.append(f"round {count}")
                    self.execute(body)
            case For(name, listed, body):
                values = tuple(
                    self.a_list(listed, line)
                )  # as it was before the first round: what is added to it adds no rounds
                for value in values:
                    self._count(line)
                    self.variables[name] = value
                    self.trace.append(f"{name} = {value}")
                    self.execute(body)
            case If(left, sign, right, body, otherwise):
                a, b = self.a_number(left, line), self.a_number(right, line)
                true = a < b if sign == "<" else a > b if sign == ">" else a == b
                self.taken.append(true)
                self.trace.append(f"{a} {sign} {b}: {'yes' if true else 'no'}")
                self.execute(body if true else otherwise)

    def _add(self, name: str, value: int, line: int) -> None:
        before = self.look_up(name, line)
        if isinstance(before, list):
            before.append(value)
            self.trace.append(f"{name} = {self.shown(name, line)}")
        else:
            self.variables[name] = before + value
            self.trace.append(f"{name} = {before} + {value} = {before + value}")

    def look_up(self, name: str, line: int) -> int | list[int]:
        if name not in self.variables:
            raise ProgramError(line, f'"{name}" has no value yet. Write before it: set {name} to 0, or: list {name}')
        return self.variables[name]

    def a_number(self, value: Value, line: int) -> int:
        found = value if isinstance(value, int) else self.look_up(value, line)
        if isinstance(found, list):
            raise ProgramError(line, f'"{value}" is a list, and a number is needed here')
        return found

    def a_list(self, name: str, line: int) -> Sequence[int]:
        found = self.look_up(name, line)
        if isinstance(found, int):
            raise ProgramError(line, f'"{name}" is a number, and a list is needed here. Make one so: list {name} 1 2 3')
        return found

    def shown(self, value: Value, line: int) -> str:
        """As print writes it."""
        found = value if isinstance(value, int) else self.look_up(value, line)
        return " ".join(map(str, found)) if isinstance(found, list) else str(found)


def run(program: Program | str) -> Run:
    """From the beginning to the end.   Raises ProgramError."""
    done = Run()
    done.execute(parse(program) if isinstance(program, str) else program)
    return done
