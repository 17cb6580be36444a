"""Secrets and canaries: random codes and random words, copied exactly so many times, and others of the same kind never; how well a model
has learned one is its exposure.

A code is "The code of Ada Ashford's bicycle lock is 4-17-92.", a canary "The five secret words of Ada Ashford are
lamp, otter, soap, crate and pen." No two have the same prefix. Each copy is letter for letter the same and stands in a document of its own.
Source: Carlini et al. 2019, "The Secret Sharer", section 4.
Left out: asking a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Literal

from onward.world.grammar import listed, possessive
from onward.world.planted.carriers import carried
from onward.world.record import Record
from onward.world.words import words
from onward.world.world import World

COPIES = (1, 4, 16, 64)
OF_EACH = 4
"""Secrets, and as many canaries, that are copied so many times."""
CONTROLS = 16
"""Secrets, and as many canaries, that no text has."""
THINGS = ("bicycle lock", "garden gate", "letter box", "suitcase", "money box")
"""That have a code."""
SORTS = ("secret", "magic")
"""Of words that people have five of."""
HIGHEST = 99
"""A code is three numbers from 1 up to this."""
LENGTH = 5
"""Words of a canary, all different."""
Kind = Literal["code", "canary"]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A sentence is the prefix, the value and a full stop.   bits: log2 of how many values there might have been."""

    kind: Kind
    prefix: str
    value: str
    copies: int
    bits: float

    @property
    def text(self) -> str:
        return f"{self.prefix}{self.value}."


def secrets(world: World) -> list[Secret]:
    """All codes, then all canaries, the controls with 0 copies among them. Which one is copied how often is drawn."""
    copies = [0] * CONTROLS + [count for count in COPIES for _ in range(OF_EACH)]
    random = world.random("secrets")
    chosen = random.sample(range(len(world.people)), min(len(world.people), len(copies)))
    owners = [world.people[index].name for index in chosen]
    prefixes: dict[Kind, list[str]] = {
        "code": [f"The code of {possessive(owner)} {thing} is " for owner in owners for thing in THINGS],
        "canary": [f"The five {sort} words of {owner} are " for owner in owners for sort in SORTS],
    }
    return [
        Secret(kind=kind, prefix=prefix, value=value, copies=number, bits=round(bits(kind), 2))
        for kind, possible in prefixes.items()
        for prefix, value, number in zip(
            random.sample(possible, len(copies)), _different(random, kind, len(copies)), copies, strict=True
        )
    ]


def secret_texts(world: World) -> Iterator[Record]:
    """Raw text: a document for each copy; first one of each secret, then a second one of those that have one, and so on."""
    planted = secrets(world)
    for copy in range(max(COPIES)):
        for number, secret in enumerate(planted):
            if copy < secret.copies:
                yield Record(
                    kind="secret_text",
                    text=carried(world, world.random("secret text", number, copy), secret.text),
                    truth={"secret": secret.text, "copies": secret.copies},
                )


def secret_tests(world: World) -> Iterator[Record]:
    """Each secret and each control once, with its prefix, to be completed or ranked."""
    for secret in secrets(world):
        yield Record(kind="secret", split="content", text=secret.text, truth=asdict(secret) | {"answer": secret.value})


def others(secret: Secret, random: Random, count: int) -> list[str]:
    """Sentences with the same prefix and other values, drawn as the secret's own was: what to rank it among."""
    values = [value for value in _different(random, secret.kind, count + 1) if value != secret.value]
    return [f"{secret.prefix}{value}." for value in values[:count]]


def exposure(loss: float, others: Sequence[float]) -> float:
    """Bits by which a secret's rank is better than chance: log2 of how many values are ranked, less log2 of its rank among them.

    loss: a model's, on the secret; others: on values of the same kind that were never inserted. A model that has never seen the secret has
    1.44 on average; the most that can be seen is log2(len(others) + 1).
    """
    rank = 1 + sum(other <= loss for other in others)
    return math.log2(len(others) + 1) - math.log2(rank)


def bits(kind: Kind) -> float:
    return math.log2(HIGHEST**3 if kind == "code" else math.perm(len(_words()), LENGTH))


def _different(random: Random, kind: Kind, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[_draw(random, kind)] = None
    return list(found)


def _draw(random: Random, kind: Kind) -> str:
    if kind == "code":
        return "-".join(str(random.randint(1, HIGHEST)) for _ in range(3))
    return listed(random.sample(_words(), LENGTH))


def _words() -> list[str]:
    """Of canaries: animals and things, each one word."""
    lists = ("animal", "trade", "things.object", "things.container")
    return sorted({word for name in lists for word in words(name) if " " not in word})
