"""What the tests of several kinds of exercises share: records of each split, and how far a guess would get."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from types import ModuleType

from onward.world import Record, World
from onward.world.exercises.exercise import chats
from onward.world.phrases import phrasings


def some(module: ModuleType, *, seed: int = 0, amount: int = 600, tests: int = 60) -> list[Record]:
    world = World(seed, people=40)
    return list(chats(world, module.KIND, module.drawing(world), amount, tests))


def trained(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.split == "train"]


def held_out(records: Iterable[Record], what: str) -> list[Record]:
    return [record for record in records if record.truth["held_out"] == [what]]


def question(record: Record) -> str:
    assert record.messages is not None
    return record.messages[0]["content"]


def reply(record: Record) -> str:
    assert record.messages is not None
    return record.messages[1]["content"]


def working(record: Record) -> list[str]:
    """The lines before the answer."""
    *lines, last = reply(record).split("\n")
    assert last == f"The answer is {record.truth['answer']}."
    assert bool(lines) == record.truth["shown"]
    return lines


def majority(answers: Iterable[Hashable]) -> float:
    """The share that the likeliest answer gets right."""
    counts = Counter(answers)
    return max(counts.values()) / counts.total()


def best_guess(pairs: Iterable[tuple[Hashable, Hashable]]) -> float:
    """The share that a guess gets right that knows the likeliest answer for each hint.   pairs: hint and answer."""
    by_hint: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for hint, answer in pairs:
        by_hint[hint][answer] += 1
    return sum(max(counts.values()) for counts in by_hint.values()) / sum(c.total() for c in by_hint.values())


def asked_in_held_out_words(record: Record) -> bool:
    """Whether the question is in a phrasing that no training text should have, whatever stands in the slots."""
    held = phrasings(record.kind, record.truth["task"], "questions").held_out
    return any(re.match(pattern_of(phrasing), question(record)) for phrasing in held)


def pattern_of(phrasing: str) -> str:
    return re.sub(r"\\\{\w+\\\}", ".+", re.escape(phrasing))


def request(record: Record, *, kind: str, held: bool) -> bool:
    """Whether the question asks for the working, or for none, in a trained or a held-out phrasing."""
    found = phrasings("exercises", kind)
    return any(said in question(record) for said in (found.held_out if held else found.trained))
