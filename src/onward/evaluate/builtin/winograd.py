"""Winograd pairs: two sentences that differ in a word or two, and with it in what the pronoun stands for.

Of each pair the same options are offered, and each is right once, so that liking one of them gets half right and no pair. Both sentences
of a pair are one cluster of the interval. The pairs are our own, and in data/winograd.toml; the world has others about its people
(world-winograd). Source of the task: Levesque, Davis and Morgenstern 2012, The Winograd Schema Challenge. Left out: more than two options.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files

from onward.evaluate import statistics
from onward.evaluate.examined import Row
from onward.evaluate.items import CHOICE, Item
from onward.evaluate.suite import Said, Suite


def suite() -> Suite:
    return Suite(
        name="winograd",
        items=items(),
        about="pairs of sentences that differ in a word, and so in what the pronoun stands for",
        further=further,
    )


def items() -> list[Item]:
    """Two of each pair."""
    table = tomllib.loads((files("onward.evaluate.builtin") / "data" / "winograd.toml").read_text(encoding="utf-8"))
    found = []
    for number, line in enumerate(table["pairs"].strip().splitlines(), start=1):
        sentence, first, second, pronoun, *options = (part.strip() for part in line.split("|"))
        for word, right, letter in ((first, options[0], "a"), (second, options[1], "b")):
            asked = f'{sentence.format(word)}\nIn this sentence, what does "{pronoun}" stand for?'
            found.append(
                Item(
                    id=f"{number:02}{letter}",
                    messages=({"role": "user", "content": asked},),
                    rule=CHOICE,
                    answers=(right,),
                    options=tuple(options),
                    group=f"pair {number}",
                    kind=pronoun,
                    chance=1 / len(options),
                )
            )
    return found


def further(said: Sequence[Said]) -> list[Row]:
    """Pairs, as far as both sentences were answered: how often both are right, where the order of the options is drawn for each."""
    pairs = dict[str, list[float]]()
    for one in said:
        pairs.setdefault(one.item.group, []).append(one.score.value)
    both = [first * second for first, second in (pair for pair in pairs.values() if len(pair) == 2)]
    about = "who likes one option, whatever the sentence, gets none"
    return [Row("both of a pair right", statistics.mean(both), chance=1 / 4, about=about)] if both else []
