"""Orders: shards that fit, p by hand on tiny cases, by scipy, and as often below 5 % as it says where the order means nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from onward.evaluate.contamination import order


def words(text: str) -> int:
    return len(text.split())


def test_shards_are_neighbours_that_fit():
    """Each text is counted with one token more; the lead takes one."""
    texts = ["a b c"] * 5 + ["long " * 50] + ["a b c"] * 2 + ["x " * 14]
    assert order.shards(texts, words, room=13) == [range(3), range(3, 5), range(6, 8)]
    assert order.shards(["long " * 50] * 3, words, room=13) == []


def test_few_texts_are_put_in_all_orders_and_many_in_some():
    assert order.orders(range(4, 7), seed=0)[0] == (4, 5, 6)
    assert len(set(order.orders(range(4, 7), seed=0))) == 6
    many = order.orders(range(8), seed=0)
    assert many[0] == tuple(range(8))
    assert len(set(many)) == order.ORDERS + 1
    assert many == order.orders(range(8), seed=0) != order.orders(range(8), seed=1)


def test_p_by_hand():
    assert order.permutation_p([[3, 1, 2]]) == pytest.approx(1 / 3)
    assert order.permutation_p([[1, 3, 2]]) == 1
    assert order.permutation_p([[2, 1], [5, 1]]) == 1 / 4  # the likeliest of both
    assert order.permutation_p([[2, 1], [1, 5]]) == 3 / 4  # above only both of the unlikely ones
    assert order.permutation_p([[1, 1, 1]] * 3) == 1
    assert order.excess([[3, 1, 2], [0, 4]]) == [1.5, -4]


def test_many_choices_are_tried_at_random():
    """Ten shards, each with its published order the likeliest of three: 3 ** -10 is beyond what trials can tell."""
    assert order.permutation_p([[3, 1, 2]] * 10) == pytest.approx(1 / (order.ROUNDS + 1), abs=3e-4)


@pytest.mark.parametrize("shards", range(2, 14))
def test_students_p_is_as_scipy_has_it(shards):
    values = np.random.default_rng(shards).normal(0.4, 1, shards)
    assert order.t_p(values) == pytest.approx(ttest_1samp(values, 0, alternative="greater").pvalue, rel=1e-9)
    assert order.t_p(-values) == pytest.approx(1 - order.t_p(values))


def test_one_shard_gives_no_students_p():
    assert order.t_p([4.0]) == 1
    assert order.t_p([4.0, 4.0]) == 1


def test_p_is_uniform_where_the_order_means_nothing(monkeypatch):
    """Skewed likelihoods, and shards of unlike sizes."""
    monkeypatch.setattr(order, "ROUNDS", 1000)
    generator, found = np.random.default_rng(0), []
    for _ in range(600):
        found.append(order.permutation_p([generator.exponential(scale, 8) for scale in (1, 1, 2, 5, 9, 1)]))
    shares = [np.mean(np.array(found) <= level) for level in (0.05, 0.25, 0.5, 0.75)]
    assert shares == pytest.approx([0.05, 0.25, 0.5, 0.75], abs=0.05)
    assert 0.025 <= shares[0] <= 0.075


def test_the_control_leaves_the_published_order_out():
    found = order.another([[9, 1, 2], [9, 1]], seed=0)
    assert [sorted(shard) for shard in found] == [[1, 2]]
