"""The fit of the law, on runs whose law is known."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from onward.scale.law import HUBER, Law, fit

PLANTED = Law(E=0.9, A=60.0, alpha=0.4, B=300.0, beta=0.38)
COMPUTE = 7e12


def runs(noise=0.0, seed=0):
    """Four budgets, five sizes each: parameters, tokens, losses."""
    grid = [
        ((budget / 120) ** 0.5 * spread, budget)
        for budget in COMPUTE / 2.0 ** np.arange(4)
        for spread in 3.0 ** np.linspace(-1, 1, 5)
    ]
    parameters, budgets = np.array(grid).T
    tokens = budgets / (6 * parameters)
    losses = np.array([PLANTED.loss(n, d) for n, d in zip(parameters, tokens, strict=True)])
    return parameters, tokens, losses * np.exp(np.random.default_rng(seed).normal(0, noise, len(losses)))


LARGER = ((10 * COMPUTE / 120) ** 0.5, 20 * (10 * COMPUTE / 120) ** 0.5)


def test_a_planted_law_is_found_exactly_where_there_is_no_noise():
    found = fit(*runs(), rounds=2).law
    for name in ("E", "A", "alpha", "B", "beta"):
        assert getattr(found, name) == pytest.approx(getattr(PLANTED, name), rel=1e-3)


def test_ten_times_the_compute_is_foretold_from_noisy_runs():
    for seed in range(5):
        found = fit(*runs(0.005, seed), rounds=2).law
        assert found.loss(*LARGER) == pytest.approx(PLANTED.loss(*LARGER), rel=0.03)


def test_the_interval_holds_a_new_run_about_nineteen_times_in_twenty():
    held, tries = 0, 30
    for seed in range(tries):
        low, high = fit(*runs(0.005, seed), rounds=100, seed=seed).interval(*LARGER)
        held += low <= PLANTED.loss(*LARGER) * np.exp(np.random.default_rng(1000 + seed).normal(0, 0.005)) <= high
    assert held >= 0.8 * tries, "an interval too narrow would promise more than it knows"


def test_one_run_gone_wrong_hardly_moves_the_law():
    parameters, tokens, losses = runs(0.002)
    losses[7] *= 1.3
    assert fit(parameters, tokens, losses, rounds=2).law.loss(*LARGER) == pytest.approx(PLANTED.loss(*LARGER), rel=0.03)


def test_no_other_minimiser_finds_a_better_fit():
    """scipy's, from the planted law itself, with the same Huber loss."""
    parameters, tokens, losses = runs(0.01, seed=3)

    def residuals(numbers):
        e, a, b, alpha, beta = numbers
        return np.log(np.exp(e) + np.exp(a) * parameters**-alpha + np.exp(b) * tokens**-beta) - np.log(losses)

    def cost(law):
        r = np.abs(residuals((np.log(law.E), np.log(law.A), np.log(law.B), law.alpha, law.beta)))
        return np.where(r < HUBER, r**2 / 2, HUBER * (r - HUBER / 2)).sum()

    start = (np.log(PLANTED.E), np.log(PLANTED.A), np.log(PLANTED.B), PLANTED.alpha, PLANTED.beta)
    theirs = least_squares(residuals, start, loss="huber", f_scale=HUBER, xtol=1e-12, ftol=1e-12, max_nfev=5000)
    assert cost(fit(parameters, tokens, losses, rounds=2).law) <= theirs.cost * (1 + 1e-3)


def test_the_best_use_of_compute_is_a_minimum_and_spends_it():
    n, d = PLANTED.best(1e14)
    assert 6 * n * d == pytest.approx(1e14)
    for other in (0.8 * n, 1.25 * n):
        assert PLANTED.loss(other, 1e14 / (6 * other)) > PLANTED.loss(n, d)


def test_too_few_runs_are_refused():
    with pytest.raises(ValueError, match="5 runs"):
        fit(*(column[:5] for column in runs()))
