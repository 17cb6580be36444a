"""Intervals that hold what they promise, and differences that are not seen where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onward.evaluate import statistics
from onward.train import measure


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Bootstraps of fewer rounds, for simulations of many experiments."""
    whole = measure.with_interval
    monkeypatch.setattr(measure, "with_interval", lambda sums, sizes: whole(sums, sizes, rounds=200))
    monkeypatch.setattr(statistics, "FLIPS", 1000)


def test_a_mean_by_hand():
    found = statistics.mean([1, 0, 1, 1, 0, 1, 1, 1])
    assert found.value == 0.75
    assert found.low < 0.75 < found.high
    assert found.n == 8


def test_who_has_everything_right_is_not_certain():
    """Clopper and Pearson: 1 - 0.975 ** (1 / n) in another form; of 20 out of 20 the lower end is 0.832."""
    assert statistics.mean([1] * 20).low == pytest.approx(0.8316, abs=1e-4)
    assert statistics.mean([1] * 20).high == 1
    assert statistics.mean([0] * 20).high == pytest.approx(0.1684, abs=1e-4)


def test_nothing_measured_is_no_number():
    assert math.isnan(statistics.mean([]).value)


def test_draws_of_one_item_are_one_cluster():
    """The same answers five times tell no more than once."""
    values = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0] * 5
    once, alone = statistics.mean(values[:8]), statistics.mean(values)
    clustered = statistics.mean(values, list(range(8)) * 5)
    assert (clustered.low, clustered.high) == (once.low, once.high)
    assert alone.high - alone.low < 0.6 * (once.high - once.low)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Nominally 95 %; the percentile bootstrap is a little short with few items."""
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        found = statistics.mean((generator.random(60) < 0.7).astype(float).tolist())
        held += found.low <= 0.7 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_intervals_of_clusters_cover_the_truth_and_those_that_forget_the_clusters_do_not():
    """Forty subjects, eight questions on each, and a subject is known or it is not."""
    generator = np.random.default_rng(2)
    subjects = np.repeat(np.arange(40), 8).tolist()
    held = forgetful = 0
    for _ in range(200):
        known = np.repeat(generator.beta(0.5, 0.5, 40), 8)
        values = (generator.random(320) < known).astype(float).tolist()
        right, wrong = statistics.mean(values, subjects), statistics.mean(values)
        held += right.low <= 0.5 <= right.high
        forgetful += wrong.low <= 0.5 <= wrong.high
    assert 0.89 <= held / 200 <= 0.99
    assert forgetful / 200 < 0.75


def test_the_permutation_test_by_hand():
    """Of three differences of 1 the eight sums are 3, 1, 1, 1, -1, -1, -1, -3: two of them are as far from 0."""
    assert statistics.sign_flip_p(np.array([1.0, 1.0, 1.0])) == 0.25
    assert statistics.sign_flip_p(np.array([1.0, -1.0])) == 1
    assert statistics.sign_flip_p(np.array([0.0, 0.0])) == 1
    assert statistics.sign_flip_p(np.array([1.0] * 10 + [0.0] * 90)) == 2 / 1024


def test_random_changes_of_sign_find_what_all_of_them_find(monkeypatch):
    differences = np.random.default_rng(0).normal(0.5, 1, 12)
    exact = statistics.sign_flip_p(differences)
    monkeypatch.setattr(statistics, "EXACT", 0)
    assert statistics.sign_flip_p(differences) == pytest.approx(exact, abs=0.02)


def test_models_that_are_alike_are_found_different_no_oftener_than_one_in_twenty():
    """The false-alarm rate, and how often the interval leaves 0 out."""
    generator = np.random.default_rng(3)
    alarms = outside = 0
    for _ in range(300):
        hard = generator.random(80)
        first, second = ((generator.random(80) < hard).astype(float).tolist() for _ in range(2))
        found = statistics.paired(first, second)
        alarms += found.seen
        outside += not found.low <= 0 <= found.high
    assert alarms / 300 <= 0.075
    assert outside / 300 <= 0.10


def test_a_planted_difference_is_seen_and_lies_in_its_interval():
    generator = np.random.default_rng(4)
    seen = held = 0
    for _ in range(100):
        hard = generator.random(200)
        first = (generator.random(200) < 0.8 * hard).astype(float).tolist()
        second = (generator.random(200) < 0.8 * hard + 0.15).astype(float).tolist()
        found = statistics.paired(first, second)
        seen += found.seen and found.value > 0
        held += found.low <= 0.15 <= found.high
    assert seen >= 70
    assert held >= 88


def test_what_is_detectable_is_seen_four_times_in_five():
    generator = np.random.default_rng(5)
    first = np.zeros(100)
    noise = generator.normal(0, 1, 100)
    size = statistics.paired(first.tolist(), (noise - noise.mean()).tolist()).detectable
    assert size == pytest.approx(2.8 / 10 * noise.std(ddof=1), rel=1e-6)
    seen = sum(statistics.paired(first.tolist(), generator.normal(size, 1, 100).tolist()).seen for _ in range(100))
    assert 68 <= seen <= 92


def test_wins_and_losses_are_counted_by_cluster():
    found = statistics.paired([0, 0, 1, 1], [1, 1, 0, 1], ["a", "a", "b", "c"])
    assert (found.better, found.worse, found.n, found.value) == (1, 1, 3, 0.25)
    assert not found.seen
