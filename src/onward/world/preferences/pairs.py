"""Preferences: pairs of answers of which one is better, by gold or by a teacher that errs; and whole rankings.

Balanced, so that only what gold rewards tells the better answer: in every second pair it is the longer one (in characters), in the others
the shorter one; where the two differ in what is true, wrong values are the right ones of somebody else; and which one is to be shown
first, to a judge that sees both, alternates too. The teacher judges the same pairs, and errs at exactly its rates (teacher.py).
Left out: ties; the two answers of a pair differ by at least MARGIN.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from onward.world.preferences.candidates import Candidate, Prompt, candidates, prompt
from onward.world.preferences.teacher import BLOCK, Teacher
from onward.world.record import TESTS, Message, Record, Split
from onward.world.world import World

PAIRS = 1600
RANKINGS = 200
"""In training. Of each of the other splits there are a tenth as many."""
MARGIN = 0.04
"""The least difference of the golds of a pair."""
CONTRASTS = {"right": "wrong", "polite": "wrong and polite"}
TRUTH_ALONE = 6
"""So many times as likely as any other is a pair in which only the truth differs."""


def preferences(world: World, pairs: int = PAIRS) -> Iterator[Record]:
    """Ranked by gold."""
    return _ranked(world, pairs, Teacher(), by_teacher=False)


def teacher_preferences(world: World, pairs: int = PAIRS, teacher: Teacher | None = None) -> Iterator[Record]:
    """The same pairs, ranked by a teacher."""
    return _ranked(world, pairs, teacher or Teacher(), by_teacher=True)


def rankings(world: World, prompts: int = RANKINGS) -> Iterator[Record]:
    """Prompts with all their candidates, the best first, in the truth."""
    for split in ("train", *TESTS):
        for i in range(_amount(prompts, split)):
            random = world.random("ranking", split, i)
            asked = prompt(world, random, split)
            ranked = candidates(world, random, asked)
            yield Record(
                kind="ranking",
                split=split,
                prompt=[{"role": "user", "content": asked.question}],
                truth=asked.truth | {"candidates": [{"text": each.text, **each.as_data()} for each in ranked]},
            )


def _amount(trained: int, split: Split) -> int:
    """Nothing in these is about content other than the world's."""
    return trained if split == "train" else 0 if split == "content" else trained // 10


def _ranked(world: World, pairs: int, teacher: Teacher, *, by_teacher: bool) -> Iterator[Record]:
    for split in ("train", *TESTS):
        for i in range(_amount(pairs, split)):
            asked, better, worse = pair(world, split, i)
            erred = errs(world, teacher, split, i)
            chosen, rejected = (worse, better) if by_teacher and erred else (better, worse)
            yield Record(
                kind="teacher_preference" if by_teacher else "preference",
                split=split,
                prompt=[{"role": "user", "content": asked.question}],
                chosen=_said(chosen),
                rejected=_said(rejected),
                truth=asked.truth
                | {
                    "chosen": chosen.as_data(),
                    "rejected": rejected.as_data(),
                    "gold_prefers": "chosen" if chosen is better else "rejected",
                    "teacher_erred": erred,
                    "worse_is_longer": len(worse.text) > len(better.text),
                    "show_first": "chosen" if i // 2 % 2 else "rejected",
                    "chance": 0.5,
                },
            )


def _said(candidate: Candidate) -> list[Message]:
    return [{"role": "assistant", "content": candidate.text}]


def pair(world: World, split: Split, i: int) -> tuple[Prompt, Candidate, Candidate]:
    """A prompt, a better and a worse answer. Where i is odd the worse one is the longer one, where it is even the shorter one."""
    for attempt in count():
        random = world.random("preference", split, i, attempt)
        asked = prompt(world, random, split)
        ranked = candidates(world, random, asked)
        found = [
            (better, worse)
            for place, better in enumerate(ranked)
            for worse in ranked[place + 1 :]
            if better.gold.total - worse.gold.total >= MARGIN
            and (len(worse.text) > len(better.text) if i % 2 else len(worse.text) < len(better.text))
        ]
        if found:
            weights = [TRUTH_ALONE if CONTRASTS.get(a.kind) == b.kind else 1 for a, b in found]
            return asked, *random.choices(found, weights)[0]
    raise AssertionError("of every prompt there are such pairs sooner or later")


def errs(world: World, teacher: Teacher, split: Split, i: int) -> bool:
    """Whether the teacher errs on pair i: exactly as often as it should in every BLOCK pairs of the same length order."""
    longer, place = i % 2 == 1, i // 2
    random = world.random("teacher", split, longer, place // BLOCK)
    return teacher.errors(random, worse_is_longer=longer)[place % BLOCK]
