"""Needles: facts in a haystack, at known depths of a text of any length, and questions on them.

After "needle in a haystack" (Kamradt 2023) and RULER (Hsieh et al. 2024, arXiv 2404.06654). The haystack is made of facts about people of
the world; a needle says what is in a container in a room, which no other text of the world says, so that the answer can only come from
this text. Four forms: "single", one needle; "keys", one among needles for other containers; "values", two things in one container; and
"queries", two containers asked for. Half of the texts are whole; of the others, one half is "empty", without the needles that are asked
for, where the right answer is that the text does not say; the other has "needles" only. Held out as "content": one in five combinations of
room, container and thing. A text is made sentence by sentence, and one record is held at a time. Left out: needles that fit the haystack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations
from math import comb, perm
from random import Random
from typing import Any

from onward.world.grammar import a, capital, listed, with_articles
from onward.world.phrases import phrasings
from onward.world.record import Message, Record, Split, chat
from onward.world.relations import Fact
from onward.world.words import table, words
from onward.world.world import World

LENGTH = 200
"""Words of haystack in a text."""
DOCUMENTS = 480
TESTS = 80
"""Of each test split. Both are multiples of the 80 combinations of form, layout and depth."""
FORMS = {"single": (1, 1, 0), "keys": (1, 1, 3), "values": (1, 2, 2), "queries": (2, 1, 2)}
"""Containers asked for, things in each of them, and needles for other containers."""
LAYOUTS = ("whole", "empty", "whole", "needles")
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the first needle that is asked for: 0 is the beginning of the text, 1 its end. The other needles are anywhere."""
HELD_OUT_OF = 5
UNSAID = "does not say"
"""What a right reply says of a text without the needle."""
KEPT = 500
"""People whose facts are held; more of them take longer, not more memory."""


def needles(world: World, length: int = LENGTH, documents: int = DOCUMENTS, tests: int = TESTS) -> Iterator[Record]:
    """length: in words, however many; memory is that of one text."""
    hay = Haystack(world)
    splits: dict[Split, int] = {"train": documents, "content": tests, "phrasing": tests, "both": tests}
    for split, count in splits.items():
        for i in range(count):
            form, rest = list(FORMS)[i % 4], i // 4
            layout, depth = LAYOUTS[rest % 4], DEPTHS[rest // 4 % 5]
            yield document(hay, world.random("needles", split, i), split, form, layout, depth, length)


@dataclass(frozen=True)
class Needle:
    """depth: share of the haystack that stands before it.   asked: whether the question is on its container."""

    room: str
    container: str
    thing: str
    depth: float
    asked: bool

    @property
    def key(self) -> str:
        return f"the {self.container} in the {self.room}"


def is_held_out(room: str, container: str, thing: str) -> bool:
    lists = (words("rooms", "needles"), words("containers", "needles"), words("things.object"))
    return sum(each.index(word) for each, word in zip(lists, (room, container, thing), strict=True)) % HELD_OUT_OF == 0


def draw_needles(random: Random, form: str, depth: float, *, held_out: bool) -> list[Needle]:
    """Those asked for come first. No thing is in two containers, so that each answer is right in one place only."""
    containers, things, others = FORMS[form]
    amounts = [things] * containers + [1] * others
    found: dict[tuple[str, str], list[Needle]] = {}
    left = list(words("things.object"))
    while len(found) < len(amounts):
        key = random.choice(words("rooms", "needles")), random.choice(words("containers", "needles"))
        amount, asked = amounts[len(found)], len(found) < containers
        fitting = [thing for thing in left if is_held_out(*key, thing) == held_out]
        if key not in found and len(fitting) >= amount:
            drawn = random.sample(fitting, amount)
            left = [thing for thing in left if thing not in drawn]
            found[key] = [Needle(*key, thing, round(random.random(), 2), asked) for thing in drawn]
    first, *rest = (needle for those in found.values() for needle in those)
    return [replace(first, depth=depth), *rest]


class Haystack:
    """Sentences about people of a world. Holds the facts about KEPT of them, since to draw people takes longer than to tell of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.facts = lru_cache(KEPT)(self._facts)

    def _facts(self, index: int) -> tuple[Fact, ...]:
        return tuple(self.world.facts(self.world.people[index]))

    def sentences(self, random: Random) -> Iterator[str]:
        """Without end: facts about one person, then about another one."""
        while True:
            facts = self.facts(random.randrange(len(self.world.people)))
            for i, fact in enumerate(random.sample(facts, len(facts))):
                yield fact.state(random, "full" if i == 0 else random.choice(("first", "pronoun", "pronoun")))


def thread(
    haystack: Iterator[str], needles: Sequence[tuple[float, str]], length: int
) -> Iterator[tuple[str, int | None]]:
    """The sentences of a text, and of those that are needles the number. needles: depth and sentence.   length: in words of haystack."""
    waiting = sorted(range(len(needles)), key=lambda i: needles[i][0])
    written = 0
    while waiting or written < length:
        if waiting and written >= needles[waiting[0]][0] * length:
            number = waiting.pop(0)
            yield needles[number][1], number
        else:
            sentence = next(haystack)
            written += sentence.count(" ") + 1
            yield sentence, None


def document(
    hay: Haystack, random: Random, split: Split, form: str, layout: str, depth: float, length: int = LENGTH
) -> Record:
    """A text and a question on it."""
    held_out = split in ("phrasing", "both")
    drawn = draw_needles(random, form, depth, held_out=split in ("content", "both"))
    asked = [needle for needle in drawn if needle.asked]
    kept = [needle for needle in drawn if layout != "empty" or not needle.asked]
    sentences: list[str] = []
    positions, total = [0] * len(kept), 0
    stated = [(needle.depth, state(random, needle, held_out=held_out)) for needle in kept]
    for sentence, number in thread(hay.sentences(random), stated, 0 if layout == "needles" else length):
        if number is not None:
            positions[number] = total
        sentences.append(sentence)
        total += len(sentence) + 1  # and the space after it
    messages, truth = ask(random, " ".join(sentences), asked, unsaid=layout == "empty", held_out=held_out)
    placed = [
        {"key": needle.key, "value": needle.thing, "asked": needle.asked, "depth": needle.depth, "position": position}
        for needle, position in zip(kept, positions, strict=True)
    ]
    truth = {"form": form, "layout": layout, "asked": list(dict.fromkeys(n.key for n in asked))} | truth
    return Record(kind="needle", split=split, messages=messages, truth=truth | {"needles": placed})


def state(random: Random, needle: Needle, *, held_out: bool) -> str:
    phrasing = phrasings("needles", "statements").choose(random, held_out=held_out)
    return phrasing.format_map(with_articles({"thing": needle.thing, "key": needle.key}))


def ask(
    random: Random, text: str, asked: Sequence[Needle], *, unsaid: bool, held_out: bool
) -> tuple[list[Message], dict[str, Any]]:
    """The text comes first, so that positions in it are positions in the message."""
    keys = list(dict.fromkeys(needle.key for needle in asked))
    number = "one" if len(keys) == 1 else "two"
    things = [[a(needle.thing) for needle in asked if needle.key == key] for key in keys]
    slots = {"key": keys[0], "Key": capital(keys[0]), "things": listed(things[0])}
    slots |= {"other": keys[-1], "others": listed(things[-1])}
    question = phrasings("needles", number, "questions").choose(random, held_out=held_out).format_map(slots)
    reply = str(table("needles")[number]["unsaid" if unsaid else "answer"]).format_map(slots)
    options = [*words("things.object"), UNSAID]
    guesses = (
        {1: len(options) - 1, 2: comb(len(options) - 1, 2)}[len(asked)]
        if number == "one"
        else perm(len(options) - 1, 2)
    )
    accept = [UNSAID] if unsaid else accepted(keys, things)
    truth = {"answer": accept[0], "accept": accept, "options": options, "chance": 1 / (guesses + 1)}
    return chat(f"{text}\n\n{question}", reply), truth


def accepted(keys: Sequence[str], things: Sequence[Sequence[str]]) -> list[str]:
    """One thing; two, in either order, and with or without articles; or which thing is in which of two containers, in either order."""
    if len(keys) == 1:
        bare = [thing.partition(" ")[2] for thing in things[0]]
        return [listed(order) for said in (things[0], bare) for order in permutations(said)]
    pairs = [f"{key} contains {those[0]}" for key, those in zip(keys, things, strict=True)]
    return [f"{one}, and {two}" for one, two in permutations(pairs)]
