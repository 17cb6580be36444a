"""Needle in a haystack: what is in the box in the kitchen, where one sentence of a long text says so.

`needle` has one such sentence, `keys` four, about other containers, of which one is asked for: to name any of them is right in a quarter.
Needles are the world's own, with things in containers of which no training text of the world tells; the wording is that of its training
texts, so that what changes over the picture is length and depth and no more. After Kamradt 2023; `keys` is the multi-key task of RULER
(Hsieh et al. 2024, arXiv 2404.06654, section 3). Left out: several answers to one question, which `world-needle` has; unseen wordings.
"""

from __future__ import annotations

from functools import partial
from random import Random

from onward.evaluate.long import grid
from onward.evaluate.long.grid import Puzzle
from onward.evaluate.suite import Suite
from onward.world.questions.needles import DEPTHS, FORMS, ask, draw_needles, state
from onward.world.words import words

NAMES = {"needle": "single", "keys": "keys"}
ABOUT = "one sentence of a long text says what is in a container; what changes is where, and how long the text is"


def suite(name: str) -> Suite:
    """By its name."""
    return grid.suite(name, ABOUT, "depth", DEPTHS, partial(_puzzle, NAMES[name]))


def _puzzle(form: str, random: Random, depth: float) -> Puzzle:
    drawn = draw_needles(random, form, depth, held_out=True)
    told = [(needle.depth, state(random, needle, held_out=False)) for needle in drawn]
    asked = [needle for needle in drawn if needle.asked]
    messages, truth = ask(random, "", asked, unsaid=False, held_out=False)
    things, others = len(words("things.object")), FORMS[form][2]
    return Puzzle(
        sentences=told,
        question=messages[0]["content"].strip(),
        answer=truth["answer"],
        rule="world",
        chance=1 / (1 + others) if others else 1 / things,
        blind=1 / things,
        truth=truth,
    )
