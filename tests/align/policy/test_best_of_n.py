"""What the best of n is worth, told from N answers drawn once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from onward.align.policy.best_of_n import divergence, expected


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_it_is_the_mean_over_all_subsets(n):
    random = np.random.default_rng(n)
    proxy, worth = random.normal(size=(2, 7))
    subsets = [list(chosen) for chosen in combinations(range(7), n)]
    by_hand = np.mean([worth[chosen[int(np.argmax(proxy[chosen]))]] for chosen in subsets])
    assert expected(proxy, worth, n) == pytest.approx(by_hand)


def test_of_one_it_is_the_mean_and_of_all_the_best():
    proxy, worth = np.array([0.3, 2.0, -1.0]), np.array([1.0, 5.0, 9.0])
    assert expected(proxy, worth, 1) == pytest.approx(5.0)
    assert expected(proxy, worth, 3) == 5.0


def test_answers_that_are_liked_the_same_count_alike_in_whatever_order_they_come():
    proxy = np.array([1.0, 1.0, 0.0])
    for worth in ([4.0, 8.0, 0.0], [8.0, 4.0, 0.0]):
        assert expected(proxy, np.array(worth), 2) == pytest.approx((6 + 4 + 8) / 3)


def test_more_than_there_are_answers_is_refused():
    with pytest.raises(ValueError, match="the best of 3 cannot be told from 2 answers"):
        expected(np.zeros(2), np.zeros(2), 3)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_divergence_is_that_of_what_is_chosen(n):
    """Of answers numbered by liking, number i of N is the best of n with chance (i / N)^n - ((i - 1) / N)^n."""
    many = 20_000
    places = np.arange(many + 1) / many
    chosen = np.diff(places**n)
    assert divergence(n) == pytest.approx(float((chosen * np.log(chosen * many)).sum()), abs=1e-3)
