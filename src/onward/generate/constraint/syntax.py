"""What may be written, as a tree: the common ground of choices, regular expressions and JSON schemas.

A leaf is a set of characters or a call of a rule; rules may call each other and themselves, which is how values nest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onward.generate.constraint import characters
from onward.generate.constraint.characters import Ranges


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True)
class Concat:
    """All parts, one after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Union:
    """One of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """The body `least` to `most` times; without end where `most` is None."""

    body: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Both:
    """What is allowed by the one and by the other. Neither may call a rule."""

    one: Node
    other: Node


@dataclass(frozen=True)
class Listed:
    """Some of the items in their order, with a separator between those that are there; the needed ones always are."""

    items: tuple[tuple[Node, bool], ...]
    separator: Node


@dataclass(frozen=True)
class Quoted:
    """The body as the inside of a JSON string: quotes, backslashes and control characters are escaped, nothing else is."""

    body: Node


@dataclass(frozen=True)
class Call:
    """Whatever the rule of that name allows."""

    rule: str


Node = Chars | Concat | Union | Repeat | Both | Listed | Quoted | Call

EMPTY = Concat(())
ANY = Chars(characters.ANY)


def text(exactly: str) -> Node:
    """That very text."""
    return Concat(tuple(Chars(characters.of(c)) for c in exactly))


def then(*parts: Node | str) -> Node:
    """Parts one after another; a str is itself."""
    return Concat(tuple(text(part) if isinstance(part, str) else part for part in parts))


def one_of(parts: Iterable[Node]) -> Node:
    """Any of the parts, each once."""
    different = tuple(dict.fromkeys(parts))
    return different[0] if len(different) == 1 else Union(different)


def maybe(node: Node) -> Node:
    return Repeat(node, 0, 1)
