"""Demonstrations: answers by people who were asked to show how, and who know the truth but do not always take care.

What they say is so. But some are rude, ramble, forget the form that was asked for or half of the question, or do not look it up: a model
that imitates them does as they do on average, and what is left to learn is which of its answers are the good ones.
Left out: answers that are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from onward.world.preferences.candidates import candidates, prompt
from onward.world.record import TESTS, Record, chat
from onward.world.world import World

DEMONSTRATIONS = 2400
"""In training. Of each of the other splits there are a tenth as many."""
CARE = {"right": 8, "polite": 4, "wrong form": 4, "rambling": 1, "rude": 2, "ignorant": 2, "incomplete": 2}
"""How often each kind of answer is given, where a prompt has it."""


def demonstrations(world: World) -> Iterator[Record]:
    for split in ("train", *TESTS):
        amount = DEMONSTRATIONS if split == "train" else 0 if split == "content" else DEMONSTRATIONS // 10
        for i in range(amount):
            random = world.random("demonstration", split, i)
            asked = prompt(world, random, split)
            possible = [candidate for candidate in candidates(world, random, asked) if candidate.kind in CARE]
            given = random.choices(possible, [CARE[candidate.kind] for candidate in possible])[0]
            yield Record(
                kind="demonstration",
                split=split,
                messages=chat(asked.question, given.text),
                truth=asked.truth | {"given": given.as_data()},
            )
