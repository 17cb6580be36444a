"""Ratings beside sums done by hand and beside scipy; and intervals that hold as often as they say."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from onward.errors import DataError
from onward.evaluate.arena.bradley_terry import POINTS, PRECISION, Vote, counted, ratings, standings


def votes(generator, strengths, number, ties=0.0):
    """Votes by the model's own rule, strengths in log-odds."""
    names = [chr(ord("a") + i) for i in range(len(strengths))]
    found = []
    for _ in range(number):
        one, other = generator.choice(len(strengths), 2, replace=False)
        likely = 1 / (1 + math.exp(strengths[other] - strengths[one]))
        share = 0.5 if generator.random() < ties else float(generator.random() < likely)
        found.append(Vote(names[one], names[other], share))
    return found


def test_two_models_by_hand():
    """Nine wins of twelve, with no prior: odds of 3, which are 400 * log10(3) = 190.8 points apart. The prior of 700 takes away a few."""
    all_votes = [Vote("a", "b", 1.0)] * 9 + [Vote("b", "a", 1.0)] * 3
    first, second = standings(all_votes, rounds=200)
    assert (first.model, second.model) == ("a", "b")
    assert first.rating + second.rating == pytest.approx(2000)
    assert first.rating - second.rating == pytest.approx(190.8, abs=10)
    assert first.votes == second.votes == 12
    many = standings([vote for vote in all_votes for _ in range(1000)], rounds=10)
    assert many[0].rating - many[1].rating == pytest.approx(400 * math.log10(3), abs=0.05)


def test_a_tie_is_half_a_win_for_each():
    once = standings([Vote("a", "b", 1.0), Vote("a", "b", 0.0), Vote("a", "b", 1.0)], rounds=1)
    ties = standings([Vote("a", "b", 0.5), Vote("a", "b", 0.5), Vote("b", "a", 0.0)], rounds=1)
    assert [one.rating for one in ties] == pytest.approx([one.rating for one in once])


def test_the_same_as_scipy():
    names = ["a", "b", "c", "d"]
    wins = counted(votes(np.random.default_rng(0), [1.0, 0.0, -0.5, 0.7], 60, ties=0.2), names)

    def cost(at):
        apart = at[:, None] - at[None, :]
        return (wins * np.logaddexp(0, -apart)).sum() + 0.5 * PRECISION * (at**2).sum()

    theirs = minimize(cost, np.zeros(4), tol=1e-12).x
    assert ratings(wins[None])[0] == pytest.approx(1000 + POINTS * (theirs - theirs.mean()), abs=0.01)


def test_one_who_has_won_everything_has_a_finite_rating():
    found = standings([Vote("a", "b", 1.0)] * 50, rounds=50)
    assert 1300 < found[0].rating < 2000
    assert found[0].rank == 1
    assert found[1].rank == 2


def test_models_that_nothing_connects_have_no_order():
    with pytest.raises(DataError, match="no vote connects a and c"):
        standings([Vote("a", "b", 1.0), Vote("c", "d", 1.0)])
    standings([Vote("a", "b", 1.0), Vote("c", "d", 1.0), Vote("b", "d", 0.5)], rounds=2)
    with pytest.raises(DataError, match="two models"):
        standings([])
    with pytest.raises(DataError, match="itself"):
        standings([Vote("a", "a", 1.0), Vote("a", "b", 1.0)])


def test_ranks_differ_only_where_intervals_do():
    generator = np.random.default_rng(1)
    alike = standings(votes(generator, [0.0, 0.0, 0.0], 300), rounds=300)
    assert [one.rank for one in alike] == [1, 1, 1]
    apart = standings(votes(generator, [2.0, 0.0, -2.0], 300), rounds=300)
    assert [(one.model, one.rank) for one in apart] == [("a", 1), ("b", 2), ("c", 3)]


def test_95_percent_intervals_hold_about_95_times_in_100():
    """Ties among the votes make both models' true shares known, but not the strengths behind them; so there are none here."""
    strengths = np.array([0.8, 0.2, -0.3, -0.7])
    true = dict(zip("abcd", 1000 + POINTS * (strengths - strengths.mean()), strict=True))
    generator = np.random.default_rng(2)
    held = [
        one.low <= true[one.model] <= one.high
        for _ in range(150)
        for one in standings(votes(generator, strengths, 200), rounds=200)
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_the_test_above_would_notice_intervals_of_half_the_width():
    strengths = np.array([0.8, 0.2, -0.3, -0.7])
    true = dict(zip("abcd", 1000 + POINTS * (strengths - strengths.mean()), strict=True))
    generator = np.random.default_rng(2)
    held = [
        abs(true[one.model] - one.rating) <= (one.high - one.low) / 4
        for _ in range(50)
        for one in standings(votes(generator, strengths, 200), rounds=200)
    ]
    assert np.mean(held) < 0.85
