"""Emoji riddles: words, proverbs, animals and things, drawn as a row of small pictures; which is it?

The riddles are our own, and in data/emoji.toml. A reply is right if it names what is meant, in any of the accepted wordings. What a
guess gets is not known; the control, the same replies held against other riddles, comes nearest. Left out: titles of films and books.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

from onward.evaluate.items import Item
from onward.evaluate.suite import Suite


def suite() -> Suite:
    return Suite(
        name="emoji",
        items=items(),
        about="riddles in emoji: words made of two, proverbs, animals, things; accepted wordings count",
        max_tokens=24,
    )


def items() -> list[Item]:
    table = tomllib.loads((files("onward.evaluate.builtin") / "data" / "emoji.toml").read_text(encoding="utf-8"))
    return [
        Item(
            id=f"{kind}-{number:02}",
            messages=({"role": "user", "content": f"These emoji stand for {one['said']}: {emoji}\nWhich is it?"},),
            answers=tuple(way.strip() for way in accepted.split("|")),
            kind=kind,
        )
        for kind, one in table.items()
        for number, (emoji, accepted) in enumerate(one["riddles"].items(), start=1)
    ]
