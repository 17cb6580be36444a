"""Draw: whence a damage takes its chances, its templates and what fills them; and what all damages need to know of a text.

Templates have slots in braces, as phrasings have, but only the names in SLOTS, and those given, are slots: CSS and JavaScript are full of
braces. A slot is drawn anew each time that it stands there. Left out: everything that is special to one kind of damage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from onward.world.entities import Person
from onward.world.grammar import capital
from onward.world.phrases import phrasings
from onward.world.words import words
from onward.world.world import World

T = TypeVar("T")
SLOT = re.compile(r"\{(\w+)\}")
GAP = re.compile(r"(?<=[.!?])\s+")
"""White space after a sentence."""


@dataclass(frozen=True)
class Page:
    """A document that is not clean, and what is true of it beside its labels."""

    text: str
    truth: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draw:
    """held_out: whether templates are the held-out ones."""

    world: World
    random: Random
    held_out: bool = False

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, trained: Sequence[T], held_out: Sequence[T]) -> T:
        """One of the ways to do something, where that is no matter of templates."""
        return self.random.choice(held_out if self.held_out else trained)

    def templates(self, file: str, *path: str) -> tuple[str, ...]:
        found = phrasings(f"dirt/{file}", *path)
        return found.held_out if self.held_out else found.trained

    def template(self, file: str, *path: str) -> str:
        return self.random.choice(self.templates(file, *path))

    def line(self, file: str, *path: str, **slots: str) -> str:
        """A template with its slots filled in."""
        return self.fill(self.template(file, *path), slots)

    def lines(self, count: int, file: str, *path: str, **slots: str) -> list[str]:
        """Of different templates, or of all that there are."""
        found = self.templates(file, *path)
        return [self.fill(template, slots) for template in self.random.sample(found, min(count, len(found)))]

    def fill(self, template: str, slots: Mapping[str, str] | None = None) -> str:
        """slots: what is known already; everything else is drawn. {Word} is {word} with a capital."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if slots and name in slots:
                return slots[name]
            low = name[0].lower() + name[1:]
            if slots and low in slots:
                return capital(slots[low])
            if low not in SLOTS:
                return match[0]
            found = self.fill(SLOTS[low](self), slots)
            return found if low == name else capital(found)

        return SLOT.sub(value, template)

    def person(self) -> Person:
        return self.world.people[self.random.randrange(len(self.world.people))]

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def one_of(self, file: str, *path: str) -> str:
        """Of a list of which nothing is held out."""
        return self.random.choice(phrasings(f"dirt/{file}", *path).all)

    def shuffled(self, file: str, *path: str) -> list[str]:
        """Such a list, in any order."""
        found = phrasings(f"dirt/{file}", *path).all
        return self.random.sample(found, len(found))


def sentences(text: str) -> list[str]:
    return GAP.split(text)


def gaps(text: str) -> list[tuple[int, int]]:
    """Where something can be put in: the white space after each sentence, from and to, and the end of the text."""
    return [match.span() for match in GAP.finditer(text)] + [(len(text), len(text))]


def put_in(draw: Draw, text: str, new: str, around: str = " ") -> str:
    """Between two sentences, or at the end.   around: what parts it from them; of it there is none at the end."""
    start, end = draw.random.choice(gaps(text))
    after = around if end < len(text) else ""
    return f"{text[:start]}{around}{new}{after}{text[end:]}"


DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September"]
MONTHS += ["October", "November", "December"]
PRICES = ("${number}", "${number}.99", "€{number}", "{number} euros", "£{number}.50", "{number} USD", "${number},000")
DATES = ("{low} {month} {year}", "{month} 1{digit}, {year}", "2{low}.0{low}.{year}", "{year}-0{low}-1{digit}")
DOMAINS = ("example", "example.com", "example.org", "example.net", "test", "invalid")
"""Names that nobody can own (RFC 2606), so that no invented address is somebody's."""

SLOTS: dict[str, Callable[[Draw], str]] = {
    "name": lambda draw: draw.person().name,
    "other": lambda draw: draw.person().first,
    "city": lambda draw: draw.random.choice(draw.world.cities).name,
    "town": lambda draw: draw.random.choice(draw.world.cities).name,
    "company": lambda draw: draw.random.choice(draw.world.companies).name,
    "trade": lambda draw: draw.random.choice(words("trade")),
    "hobby": lambda draw: draw.random.choice(words("hobby")),
    "animal": lambda draw: draw.random.choice(words("animal")),
    "food": lambda draw: draw.random.choice(words("food")),
    "job": lambda draw: draw.random.choice(words("job")),
    "year": lambda draw: str(draw.random.randrange(1950, 2026)),
    "hour": lambda draw: str(draw.random.randrange(2, 24)),
    "number": lambda draw: str(draw.random.randrange(2, 100)),
    "big": lambda draw: f"{draw.random.randrange(1000, 1000000):,}",
    "percent": lambda draw: f"{draw.random.randrange(5, 100, 5)}%",
    "digit": lambda draw: draw.digits(1),
    "low": lambda draw: str(draw.random.randrange(1, 9)),
    "digits": lambda draw: str(draw.random.randrange(10**4, 10**8)),
    "hex": lambda draw: f"{draw.random.randrange(16**6):06x}",
    "day": lambda draw: draw.random.choice(DAYS),
    "month": lambda draw: draw.random.choice(MONTHS),
    "date": lambda draw: draw.random.choice(DATES),
    "time": lambda draw: f"{draw.random.randrange(24)}:{draw.random.randrange(60):02}",
    "price": lambda draw: draw.random.choice(PRICES),
    "title": lambda draw: draw.template("boilerplate", "titles"),
    "site": lambda draw: " ".join(
        draw.random.choice(words(f"site.{part}", "dirt/boilerplate")) for part in ("first", "second")
    ),
    "domain": lambda draw: f"{SLOTS['site'](draw).lower().replace(' ', '-')}.{draw.random.choice(DOMAINS)}",
}
