"""AUC with DeLong's interval, true positives, differences and Holm's correction: by hand, by scipy, and where there is nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from onward.evaluate.contamination import separation
from samples import story


def test_an_area_by_hand():
    """3 is above both, 1 above one of two: 3 of 4 pairs. Placements 1, 1/2 and 1/2, 1 have the variance 1/8 each, so the standard
    error is sqrt(1/16 + 1/16); the interval is symmetric about the logit, log 3."""
    found = separation.area([3, 1], [2, 0]).measured
    assert found.value == 0.75
    reach = 1.96 * math.sqrt(1 / 8) / (0.75 * 0.25)
    assert math.log(found.high / (1 - found.high)) == pytest.approx(math.log(3) + reach)
    assert math.log(found.low / (1 - found.low)) == pytest.approx(math.log(3) - reach)
    assert found.n == 4


def test_ties_count_half():
    assert separation.area([1, 1], [1, 0]).measured.value == 0.75
    assert separation.area([1, 1], [1, 1]).measured.value == 0.5
    assert separation.area([1, 1], [1, 1]).p == 1


def test_p_is_as_scipy_has_it():
    generator = np.random.default_rng(0)
    for _ in range(20):
        ones, twos = generator.integers(0, 6, 14), generator.integers(0, 5, 9)
        wanted = mannwhitneyu(ones, twos, alternative="greater", method="asymptotic", use_continuity=False).pvalue
        assert separation.area(ones, twos).p == pytest.approx(wanted)


def test_groups_that_do_not_overlap_are_no_certainty():
    found = separation.area(range(20, 40), range(20)).measured
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.8316, abs=1e-4)  # 0.025 ** (1 / 20)
    assert separation.area(range(20), range(20, 40)).measured.high == pytest.approx(0.1684, abs=1e-4)


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.5), (1.0, 0.76025)])
def test_intervals_hold_the_truth_as_often_as_they_say(shift, truth):
    """Of two normal distributions with their means one deviation apart, the area is Phi(1 / sqrt 2)."""
    generator, missed, alarms = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        found = separation.area(generator.normal(shift, 1, 50), generator.normal(0, 1, 40))
        missed += not found.measured.low <= truth <= found.measured.high
        alarms += found.p <= 0.05
    assert 0.03 <= missed / 1000 <= 0.07
    assert 0.035 <= alarms / 1000 <= 0.065 if shift == 0 else alarms / 1000 > 0.95


def test_true_positives_by_hand():
    """Of 20 others one may be above: the threshold is 18, and three of four members are above it."""
    found = separation.true_positives([18.5, 19.5, 25, 3], range(20))
    assert found.value == 0.75
    assert found.low < 0.75 < found.high
    assert separation.true_positives([3, 4, 5], [1, 2, 4]).value == pytest.approx(1 / 3)  # above all of three


def test_a_difference_of_rates():
    """Three against three: of 20 ways to part them, one is so far apart."""
    found = separation.more([1, 1, 1], [0, 0, 0])
    assert found.measured.value == 1
    assert found.p == pytest.approx(1 / 20, abs=0.01)
    assert separation.more([1, 0, 1, 0], [1, 0, 1, 0]).p > 0.5


def test_words_tell_two_sorts_of_texts_apart_and_not_two_halves_of_one():
    stories = [story(number) for number in range(80)]
    told = separation.blind(stories[:40], [one.replace("sat", "lay") for one in stories[40:]])
    assert told.measured.low > 0.8
    alike = separation.blind(stories[:40], stories[40:])
    assert alike.measured.low < 0.5 < alike.measured.high


def test_words_find_a_difference_between_groups_that_are_alike_as_rarely_as_they_say():
    """Judged by folds, as is usual, it would be about 12 of 100."""
    found = []
    for first in range(0, 300 * 40, 40):
        stories = [story(number) for number in range(first, first + 40)]
        found.append(separation.blind(stories[:20], stories[20:]).p)
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.08


def test_holm_by_hand():
    assert separation.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert separation.holm([0.6, 0.9]) == [1.0, 1.0]
    assert separation.holm([]) == []
