"""Instructions on form: how they are drawn, how they are said, and a reply that follows them, made step by step.

Which instructions go together is not written down anywhere: they do if the reply that is made of them follows them all. Words are in
data/forms.toml. Left out: the checks (evaluate/instructed.py).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from random import Random
from typing import Any

from onward.evaluate import instructed
from onward.evaluate.instructed import Instruction

TRIES = 1000
DATA: dict[str, Any] = tomllib.loads(
    (files("onward.evaluate.builtin") / "data" / "forms.toml").read_text(encoding="utf-8")
)
FILLER = DATA["filler"].strip().splitlines()


def drawn(random: Random, count: int) -> tuple[list[Instruction], str]:
    """So many that go together, and a reply that follows them: what cannot be followed is drawn anew."""
    for _ in range(TRIES):
        names = sorted(random.sample(list(DRAWS), count), key=list(DRAWS).index)
        found: list[Instruction] = [{"name": name} | DRAWS[name](random) for name in names]
        reply = reference(found)
        if all(instructed.strictly(reply, found)):
            return found, reply
    raise AssertionError(f"of {TRIES} times {count} instructions none go together")


def asked(instruction: Instruction) -> str:
    """In words."""
    said = {key: ", ".join(value) if isinstance(value, list) else value for key, value in instruction.items()}
    return str(DATA["ask"][instruction["name"]].format_map(said))


def reference(instructions: Sequence[Instruction]) -> str:
    """A reply made by them, one after the other. Whether it follows all is for the checks to say."""
    reply = " ".join(FILLER[:3])
    for one in instructions:
        args = dict(one)
        name = args.pop("name")
        reply = STEPS[name](reply, **args) if name in STEPS else reply
    return reply


def _some(name: str, count: int) -> Callable[[Random], dict[str, Any]]:
    return lambda random: {name: sorted(random.sample(DATA[NAMED.get(name, name)].split(), count))}


def _one(name: str, place: str) -> Callable[[Random], dict[str, Any]]:
    return lambda random: {name: random.choice([part.strip() for part in DATA[place].split("|")])}


def _count(*counts: int) -> Callable[[Random], dict[str, Any]]:
    return lambda random: {"count": random.choice(counts)}


NAMED = {"words": "keywords"}
DRAWS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "list": _count(2, 3, 4),
    "numbered": _count(2, 3, 4),
    "json": _some("keys", 2),
    "sentences": _count(2, 3, 4, 5),
    "paragraphs": _count(2, 3),
    "bullets": _count(2, 3, 4),
    "words at least": _count(20, 30, 40),
    "words at most": _count(10, 20, 30),
    "keyword": lambda random: {"word": random.choice(DATA["keywords"].split()), "count": random.choice((2, 3))},
    "keywords": _some("words", 2),
    "forbidden": lambda random: {"words": sorted(random.sample(DATA["forbidden"].split(), 3))},
    "letter": lambda random: {"letter": random.choice(DATA["letters"].split()), "count": random.choice((10, 15))},
    "without": lambda random: {"letter": random.choice(DATA["without"].split())},
    "no commas": lambda _: {},
    "capital words": _count(2, 3),
    "blanks": _count(2, 3),
    "title": lambda _: {},
    "begin": _one("text", "openings"),
    "postscript": lambda _: {},
    "end": _one("text", "endings"),
    "quotes": lambda _: {},
    "capitals": lambda _: {},
    "lower": lambda _: {},
}
"""What may be drawn for the arguments of each instruction, in the order in which a reference reply is made."""


def _lines(mark: str) -> Callable[..., str]:
    return lambda _, count: "\n".join(mark.format(place + 1) + FILLER[place] for place in range(count))


def _longer(reply: str, count: int) -> str:
    for sentence in FILLER[3:] * 2:
        if len(reply.split()) < count:
            reply = f"{reply} {sentence}"
    return reply


def _within(reply: str, words: Sequence[str]) -> str:
    """With these before the full stop at its end."""
    return f"{reply[:-1]} with {' and '.join(words)}{reply[-1]}"


STEPS: dict[str, Callable[..., str]] = {
    "list": _lines("- "),
    "numbered": _lines("{}. "),
    "json": lambda _, keys: json.dumps(dict.fromkeys(keys, "calm")),
    "sentences": lambda _, count: " ".join(FILLER[:count]),
    "paragraphs": lambda _, count: "\n\n".join(FILLER[:count]),
    "bullets": lambda _, count: f"{FILLER[-1]}\n{_lines('- ')('', count)}",
    "words at least": _longer,
    "words at most": lambda reply, count: reply if len(reply.split()) <= count else FILLER[0],
    "keyword": lambda reply, word, count: _within(reply, [word] * count),
    "keywords": _within,
    "capital words": lambda reply, count: re.sub(r"[A-Za-z]{2,}", lambda found: found[0].upper(), reply, count=count),
    "blanks": lambda reply, count: _within(reply, ["[name]"] * count),
    "title": lambda reply: f"<<A Day>>\n{reply}",
    "begin": lambda reply, text: f"{text} {reply}",
    "postscript": lambda reply: f"{reply}\nP.S. Good night.",
    "end": lambda reply, text: f"{reply} {text}",
    "quotes": lambda reply: f'"{reply}"',
    "capitals": str.upper,
    "lower": str.lower,
}
"""What is done to a reply so that it follows; nothing for those that only forbid something."""
