"""Puzzles threaded into haystacks of several lengths: the items of such a suite, its controls and its rows.

A puzzle is a few sentences and a question on them. The haystack is made of facts about people of the world, in which no puzzle's words
have a place. Two controls ask the puzzles of the shortest texts again: the sentences alone, without haystack, and the question alone. What
fails in the first is no matter of length; what is right in the second needs no text. After "needle in a haystack" (Kamradt 2023) and RULER
(Hsieh et al. 2024, arXiv 2404.06654). Left out: the puzzles (builtin/), and the picture (heat_map.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from onward.evaluate.examined import RIGHT, Row, mean
from onward.evaluate.items import Item
from onward.evaluate.long.heat_map import draw
from onward.evaluate.suite import Said, Suite
from onward.world import World
from onward.world.questions.needles import Haystack, thread

LENGTHS = (64, 128, 256, 512, 1024, 2048)
"""Of the haystack, in words, since tokens are each tokenizer's own: 100 words are 130 tokens or so."""
EACH = 12
"""Puzzles in a cell, all of them different."""
ALONE, BLIND = "sentences alone", "question alone"
CONTROLS = (ALONE, BLIND)
TOKENS = 32


@dataclass(frozen=True)
class Puzzle:
    """sentences: each with its depth, the share of the haystack that stands before it.   truth: what the rule wants to know.

    chance: of who names one of those things in the text that might be the answer.   blind: of who guesses without the text.
    """

    sentences: Sequence[tuple[float, str]]
    question: str
    answer: str
    rule: str
    chance: float
    blind: float
    truth: Mapping[str, Any] = field(default_factory=dict)


def suite(name: str, about: str, side: str, rows: Sequence[float], puzzle: Callable[[Random, float], Puzzle]) -> Suite:
    """side: what the rows of the picture are, as "depth".   puzzle: one for a row; the same chance, the same puzzle."""
    hay, items = Haystack(World()), list[Item]()
    for length in LENGTHS:
        for row in rows:
            for number in range(EACH):
                cell = f"{side} {row:g}, {length} words"
                random = Random(f"{name}/{cell}/{number}")
                made = puzzle(random, row)
                told = [sentence for sentence, _ in thread(hay.sentences(random), made.sentences, length)]
                place = {"length": length, "row": row, "side": side}
                items.append(_item(f"{row:g}-{length}-{number:02}", made, told, cell, place))
                if length == LENGTHS[0]:
                    alone = [sentence for _, sentence in sorted(made.sentences, key=lambda one: one[0])]
                    items.append(_item(f"{row:g}-alone-{number:02}", made, alone, ALONE, {"control": ALONE}))
                    items.append(_item(f"{row:g}-blind-{number:02}", made, [], BLIND, {"control": BLIND}))
    return Suite(name=name, items=items, about=about, max_tokens=TOKENS, rows=told_of, counted=counted, picture=draw)


def _item(name: str, puzzle: Puzzle, told: Sequence[str], kind: str, place: Mapping[str, Any]) -> Item:
    words = " ".join(told) + f"\n\n{puzzle.question}"
    return Item(
        id=name,
        messages=({"role": "user", "content": words.strip()},),
        rule=puzzle.rule,
        answers=(puzzle.answer,),
        kind=kind,
        chance=puzzle.chance if told else puzzle.blind,
        truth={**puzzle.truth, **place},
    )


def counted(said: Sequence[Said]) -> dict[str, float]:
    """The score of each item that is no control."""
    values = dict[str, list[float]]()
    for one in said:
        if "control" not in one.item.truth:
            values.setdefault(one.item.id, []).append(one.score.value)
    return {name: sum(own) / len(own) for name, own in values.items()}


def told_of(said: Sequence[Said]) -> list[Row]:
    """The mean over all cells, each length, and the controls; of what was asked."""
    by_length = {length: [one for one in said if one.item.truth.get("length") == length] for length in LENGTHS}
    asked = [length for length in LENGTHS if by_length[length]]
    span = f"in texts of {asked[0]:,} to {asked[-1]:,} words; there are some of up to {LENGTHS[-1]:,}" if asked else ""
    rows = [_row(RIGHT, [one for length in asked for one in by_length[length]], span)]
    rows += [_row(f"  of {length:,} words", by_length[length]) for length in asked]
    about = {ALONE: "the same puzzles without a haystack", BLIND: "the same puzzles without any text"}
    controls = {name: [one for one in said if one.item.truth.get("control") == name] for name in CONTROLS}
    return rows + [_row(f"control: {name}", own, about[name]) for name, own in controls.items() if own]


def _row(metric: str, said: Sequence[Said], about: str = "") -> Row:
    items = [one.item for one in said]
    chances = [item.chance for item in items if item.chance is not None]
    chance = sum(chances) / len(chances) if chances else None
    return Row(metric, mean(items, [one.score.value for one in said]), chance, about=about)
