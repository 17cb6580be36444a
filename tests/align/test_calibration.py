import numpy as np
import pytest

from onward.align.calibration import Judgement, calibration, ranked_right


def judged(*rewards, answers=None):
    return Judgement(prompt="?", answers=answers or ["x"] * len(rewards), rewards=rewards)


def test_all_pairs_of_a_ranking_count_and_equal_rewards_count_half():
    assert judged(3.0, 2.0, 1.0).right() == 3
    assert judged(1.0, 2.0, 3.0).right() == 0
    assert judged(2.0, 3.0, 1.0).right() == 2
    assert judged(1.0, 1.0).right() == 0.5


def test_who_goes_by_length_alone_is_right_as_often_as_the_lengths_say():
    one = judged(0.0, 0.0, 0.0, answers=["long answer", "short", "shortish"])
    assert one.right_by_length(1.0) == 2
    assert one.right_by_length(-1.0) == 1


def test_the_share_that_is_right_is_over_pairs_and_its_interval_over_prompts():
    found = ranked_right([judged(1.0, 0.0)] * 30 + [judged(0.0, 1.0)] * 10)
    assert found.value == 0.75
    assert found.n == 40
    assert found.low < 0.75 < found.high


def test_confidence_that_is_as_often_right_as_it_says_is_calibrated():
    """Differences whose sign is drawn by their own sigmoid."""
    random = np.random.default_rng(0)
    differences = random.uniform(0, 3, 4000)
    right = random.random(4000) < 1 / (1 + np.exp(-differences))
    found = calibration([judged(d, 0.0) if yes else judged(0.0, d) for d, yes in zip(differences, right, strict=True)])
    assert found.error < 0.03
    assert found.pairs.sum() == 4000
    assert np.all(np.diff(found.confidence[found.pairs > 0]) > 0)


def test_a_model_that_is_sure_and_wrong_is_not():
    found = calibration([judged(0.0, 8.0)] * 5)
    assert found.error == pytest.approx(1 / (1 + np.exp(-8)), abs=1e-6)
