"""Logistic regression by Newton's method, with outcomes that may be fractions, a normal prior, and standard errors for grouped rows.

Source: McCullagh and Nelder 1989, chapter 4; the sandwich for groups is Liang and Zeger 1986. Left out: L1 penalties, and anything
that has to be tuned by cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NORMAL_95 = 1.959964
"""Standard errors on each side of a 95 % interval."""
STEPS = 100
LARGEST = 15.0
"""Log-odds that no data of a sane size can tell from certainty."""


@dataclass(frozen=True)
class Fit:
    """coefficients: (k,).   covariance: (k, k), of the coefficients."""

    coefficients: Floats
    covariance: Floats

    def interval(self, which: int) -> tuple[float, float]:
        """95 %, by the normal distribution."""
        middle, error = self.coefficients[which], NORMAL_95 * float(np.sqrt(self.covariance[which, which]))
        return float(middle - error), float(middle + error)


@dataclass(frozen=True)
class Prior:
    """What is thought of the coefficients before: normal, each for itself.   mean, precision: (k,); precision is
    1 / variance, and 0 is no prior."""

    mean: Floats
    precision: Floats


def sigmoid(log_odds: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(0.5 * log_odds))  # this form never overflows
    return found


def coefficients(
    features: Floats, outcomes: Floats, *, weights: Floats, prior: Prior, start: Floats | None = None
) -> Floats:
    """The likeliest coefficients, (k,), after the prior.

    features: (n, k).   outcomes: (n,), from 0 to 1.   weights: (n,), how often a row counts.   start: (k,), where to begin.
    Raises DataError where the data do not say.
    """
    found = prior.mean.copy() if start is None else start
    worth = _worth(features, outcomes, weights, prior, found)
    for _ in range(STEPS):
        likely = sigmoid(features @ found)
        slope = features.T @ (weights * (outcomes - likely)) - prior.precision * (found - prior.mean)
        step = np.linalg.lstsq(_curvature(features, likely, weights, prior), slope, rcond=None)[0]
        # A whole step may be too far where the curve is flat; half of it, and half of that, at last is not.
        while (new := _worth(features, outcomes, weights, prior, found + step)) < worth - 1e-9 * abs(worth):
            step = step / 2
        found, worth = found + step, new
        if np.abs(step).max() < 1e-8:
            return found
    raise DataError(NOT_SAID)


def fit(
    features: Floats,
    outcomes: Floats,
    *,
    groups: Ints | None = None,
    weights: Floats | None = None,
    prior: Prior | None = None,
) -> Fit:
    """The likeliest coefficients, and how sure they are.

    groups: (n,), rows that belong together, such as two verdicts about one pair: they are not independent. None: each row is its own.
    Raises DataError where the data do not say, as when an outcome is always the same, or two features are.
    """
    rows, number = features.shape
    weights = np.ones(rows) if weights is None else weights
    prior = prior or Prior(np.zeros(number), np.zeros(number))
    if np.linalg.matrix_rank(features) < number and not prior.precision.all():
        raise DataError(NOT_SAID)
    found = coefficients(features, outcomes, weights=weights, prior=prior)
    if (np.abs(found) > LARGEST).any():
        raise DataError(NOT_SAID)
    likely = sigmoid(features @ found)
    spread = np.linalg.inv(_curvature(features, likely, weights, prior))
    names, place = np.unique(np.arange(rows) if groups is None else groups, return_inverse=True)
    if len(names) <= number:
        raise DataError(NOT_SAID)
    slopes = np.zeros((len(names), number))
    np.add.at(slopes, place, features * (weights * (outcomes - likely))[:, None])
    few = len(names) / (len(names) - number)  # as in least squares: the residuals of a fit are a little too small
    return Fit(found, few * spread @ (slopes.T @ slopes) @ spread)


NOT_SAID = (
    "these verdicts do not tell the effects apart: there are too few of them, all come out alike, or two features always go "
    "together. Have more pairs judged, of more models."
)


def _curvature(features: Floats, likely: Floats, weights: Floats, prior: Prior) -> Floats:
    """(k, k)"""
    found: Floats = (features * (weights * likely * (1 - likely))[:, None]).T @ features + np.diag(prior.precision)
    return found


def _worth(features: Floats, outcomes: Floats, weights: Floats, prior: Prior, at: Floats) -> float:
    """The log-likelihood with the prior's."""
    log_odds = features @ at
    likelihood = weights @ (outcomes * log_odds - np.logaddexp(0, log_odds))
    return float(likelihood - 0.5 * prior.precision @ (at - prior.mean) ** 2)
