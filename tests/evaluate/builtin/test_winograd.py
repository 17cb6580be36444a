"""Winograd pairs: each option is right once in a pair, and only who understands gets both."""

from __future__ import annotations

import re
from random import Random

import pytest

from onward.evaluate.builtin import winograd
from onward.evaluate.items import Item
from onward.evaluate.rules import Score
from onward.evaluate.settings import How
from onward.evaluate.suite import Said


@pytest.fixture(scope="module")
def suite():
    return winograd.suite()


def test_pairs_differ_in_the_gap_alone_and_offer_the_same_options(suite):
    assert len(suite.items) == 88
    for first, second in zip(suite.items[::2], suite.items[1::2], strict=True):
        assert first.group == second.group
        assert first.question != second.question
        assert first.options == second.options == (*first.answers, *second.answers)
        for item in (first, second):
            sentence, asked = item.question.split("\n")
            pronoun = re.search(r'"(\w+)"', asked)[1]
            words = re.findall(r"\w+", sentence.lower())
            assert pronoun in words
            for option in item.options:
                assert option.lower() in sentence.lower()
    assert len({item.question for item in suite.items}) == 88


def test_pairs_by_hand():
    """Both right; one; each in half of the orders: (1 + 0 + 1/4) / 3. A pair of which one was not asked does not count."""
    scores = {"a": (1, 1), "b": (1, 0), "c": (0.5, 0.5), "d": (1,)}
    said = [Said(Item(id="", group=pair), "", Score(one)) for pair, own in scores.items() for one in own]
    (row,) = winograd.further(said)
    assert row.measured.value == pytest.approx(1.25 / 3)
    assert (row.measured.n, row.chance) == (3, 0.25)


def test_who_knows_gets_all_pairs(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    assert rows["share right"].measured.value == rows["both of a pair right"].measured.value == 1


def test_who_likes_an_option_or_a_letter_gets_half_and_no_more_pairs_than_by_chance(suite, planted):
    rows = planted(suite, lambda asked: min(re.findall(r"[AB]\) (.*)", asked)), place="option")
    assert (rows["share right"].measured.value, rows["both of a pair right"].measured.value) == (0.5, 0)
    rows = planted(suite, lambda _: "A", place="letter")
    assert (rows["share right"].measured.value, rows["both of a pair right"].measured.value) == (0.5, 0.25)


def test_who_guesses_gets_what_chance_says(suite, planted):
    random, covered = Random(0), 0
    for number in range(20):
        rows = planted(suite, lambda _: random.choice("AB"), how=How(as_written=True), place=str(number))
        both = rows["both of a pair right"]
        covered += both.measured.low <= both.chance <= both.measured.high
    assert covered >= 17
