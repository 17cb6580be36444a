"""Ratings beside sums done by hand and beside scipy; and intervals that hold as often as they say."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from onward.errors import DataError
from onward.evaluate.arena.bradley_terry import EVEN, POINTS, PRECISION, Vote, counted, ratings, standings


def votes(generator, strengths, number, even=0.0):
    """Votes by the model's own rule, strengths in log-odds; equals tie in even / (2 + even) of their meetings."""
    names = [chr(ord("a") + i) for i in range(len(strengths))]
    found = []
    for _ in range(number):
        one, other = generator.choice(len(strengths), 2, replace=False)
        half = (strengths[one] - strengths[other]) / 2
        chances = np.array([math.exp(half), math.exp(-half), even])
        share = float(generator.choice([1.0, 0.0, 0.5], p=chances / chances.sum()))
        found.append(Vote(names[one], names[other], share))
    return found


def test_two_models_by_hand():
    """Nine wins of twelve, without a prior: odds of 3, which are 190.8 points. The prior of 700 takes away a few."""
    all_votes = [Vote("a", "b", 1.0)] * 9 + [Vote("b", "a", 1.0)] * 3
    first, second = standings(all_votes, rounds=200)
    assert (first.model, second.model) == ("a", "b")
    assert first.rating + second.rating == pytest.approx(2000)
    assert first.rating - second.rating == pytest.approx(190.8, abs=10)
    assert first.votes == second.votes == 12
    many = standings([vote for vote in all_votes for _ in range(1000)], rounds=10)
    assert many[0].rating - many[1].rating == pytest.approx(400 * math.log10(3), abs=0.05)


def test_ties_between_two_leave_the_odds_of_the_others_as_they_are():
    """By hand: with 9 wins, 3 losses and 6 ties the likelihood is greatest where the odds are 3 and evenness is 6 / sqrt(27)."""
    decided = [Vote("a", "b", 1.0)] * 9000 + [Vote("b", "a", 1.0)] * 3000
    found = standings(decided + [Vote("b", "a", 0.5)] * 6000, rounds=10)
    assert found[0].rating - found[1].rating == pytest.approx(400 * math.log10(3), abs=0.1)
    assert found[0].votes == 18000


def test_among_three_ties_draw_together():
    """a and b tie always and never decide: what is known of them is that they are alike, though only a has beaten c so often."""
    all_votes = [Vote("a", "c", 1.0)] * 20 + [Vote("b", "c", 1.0)] * 15 + [Vote("c", "b", 1.0)] * 5
    apart = {one.model: one.rating for one in standings(all_votes, rounds=1)}
    tied = {one.model: one.rating for one in standings(all_votes + [Vote("a", "b", 0.5)] * 40, rounds=1)}
    assert 0 < tied["a"] - tied["b"] < 0.5 * (apart["a"] - apart["b"])


def test_the_same_as_scipy():
    names = ["a", "b", "c", "d"]
    table = counted(votes(np.random.default_rng(0), [1.0, 0.0, -0.5, 0.7], 60, even=0.8), names)
    wins, ties = table

    def cost(at):
        half = (at[:-1, None] - at[None, :-1]) / 2
        total = np.log(np.exp(half) + np.exp(-half) + math.exp(at[-1]))
        prior = 0.5 * PRECISION * (at[:-1] ** 2).sum() + 0.5 * EVEN * at[-1] ** 2
        return (wins * (total - half)).sum() + 0.5 * (ties * (total - at[-1])).sum() + prior

    theirs = minimize(cost, np.zeros(5), tol=1e-12).x[:-1]
    assert ties.sum() > 10
    assert ratings(table[None])[0] == pytest.approx(1000 + POINTS * (theirs - theirs.mean()), abs=0.01)


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
    with pytest.raises(DataError, match=r"not 0\.7"):
        standings([Vote("a", "b", 0.7)])


def test_ranks_differ_only_where_intervals_do():
    generator = np.random.default_rng(1)
    alike = standings(votes(generator, [0.0, 0.0, 0.0], 300), rounds=300)
    assert [one.rank for one in alike] == [1, 1, 1]
    apart = standings(votes(generator, [2.0, 0.0, -2.0], 300), rounds=300)
    assert [(one.model, one.rank) for one in apart] == [("a", 1), ("b", 2), ("c", 3)]


@pytest.mark.parametrize("even", [0.0, 1.0], ids=["without ties", "with ties"])
def test_95_percent_intervals_hold_about_95_times_in_100(even):
    strengths = np.array([0.8, 0.2, -0.3, -0.7])
    true = dict(zip("abcd", 1000 + POINTS * (strengths - strengths.mean()), strict=True))
    generator = np.random.default_rng(2)
    held = [
        one.low <= true[one.model] <= one.high
        for _ in range(300)
        for one in standings(votes(generator, strengths, 200, even), rounds=200)
    ]
    assert 0.92 < np.mean(held) < 0.97


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
