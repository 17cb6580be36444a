"""The world's own suites: questions whose truth is known, in wordings and on people that no training text of theirs has.

`world-hop` and so on are of the default world (seed 0), which `onward build` is made from by default; of any other world,
its tests/hop.jsonl is a suite. Left out: conversations of several turns, and answers that gold judges (onward.build.manners).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from onward.evaluate.items import CHOICE, Item
from onward.evaluate.suite import Suite
from onward.world import World
from onward.world.kinds import CHATS
from onward.world.record import Record

PREFIX = "world-"
WITHOUT = ("conversation", "system", "demonstration")
"""Kinds of chats whose truth is no single answer."""
NAMES = [f"{PREFIX}{kind}" for kind in CHATS if kind not in WITHOUT]
ABOUT = "the built-in world, seed 0: held-out wordings and, where it is about people, people of whom no training question was"
TOKENS = 64
MOST = 480
"""Items of a kind, the same ones as in a run's report."""
HARDEST = ("both", "people", "content", "phrasing")
"""Of these splits, the first that a kind has."""


def suite(name: str) -> Suite:
    """By its name, of the default world."""
    return Suite(name=name, items=_items(name), max_tokens=TOKENS, about=ABOUT)


def _items(name: str) -> list[Item]:
    kind = name.removeprefix(PREFIX)
    records = [record for record in CHATS[kind](World()) if record.split != "train"]
    split = next(split for split in HARDEST if any(record.split == split for record in records))
    there = [record for record in records if record.split == split]
    numbered = [_plain(record, number) for number, record in enumerate(there)]
    found = Random(kind).sample(numbered, min(MOST, len(numbered)))
    return [item_of(record) for record in found]


def _plain(record: Record, number: int) -> dict[str, Any]:
    return {"id": record.id(number), "kind": record.kind, "messages": record.messages, "truth": record.truth}


def item_of(record: Mapping[str, Any]) -> Item:
    """A record of the world's tests as an item.   Raises ValueError where its truth is no single answer."""
    truth, kind = record["truth"], str(record.get("kind", ""))
    messages = record.get("messages")
    if kind in WITHOUT or not messages or ("answer" not in truth and kind != "instruction"):
        raise ValueError(f"records of the kind {kind!r} have no single answer, and cannot be asked as a suite")
    common: dict[str, Any] = {
        "id": str(record["id"]),
        "kind": str(truth.get("relation", truth.get("form", truth.get("task", "")))),
        "group": _group(truth),
        "chance": truth.get("chance"),
        "truth": truth,
    }
    if "offered" in truth:
        offered = [str(one) for one in truth["offered"]]
        return Item(
            messages=({"role": "user", "content": _without(messages[-2]["content"], offered)},),
            rule=CHOICE,
            answers=(offered["ABCD".index(truth["answer"])],),
            options=tuple(offered),
            **common,
        )
    rule = "forms" if kind == "instruction" else "exact" if kind == "translation" else "world"
    answers = tuple(map(str, truth.get("accept") or [truth.get("answer", "")]))
    return Item(messages=tuple(messages[:-1]), rule=rule, answers=answers, **common)


def _group(truth: Mapping[str, Any]) -> str:
    """Whom or what it is about: questions on one person are not independent of each other."""
    if "english" in truth:  # of translations each is about something else
        return ""
    facts = truth.get("facts")
    return str(facts[0]["subject"]) if facts else str(truth.get("about") or truth.get("pair") or "")


def _without(asked: str, offered: list[str]) -> str:
    """A question without its options, and without the words that lead to them, each of which has a line or a sentence of its own."""
    block = "\n".join(f"{letter}) {option}" for letter, option in zip("ABCD", offered, strict=True))
    whole = asked.replace(block, "\n").strip()
    return next(
        (sentence.strip() for line in whole.split("\n") for sentence in _sentences(line) if sentence.endswith("?")),
        whole,
    )


def _sentences(line: str) -> list[str]:
    found = line.replace("Choose the right answer. ", "\n").replace("? ", "?\n").split("\n")
    return [sentence.strip() for sentence in found if sentence.strip() not in LEADS]


LEADS = ("Which of these is right?", "")
