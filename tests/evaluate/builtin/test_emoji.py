"""Emoji: riddles enough, each with its own answer, and in emoji alone."""

from __future__ import annotations

import pytest

from onward.evaluate.builtin import emoji
from onward.evaluate.rules import RULES


@pytest.fixture(scope="module")
def suite():
    return emoji.suite()


def test_riddles_are_many_and_no_two_alike(suite):
    assert len(suite.items) >= 50
    assert len({item.question for item in suite.items}) == len(suite.items)
    assert len({item.answers[0] for item in suite.items}) == len(suite.items)


def test_a_riddle_does_not_say_its_answer(suite):
    for item in suite.items:
        riddle = item.question.split(": ")[1].split("\n")[0]
        assert not any(letter.isalpha() for letter in riddle)
        assert all(answer == answer.strip() for answer in item.answers)


@pytest.mark.parametrize(
    ("riddle", "reply", "score"),
    [
        ("☀️🌸", "It is a Sunflower!", 1),
        ("☀️🌸", "sun flower", 0),
        ("🌊🐎", "a sea horse", 1),
        ("⏰=💰", '"Time is money."', 1),
        ("👑🌾🐱", "lioness", 0),
    ],
)
def test_which_wordings_count(suite, riddle, reply, score):
    (item,) = [item for item in suite.items if f": {riddle}\n" in item.question]
    assert RULES[item.rule](reply, item).value == score


def test_who_knows_is_right_and_who_always_says_the_same_is_not(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    assert rows["share right"].measured.value == 1
    assert rows["control: answers to other questions"].measured.value < 0.02
    rows = planted(suite, lambda _: "rainbow", place="same")
    assert rows["share right"].measured.value == pytest.approx(1 / len(suite.items))
