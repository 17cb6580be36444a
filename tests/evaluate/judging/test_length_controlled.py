"""Length-controlled win rates: planted ones are found again, the published ones nearly, and what must hold by symmetry does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from onward.errors import DataError
from onward.evaluate.judging.length_controlled import Judgements, win_rates
from onward.evaluate.judging.logistic import sigmoid

DATA = Path(__file__).parents[4] / "shared" / "data" / "judge"
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "alpaca_eval.py"


def made(strengths, longer, *, instructions=300, length=1.5, seed=0):
    """Judgements by the regression's own rule; `longer`: each model's mean length beside the baseline's 1000. And the true win rates."""
    generator = np.random.default_rng(seed)
    models = len(strengths)
    ease = generator.normal(size=instructions)
    lengths = generator.normal(np.array(longer)[:, None] * 1000, 300, (models, instructions))
    unequal = np.tanh((lengths - 1000) / lengths.std(axis=1, ddof=1, keepdims=True))
    fair = sigmoid(np.array(strengths)[:, None] + ease)
    wins = generator.random((models, instructions)) < sigmoid(np.array(strengths)[:, None] + length * unequal + ease)
    row, column = np.indices((models, instructions))
    judged = Judgements(
        models=row.ravel(),
        instructions=column.ravel(),
        preferences=wins.ravel() * 1.0,
        lengths=lengths.ravel(),
        baseline_lengths=np.full(models * instructions, 1000.0),
    )
    return judged, fair.mean(axis=1)


STRENGTHS, LONGER = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, -1.5, 0.2], [0.6, 0.8, 1.3, 0.7, 1.0, 1.2, 1.4, 0.9]


def test_planted_win_rates_lie_in_their_intervals_and_the_raw_ones_do_not():
    inside, raw_inside, total = 0, 0, 0
    for seed in range(3):
        judged, truth = made(STRENGTHS, LONGER, seed=seed)
        for one, true in zip(win_rates(judged, rounds=100), truth, strict=True):
            inside += one.controlled.low <= true <= one.controlled.high
            raw_inside += one.raw.low <= true <= one.raw.high
            total += 1
    assert inside >= 0.8 * total
    assert raw_inside <= 0.5 * total


def test_where_length_does_not_count_nothing_is_corrected():
    judged, truth = made(STRENGTHS, LONGER, length=0.0, instructions=600)
    found = win_rates(judged, rounds=100)
    assert np.mean([one.controlled.value - one.raw.value for one in found]) == pytest.approx(0, abs=0.02)
    inside = [one.controlled.low <= true <= one.controlled.high for one, true in zip(found, truth, strict=True)]
    assert sum(inside) >= 7


def test_the_baseline_beside_itself_is_at_half():
    """Half of everything, at equal length, among models that are not: no correction may move it."""
    judged, _ = made(STRENGTHS, LONGER)
    itself = judged.models == 3
    judged.preferences[itself] = 0.5
    judged.lengths[itself] = 1000.0
    assert win_rates(judged, rounds=2)[3].controlled.value == pytest.approx(0.5, abs=0.01)


def test_one_model_alone_can_be_measured():
    judged, truth = made([0.0], [0.6], instructions=800)
    (found,) = win_rates(judged, rounds=50)
    assert found.raw.value < truth[0] - 0.15
    assert found.controlled.low <= truth[0] <= found.controlled.high


def test_by_hand_without_lengths_or_other_models_it_is_the_raw_rate():
    """All answers as long as the baseline's, 3 of 4 won: the log-odds are log(3), drawn to 0 by a prior of precision 0.01."""
    number = 400
    zeros = np.zeros(number, dtype=np.int64)
    wins = np.tile([1.0, 1.0, 1.0, 0.0], number // 4)
    same = np.full(number, 100.0)
    (found,) = win_rates(Judgements(zeros, np.arange(number), wins, same, same), rounds=20)
    assert found.raw.value == 0.75
    assert found.controlled.value == pytest.approx(0.75, abs=1e-3)


def test_preferences_beyond_bounds_and_none_are_refused():
    one, none = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    with pytest.raises(DataError, match="from 0 to 1"):
        Judgements(one, one, np.array([1.5]), np.ones(1), np.ones(1))
    with pytest.raises(DataError, match="no judgements"):
        Judgements(none, none, np.ones(0), np.ones(0), np.ones(0))


def test_the_published_table_of_alpaca_eval_2():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there: AlpacaEval 2's annotations are no part of the project")
    spec = importlib.util.spec_from_file_location("alpaca_eval", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    models, judged = script.read_judgements(DATA / "alpaca_eval2_annotations.csv.gz")
    published = script.read_published(DATA / "alpaca_eval2_leaderboard.csv")
    found = [
        (100 * one.raw.value, 100 * one.controlled.value, *published[name])
        for name, one in zip(models, win_rates(judged, rounds=2), strict=True)
        if name in published
    ]
    raw, controlled, their_raw, their_controlled = np.array(found).T
    assert len(found) == 56
    assert np.abs(raw - their_raw).max() < 0.1
    assert np.abs(controlled - their_controlled).mean() < 2
    assert script.rank_correlation(controlled, their_controlled) > 0.97
    assert script.rank_correlation(raw, their_controlled) < 0.97, "without the correction it would not do"
