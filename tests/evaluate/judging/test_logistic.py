"""The regression beside sums done by hand, beside scipy, and as often wrong as its intervals say."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from onward.errors import DataError
from onward.evaluate.judging.logistic import Prior, fit, sigmoid


def test_one_proportion_by_hand():
    """30 of 40: log(3), and a standard error of sqrt(1/30 + 1/10) times sqrt(40/39) for the fitted mean."""
    found = fit(np.ones((40, 1)), np.repeat([1.0, 0.0], [30, 10]))
    assert found.coefficients[0] == pytest.approx(math.log(3))
    assert math.sqrt(found.covariance[0, 0]) == pytest.approx(math.sqrt((1 / 30 + 1 / 10) * 40 / 39))


def test_the_same_as_scipy_with_fractions_weights_and_a_prior():
    generator = np.random.default_rng(0)
    features, outcomes = generator.normal(size=(50, 3)), generator.random(50)
    weights, prior = generator.random(50), Prior(np.array([0.0, 1.0, -1.0]), np.array([0.1, 2.0, 0.0]))

    def cost(at):
        log_odds = features @ at
        likelihood = weights @ (outcomes * log_odds - np.logaddexp(0, log_odds))
        return -likelihood + 0.5 * prior.precision @ (at - prior.mean) ** 2

    theirs = minimize(cost, np.zeros(3), tol=1e-12).x
    assert fit(features, outcomes, weights=weights, prior=prior).coefficients == pytest.approx(theirs, abs=1e-5)


def test_a_row_said_twice_makes_nothing_surer_where_rows_are_grouped():
    generator = np.random.default_rng(1)
    features, outcomes = np.ones((60, 1)), (generator.random(60) < 0.7) * 1.0
    once = fit(features, outcomes).covariance[0, 0]
    twice = np.repeat(np.arange(60), 2)
    assert fit(features[twice], outcomes[twice], groups=twice).covariance[0, 0] == pytest.approx(once)
    assert fit(features[twice], outcomes[twice]).covariance[0, 0] < 0.6 * once


@pytest.mark.parametrize(
    ("features", "outcomes"),
    [
        (np.ones((20, 1)), np.ones(20)),
        (np.ones((20, 2)), np.arange(20) % 2 * 1.0),
        (np.linspace(-1, 1, 20)[:, None], (np.arange(20) >= 10) * 1.0),
        (np.ones((1, 1)), np.array([0.5])),
    ],
    ids=["always the same", "two features alike", "parted without an error", "one row"],
)
def test_what_the_data_do_not_say_is_refused(features, outcomes):
    with pytest.raises(DataError, match="do not tell"):
        fit(features, outcomes)


def test_the_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
