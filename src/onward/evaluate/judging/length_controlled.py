"""Win rates as they would be if all answers were as long as the baseline's (Dubois et al. 2024, arXiv 2404.04475; AlpacaEval 2).

For each model the log-odds of being preferred to the baseline are

    model  +  length * tanh(characters more than the baseline / their standard deviation)  +  sensitivity * ease of the instruction

and the win rate is predicted with the second term left out. An instruction's ease comes from the other models, never from the one that is
judged, so that one model alone can be measured, too (all are then equally easy).

Left out, for want of public per-item data: the judgements of GPT-4 told to be brief and to be verbose, by which the authors restrain the
length term. A normal prior around what all models share restrains it here; and cross-validated L1 penalties are left out for the same
reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onward.errors import DataError
from onward.evaluate.judging.logistic import Floats, Ints, Prior, coefficients, sigmoid
from onward.train.measure import Measured, with_interval

ROUNDS = 200
"""Of the bootstrap, over instructions."""
SWEEPS = 500


@dataclass(frozen=True)
class Judgements:
    """Many models' answers, each beside the baseline's, a row for each.   models, instructions: numbers from 0.   preferences: from 0, the
    baseline's is better, to 1.   lengths, baseline_lengths: in characters.   All (n,)."""

    models: Ints
    instructions: Ints
    preferences: Floats
    lengths: Floats
    baseline_lengths: Floats

    def __post_init__(self) -> None:
        if len(self.models) == 0:
            raise DataError("there are no judgements to learn from.")
        if not ((self.preferences >= 0) & (self.preferences <= 1)).all():
            raise DataError("a preference is a number from 0 to 1. Mend it, or leave such judgements out.")


@dataclass(frozen=True)
class WinRate:
    """Of one model.   raw, controlled: shares from 0 to 1, with their 95 % intervals.   length, sensitivity: the model's coefficients."""

    raw: Measured
    controlled: Measured
    length: float
    sensitivity: float


@dataclass(frozen=True)
class Shared:
    """What is known from all models together.   strengths: (models,) log-odds.   length: its coefficient.   ease: (instructions,)"""

    strengths: Floats
    length: float
    ease: Floats


def win_rates(judged: Judgements, *, spread: float = 1.0, rounds: int = ROUNDS) -> list[WinRate]:
    """Of each model, by number. The interval is a bootstrap over instructions, their ease being taken as known.

    spread: how far a model's length coefficient and sensitivity are thought to be from what all share, as a standard deviation.
    """
    unequal = unequal_lengths(judged)
    shared = learn_together(judged, unequal)
    return [_win_rate(judged, unequal, shared, model, spread, rounds) for model in range(len(shared.strengths))]


def unequal_lengths(judged: Judgements) -> Floats:
    """tanh of how much longer than the baseline's an answer is, in standard deviations of that model's.   Returns (n,)"""
    longer, found = judged.lengths - judged.baseline_lengths, np.zeros(len(judged.models))
    for model in range(judged.models.max() + 1):
        own = judged.models == model
        spread = float(longer[own].std(ddof=1)) if own.sum() > 1 else 0.0
        found[own] = np.tanh(longer[own] / spread) if spread else 0.0
    return found


def learn_together(judged: Judgements, unequal: Floats) -> Shared:
    """One regression over all models, with one length coefficient. An instruction's ease has a standard normal prior.

    Each kind of parameter in turn takes a Newton step of at most 1, until none moves: all of it is concave.
    """
    models, instructions, wins = judged.models, judged.instructions, judged.preferences
    counts = np.bincount(models)
    shares = (np.bincount(models, wins) + 0.5) / (counts + 1)
    strengths, length, ease = np.log(shares / (1 - shares)), 0.0, np.zeros(int(instructions.max()) + 1)
    alone = len(counts) == 1  # then what is easy cannot be told from what it won
    for _ in range(SWEEPS):
        off, bend = _slopes(wins, strengths[models] + length * unequal + ease[instructions])
        step = _newton(_sums(models, off, strengths) - WEAK * strengths, _sums(models, bend, strengths) + WEAK)
        strengths = strengths + step
        off, bend = _slopes(wins, strengths[models] + length * unequal + ease[instructions])
        longer = float(_newton(np.array(unequal @ off - WEAK * length), np.array(unequal**2 @ bend + WEAK)))
        length, moved = length + longer, max(float(np.abs(step).max()), abs(longer))
        if not alone:
            off, bend = _slopes(wins, strengths[models] + length * unequal + ease[instructions])
            step = _newton(_sums(instructions, off, ease) - ease, _sums(instructions, bend, ease) + 1)
            ease, moved = ease + step, max(moved, float(np.abs(step).max()))
        if moved < 1e-6:
            return Shared(strengths, length, ease)
    raise DataError(
        "the length-controlled win rate does not come to rest on these judgements. Are there enough of them?"
    )


WEAK = 0.01
"""Precision of a prior that is there only so that a model that always wins has a finite strength."""


def _slopes(wins: Floats, log_odds: Floats) -> tuple[Floats, Floats]:
    likely = sigmoid(log_odds)
    return wins - likely, likely * (1 - likely)


def _sums(places: Ints, values: Floats, of: Floats) -> Floats:
    """The values at each place added up, as many places as `of` has."""
    found: Floats = np.bincount(places, values, len(of)).astype(np.float64)
    return found


def _newton(slope: Floats, curvature: Floats) -> Floats:
    return np.clip(slope / curvature, -1, 1)


def ease_by_others(judged: Judgements, unequal: Floats, shared: Shared, model: int) -> Floats:
    """How easy each instruction is for all models but one: what that one won says nothing about it.   Returns (instructions,)"""
    others = judged.models != model
    instructions, wins = judged.instructions[others], judged.preferences[others]
    known = shared.strengths[judged.models[others]] + shared.length * unequal[others]
    ease = shared.ease
    for _ in range(SWEEPS):
        off, bend = _slopes(wins, known + ease[instructions])
        step = _newton(_sums(instructions, off, ease) - ease, _sums(instructions, bend, ease) + 1)
        ease = ease + step
        if np.abs(step).max() < 1e-6:
            break
    return ease


def _win_rate(judged: Judgements, unequal: Floats, shared: Shared, model: int, spread: float, rounds: int) -> WinRate:
    own = judged.models == model
    ease = ease_by_others(judged, unequal, shared, model)[judged.instructions[own]]
    features = np.stack([np.ones(int(own.sum())), unequal[own], ease], axis=1)
    wins, rows = judged.preferences[own], len(features)
    prior = Prior(np.array([0.0, shared.length, 1.0]), np.array([WEAK, spread**-2, spread**-2]))

    def controlled(weights: Floats, start: Floats) -> tuple[float, Floats]:
        found = coefficients(features, wins, weights=weights, prior=prior, start=start)
        return float(weights @ sigmoid(found[0] + found[2] * ease) / weights.sum()), found

    value, found = controlled(np.ones(rows), prior.mean)
    generator = np.random.default_rng(0)
    chosen = (np.bincount(generator.integers(0, rows, rows), minlength=rows) for _ in range(rounds))
    low, high = np.percentile([controlled(often.astype(np.float64), found)[0] for often in chosen], [2.5, 97.5])
    return WinRate(
        raw=with_interval(wins, np.ones(rows)),
        controlled=Measured(value=value, low=float(low), high=float(high), n=rows),
        length=float(found[1]),
        sensitivity=float(found[2]),
    )
