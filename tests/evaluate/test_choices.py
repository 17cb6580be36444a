"""Multiple choice by hand; a planted liking for A is found and taken off; where there is none, none is found."""

from __future__ import annotations

import numpy as np
import pytest

from onward.evaluate import choices, statistics
from onward.evaluate.choices import Ballot, Picks, Texts

BY_HAND = Ballot(np.log([[0.8, 0.2], [0.6, 0.4]]), right=0)
"""Two options; the second order shows the second option at A."""


def test_letters_and_options_by_hand():
    picks = BY_HAND.picks
    assert picks.letters.tolist() == [0, 0]
    assert picks.chosen.tolist() == [0, 1]
    assert picks.score == 0.5
    assert picks.flips == 1
    assert BY_HAND.by_option == pytest.approx([0.6, 0.4])


def test_the_prior_by_hand():
    """Geometric means over the orders: sqrt(0.8 * 0.6) and sqrt(0.2 * 0.4), made to sum to 1."""
    assert BY_HAND.prior == pytest.approx([0.7101, 0.2899], abs=1e-4)


def test_orders_show_each_option_once_at_each_letter():
    orders = [choices.in_order("wxyz", order) for order in range(4)]
    assert ["".join(order) for order in orders] == ["wxyz", "xyzw", "yzwx", "zwxy"]
    assert choices.shown(orders[1][:2], "(A)") == "(A) x\n(B) y"


def test_recalls_and_their_spread_by_hand():
    """Right at A, B, A, B; said A, A, A, B: A is found twice of two, B once of two."""
    picks = [Picks(np.array([letter]), right, 2) for right, letter in ((0, 0), (1, 0), (0, 0), (1, 1))]
    assert choices.recalls(picks).tolist() == [1.0, 0.5]
    assert choices.rstd(picks) == 0.25


def test_no_letter_is_no_choice():
    picks = Picks(np.array([-1, 1, 0]), 0, 3)
    assert picks.chosen.tolist() == [-1, 2, 2]
    assert picks.score == 0
    assert choices.recalls([picks]).tolist() == [0, 0, 0]


def test_an_option_is_not_put_off_by_its_length_per_byte():
    """-6 nats over 12 bytes are likelier per byte than -4 over 2."""
    texts = Texts(np.array([-4.0, -6.0]), np.array([2, 12]), right=1)
    assert (texts.accurate, texts.normed) == (0, 1)


def test_the_correction_by_hand():
    """The prior of A is 0.6 in both; what it says of the third item is 0.55 : 0.45, which is B once 0.6 : 0.4 is taken off."""
    liking = [Ballot(np.log([[0.6, 0.4], [0.6, 0.4]]), 0)] * 2
    third = Ballot(np.log([[0.55, 0.45], [0.55, 0.45]]), 1)
    for seed in range(20):
        found = choices.pride([*liking, third], share=1 / 3, seed=seed)
        if found.prior == pytest.approx([0.6, 0.4]):
            assert found.right[2] == 1
            return
    pytest.fail("the third item was always the one that the prior came from")


def answers(liking: list[float], seed: int, items: int = 120) -> list[Ballot]:
    """A synthetic model that finds right options a little better, and likes letters besides; every figure has noise of its own."""
    generator, k = np.random.default_rng(seed), len(liking)
    found = []
    for _ in range(items):
        right = int(generator.integers(k))
        worth = generator.normal(0, 0.5, k)
        worth[right] += 1
        at = (np.arange(k)[None] + np.arange(k)[:, None]) % k
        logits = np.log(liking)[None] + worth[at] + generator.normal(0, 0.15, (k, k))
        found.append(Ballot(logits - np.log(np.exp(logits).sum(1, keepdims=True)), right))
    return found


PLANTED = [0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3]
EVEN = [0.25] * 4


def test_a_planted_prior_is_recovered_within_its_interval():
    held = 0
    for seed in range(60):
        found = statistics.mean([float(one.prior[0]) for one in answers(PLANTED, seed, items=60)])
        assert found.low > 0.5
        held += found.low <= 0.6 <= found.high
    assert held >= 50


def test_the_correction_gives_back_what_the_prior_took():
    liked, even = answers(PLANTED, 0, 400), answers(EVEN, 0, 400)
    written = [float(one.picks.chosen[0] == one.right) for one in liked]
    unbiased = [float(one.picks.chosen[0] == one.right) for one in even]
    corrected = choices.pride(liked, share=0.05).right
    assert np.mean(unbiased) > np.mean(written) + 0.1
    assert statistics.paired(written, corrected).seen
    assert abs(np.mean(corrected) - np.mean(unbiased)) < 0.03
    assert choices.prior_p(liked) < 0.001


def test_the_letter_that_is_liked_is_found_where_it_is_right_and_others_are_not():
    liked, even = ([one.picks for one in answers(liking, 1, 400)] for liking in (PLANTED, EVEN))
    assert choices.recalls(liked)[0] > 0.9
    assert choices.rstd(liked) > 0.15 > 0.05 > choices.rstd(even)
    assert np.mean([one.flips for one in liked]) > np.mean([one.flips for one in even]) + 0.1


def test_a_liking_that_is_not_there_is_found_no_oftener_than_one_in_twenty(monkeypatch):
    monkeypatch.setattr(choices, "FLIPS", 200)
    alarms = sum(choices.prior_p(answers(EVEN, seed, items=40), seed) <= 0.05 for seed in range(200))
    assert alarms / 200 <= 0.085


def test_a_model_that_looks_at_the_options_alone_has_no_prior():
    worth = np.random.default_rng(0).normal(0, 1, 4)
    at = (np.arange(4)[None] + np.arange(4)[:, None]) % 4
    ballot = Ballot(worth[at], 0)
    assert ballot.prior == pytest.approx(EVEN)
    assert choices.prior_p([ballot] * 10) == 1
    assert ballot.picks.flips == 0
