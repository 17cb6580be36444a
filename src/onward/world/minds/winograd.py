"""Winograd pairs: two sentences that differ in one word, which changes whom the pronoun means.

After Levesque, Davis and Morgenstern 2012 ("The Winograd schema challenge"); the schemata in data/winograd.toml are our own. Both
sentences of a pair always follow each other, with the same names and the same question, in which the candidates have the same order; so
whoever answers without reading the word, or names the first or the last candidate, is right in half of them.
Held out as "content": one schema in five, "phrasing": wordings of the question. Left out: pairs with more than two candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from onward.world.grammar import capital
from onward.world.minds.characters import GENDERS, cast
from onward.world.phrases import phrasings
from onward.world.record import Record, Split, chat
from onward.world.words import split, table
from onward.world.world import World

PAIRS = 12
"""Of each schema, in training."""
TESTS = 4
"""Of each schema, in each test split that has it."""
HELD_OUT_OF = 5


@dataclass(frozen=True)
class Schema:
    """a, b: what the candidates may be; nothing if they are people."""

    name: str
    text: str
    words: tuple[str, str]
    asks: str
    a: str = ""
    b: str = ""

    def candidates(self, random: Random) -> tuple[tuple[str, str], dict[str, str]]:
        """The two as one names them, "Ada" or "the lorry", and the slots of the sentence."""
        if self.a:
            a, b = random.choice(split(self.a)), random.choice(split(self.b))
            return (f"the {a}", f"the {b}"), {"a": a, "b": b, "they": "it"}
        one, two = cast(random, [random.choice(GENDERS)] * 2)
        return (one.name, two.name), {"a": one.name, "b": two.name, "they": one.slots["they"]}


def schemata() -> tuple[Schema, ...]:
    return tuple(Schema(name=name, **one) for name, one in table("winograd")["schemata"].items())


def is_held_out(number: int) -> bool:
    """Of a schema, by its number in the data file."""
    return number % HELD_OUT_OF == HELD_OUT_OF - 1


def winograd(world: World, pairs: int = PAIRS, tests: int = TESTS) -> Iterator[Record]:
    """Schemata in turn, not one after the other."""
    splits: dict[Split, int] = {"train": pairs, "content": tests, "phrasing": tests, "both": tests}
    for name, count in splits.items():
        for i in range(count):
            for number, schema in enumerate(schemata()):
                if is_held_out(number) == (name in ("content", "both")):
                    yield from pair(world.random("winograd", name, number, i), schema, i, name)


def pair(random: Random, schema: Schema, number: int, name: Split) -> Iterator[Record]:
    """Two records. number: even and odd ones name the candidates in different orders."""
    candidates, slots = schema.candidates(random)
    one, two = candidates if number % 2 else candidates[::-1]
    wordings = phrasings("winograd", "things" if schema.a else "people", "questions")
    question = wordings.choose(random, held_out=name in ("phrasing", "both"))
    for word, answer in zip(schema.words, candidates, strict=True):
        asks = schema.asks.format(word=word)
        asked = question.format_map(slots | {"asks": asks, "one": one, "two": two})
        yield Record(
            kind="winograd",
            split=name,
            messages=chat(f"{schema.text.format_map(slots | {'word': word})} {asked}", f"{capital(answer)} {asks}."),
            truth={
                "schema": schema.name,
                "pair": f"{schema.name}-{name}-{number}",
                "word": word,
                "answer": bare(answer),
                "options": [bare(candidate) for candidate in candidates],
                "chance": 0.5,
            },
        )


def bare(candidate: str) -> str:
    """Without the article, so that "a lorry" counts as well."""
    return candidate.removeprefix("the ")
