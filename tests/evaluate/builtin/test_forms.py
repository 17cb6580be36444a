"""Forms: every item can be followed, all instructions come, and the four shares are those one counts by hand."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from onward.evaluate.builtin import forms, instructions
from onward.evaluate.instructed import CHECKS
from onward.evaluate.items import Item
from onward.evaluate.rules import Score
from onward.evaluate.suite import Said


@pytest.fixture(scope="module")
def suite():
    return forms.suite()


def test_all_instructions_come_and_are_said(suite):
    found = Counter(one["name"] for item in suite.items for one in item.truth["instructions"])
    assert found.keys() == CHECKS.keys() == instructions.DRAWS.keys() == instructions.DATA["ask"].keys()
    assert min(found.values()) >= 2
    kinds = Counter(item.kind for item in suite.items)
    assert kinds == {"1 instruction": 50, "2 instructions": 50, "3 instructions": 50}
    assert not any("{" in item.question for item in suite.items)
    for item in suite.items:
        for one in item.truth["instructions"]:
            for value in one.values():
                for word in value if isinstance(value, list) else [value]:
                    assert word in CHECKS or str(word) in item.question


def test_who_follows_all_is_right_in_every_way(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    for metric in ("share right", "prompts, loose", "instructions, strict", "instructions, loose"):
        assert rows[metric].measured.value == 1
    assert rows["control: answers to other questions"].measured.value < 0.4


def test_a_wrapping_counts_loosely_only(suite, planted, knowing):
    say = knowing(suite)
    rows = planted(suite, lambda asked: f"Sure, here it is!\n{say(asked)}\nAnything else, Sir?")
    assert rows["prompts, loose"].measured.value == rows["instructions, loose"].measured.value == 1
    assert rows["share right"].measured.value < rows["instructions, strict"].measured.value < 0.6


def test_a_planted_share_is_found(suite, planted, knowing):
    say, covered = knowing(suite), 0
    for number in range(20):
        random = Random(number)
        rows = planted(
            suite, lambda asked, random=random: say(asked) if random.random() < 0.6 else "", place=str(number)
        )
        covered += all(
            rows[metric].measured.low <= 0.6 <= rows[metric].measured.high
            for metric in ("share right", "instructions, strict")
        )
    assert covered >= 17


def test_who_says_nothing_follows_nothing(suite, planted):
    rows = planted(suite, lambda _: "")
    assert rows["share right"].measured.value == rows["instructions, loose"].measured.value == 0


def test_shares_by_hand():
    """Of two prompts with one and two instructions: strictly 1 of 3 and no prompt but the first; loosely 2 of 3, and the same prompts."""
    first = Item(id="1", truth={"instructions": [{"name": "no commas"}]})
    second = Item(id="2", truth={"instructions": [{"name": "list", "count": 2}, {"name": "words at most", "count": 1}]})
    said = [Said(first, "a b", Score(1)), Said(second, "Sure, then:\n- a\n- b", Score(0))]
    rows = {row.metric: row.measured.value for row in forms.further(said)}
    assert rows == {
        "prompts, loose": 0.5,
        "instructions, strict": pytest.approx(1 / 3),
        "instructions, loose": pytest.approx(2 / 3),
    }
