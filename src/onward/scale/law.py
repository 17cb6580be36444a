"""The law L(N, D) = E + A / N^alpha + B / D^beta: fitted to runs, with intervals, and what it says about the best use of compute.

Source: Hoffmann et al. 2022 (arXiv 2203.15556), section 3.3: a Huber loss on the logarithm of the loss. Their optimiser (L-BFGS) is a
Levenberg-Marquardt here: there are five numbers to find, and all starts and all bootstrap rounds descend at once. Left out: how the
runs come about (runs.py), and repeated data (train/repetition.py; D is what the tokens are worth).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HUBER = 0.01
"""Residuals in log loss above this count linearly. Hoffmann et al. took 0.001; twenty small runs scatter more than their four hundred."""
STEPS, STEPS_OF_A_ROUND = 200, 50
SETTLED = 10.0
"""Damping at which a descent that no longer gains is over."""
EXPONENTS = (0.02, 2.0)
"""Where alpha and beta may lie."""
STARTS = [(share, alpha, beta) for share in (0.2, 0.6, 0.9) for alpha in (0.2, 0.5, 1.0) for beta in (0.2, 0.5, 1.0)]
"""Each: the share of the lowest loss that is taken for E, and the two exponents."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """L(N, D) = E + A / N^alpha + B / D^beta, with N in parameters, D in tokens, L in bits per byte."""

    E: float
    A: float
    alpha: float
    B: float
    beta: float

    def loss(self, parameters: float, tokens: float) -> float:
        return float(self.E + self.A * parameters**-self.alpha + self.B * tokens**-self.beta)

    def best(self, flops: float) -> tuple[float, float]:
        """Parameters and tokens with the lowest loss for `flops` = 6 N D.   Source: Hoffmann et al. 2022, equation 4."""
        total = self.alpha + self.beta
        scale = (self.alpha * self.A / (self.beta * self.B)) ** (1 / total)
        return scale * (flops / 6) ** (self.beta / total), (flops / 6) ** (self.alpha / total) / scale


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A law, and what else might have been the law: one for each bootstrap round, with the luck of one more run."""

    law: Law
    others: list[Law]
    luck: list[float]
    """Of log loss, one for each of the others."""
    residual: float
    """Root mean square of the residuals in log loss, for the five numbers that were fitted."""

    def interval(self, parameters: float, tokens: float) -> tuple[float, float]:
        """Between which losses one new run should land, 19 times in 20."""
        rounds = zip(self.others, self.luck, strict=True)
        found = [law.loss(parameters, tokens) * math.exp(luck) for law, luck in rounds]
        return middle(found)

    def range(self, name: str) -> tuple[float, float]:
        """95 % interval of one of the law's numbers: E, A, alpha, B or beta."""
        return middle([getattr(law, name) for law in self.others])


def middle(values: list[float]) -> tuple[float, float]:
    """Between which values 95 % of them lie."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def fit(parameters: Floats, tokens: Floats, losses: Floats, *, rounds: int = 500, seed: int = 0) -> Fit:
    """The law of runs, each (n,), at least six of them.

    Intervals: the residuals, inflated for the five numbers fitted, are dealt out anew `rounds` times, and each time the law is fitted
    again from where it was (residual bootstrap: Efron and Tibshirani 1993, chapter 9). Raises ValueError for fewer than six runs.
    """
    if len(losses) < 6:
        raise ValueError(f"{len(losses)} runs do not determine a law of five numbers")
    x = np.stack([np.log(parameters), np.log(tokens)], axis=1)
    centre = x.mean(axis=0)  # exponents and factors would otherwise pull at each other
    y = np.log(losses)
    found, costs = _descend(_starts(losses), x - centre, np.broadcast_to(y, (len(STARTS), len(y))), STEPS)
    best = found[np.argmin(costs)]
    predicted = _terms(best[None], x - centre)[0][0]
    free = len(y) - 5
    residuals = (y - predicted) * math.sqrt(len(y) / free) * (1 + 1.2 / free)  # the tails of Student's t, nearly
    chance = np.random.default_rng(seed)
    dealt = chance.choice(residuals - residuals.mean(), (rounds, len(y)))
    others, _ = _descend(np.tile(best, (rounds, 1)), x - centre, predicted + dealt, STEPS_OF_A_ROUND)
    return Fit(
        law=_law(best, centre),
        others=[_law(numbers, centre) for numbers in others],
        luck=chance.choice(residuals - residuals.mean(), rounds).tolist(),
        residual=float(np.sqrt(np.mean(residuals**2))),
    )


def _starts(losses: Floats) -> Floats:
    """(starts, 5): log E, log A, log B at the centre of the runs, alpha, beta."""
    low, middle = losses.min(), float(np.median(losses))
    rest = [math.log(max(middle - share * low, 1e-3 * middle) / 2) for share, _, _ in STARTS]
    return np.array([(math.log(s * low), r, r, a, b) for (s, a, b), r in zip(STARTS, rest, strict=True)])


def _law(numbers: Floats, centre: Floats) -> Law:
    e, a, b, alpha, beta = (float(number) for number in numbers)
    return Law(
        E=math.exp(e), A=math.exp(a + alpha * centre[0]), alpha=alpha, B=math.exp(b + beta * centre[1]), beta=beta
    )


def _terms(numbers: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Log loss, (S, n), and the share of E, A and B in it, (S, n, 3).   numbers: (S, 5); x: (n, 2)."""
    e, a, b, alpha, beta = (numbers[:, i, None] for i in range(5))
    logs = np.stack([np.broadcast_to(e, (len(numbers), len(x))), a - alpha * x[:, 0], b - beta * x[:, 1]], axis=-1)
    top = logs.max(axis=-1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=-1, keepdims=True)
    return (top + np.log(total))[..., 0], shares / total


def _cost(residuals: Floats) -> Floats:
    """The Huber loss of each row: (S, n) to (S,)."""
    size = np.abs(residuals)
    cost: Floats = np.where(size <= HUBER, size**2 / 2, HUBER * (size - HUBER / 2)).sum(axis=-1)
    return cost


def _descend(numbers: Floats, x: Floats, y: Floats, steps: int) -> tuple[Floats, Floats]:
    """Levenberg-Marquardt from every row of `numbers` at once; a residual beyond the Huber bound is weighted down.

    numbers: (S, 5); x: (n, 2); y: (S, n), log losses.   Returns (S, 5) and the cost of each, (S,).
    """
    damping = np.full(len(numbers), 1e-2)
    lowest = np.array([y.min() - 12, -np.inf, -np.inf, EXPONENTS[0], EXPONENTS[0]])
    highest = np.array([y.max(), np.inf, np.inf, EXPONENTS[1], EXPONENTS[1]])
    predicted, shares = _terms(numbers, x)
    cost = _cost(predicted - y)
    for _ in range(steps):
        residuals = predicted - y
        slopes = np.concatenate([shares, -shares[..., 1:] * x], axis=-1)
        weighted = slopes * np.minimum(1, HUBER / np.maximum(np.abs(residuals), 1e-12))[..., None]
        curvature = np.einsum("sni,snj->sij", weighted, slopes)
        gradient = np.einsum("sni,sn->si", weighted, residuals)
        diagonal = np.einsum("sii->si", curvature)
        damped = curvature + np.eye(5) * (damping[:, None] * diagonal + 1e-12)[:, None, :]
        step = np.linalg.solve(damped, gradient[..., None])[..., 0]
        tried = np.clip(numbers - np.clip(step, -1, 1), lowest, highest)
        new_predicted, new_shares = _terms(tried, x)
        new_cost = _cost(new_predicted - y)
        better = new_cost < cost
        settled = not np.any(cost - new_cost > 1e-9 * cost)
        numbers = np.where(better[:, None], tried, numbers)
        predicted = np.where(better[:, None], new_predicted, predicted)
        shares = np.where(better[:, None, None], new_shares, shares)
        cost = np.where(better, new_cost, cost)
        damping = np.where(better, damping / 3, np.minimum(damping * 4, 1e12))
        if settled and damping.min() > SETTLED:
            break
    return numbers, cost
