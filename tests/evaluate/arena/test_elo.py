"""Elo's ratings by hand, and that they are a matter of order where Bradley and Terry's are not."""

import pytest

from onward.evaluate.arena.bradley_terry import Vote, standings
from onward.evaluate.arena.elo import by_order, elo


def test_by_hand():
    """Between equals 16 of 32 points go over. Then the leader by 32 is expected to win 0.5459 of it, and gains 14.53 more."""
    assert elo([Vote("a", "b", 1.0)]) == {"a": 1016, "b": 984}
    assert elo([Vote("a", "b", 0.5)]) == {"a": 1000, "b": 1000}
    twice = elo([Vote("a", "b", 1.0)] * 2)
    assert twice["a"] == pytest.approx(1016 + 32 * (1 - 1 / (1 + 10 ** (-32 / 400))))
    assert sum(twice.values()) == pytest.approx(2000)


def test_the_same_votes_in_another_order_are_another_table():
    votes = [Vote("a", "b", 1.0)] * 20 + [Vote("b", "a", 1.0)] * 20
    assert elo(votes)["b"] > elo(votes)["a"] + 100
    assert elo(votes[::-1])["a"] > elo(votes[::-1])["b"] + 100
    forwards, backwards = standings(votes, rounds=100), standings(votes[::-1], rounds=100)
    assert [one.rating for one in forwards] == pytest.approx([1000, 1000])
    assert {one.model: one.rating for one in forwards} == pytest.approx({one.model: one.rating for one in backwards})


def test_over_many_orders_equals_take_turns_at_the_top():
    votes = [Vote("a", "b", float(i % 2)) for i in range(100)]
    spread = {one.model: one for one in by_order(votes, orders=100)}
    assert 0.2 < spread["a"].first < 0.8
    assert spread["a"].highest - spread["a"].lowest > 50
    assert spread["a"].lowest <= spread["a"].median <= spread["a"].highest
    calm = {one.model: one for one in by_order(votes, k=4, orders=100)}
    assert calm["a"].highest - calm["a"].lowest < spread["a"].highest - spread["a"].lowest
