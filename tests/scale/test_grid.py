import pytest

from onward.errors import PlanError
from onward.model.trunk import LanguageModel
from onward.scale.grid import FEWEST_STEPS, LARGER, ladder, matrix_parameters, plan

SHAPES = ladder(2048, 256)


def planned(seconds, rate=8e10, overhead=0.004):
    """On a machine of `rate` operations a second, which needs `overhead` seconds a step for nothing."""

    def speed(config, batch):
        forward = config.flops_per_token(256) / rate
        return overhead + 3 * forward * batch, forward * 65_536

    return plan(SHAPES, seconds=seconds, guess=rate, most_batch=8192, speed=speed)


@pytest.mark.parametrize("rate", [2e10, 8e10, 4e11])
def test_the_runs_fill_the_time_and_the_larger_one_takes_about_half(rate):
    small, larger = planned(1500, rate)
    needed = sum(run.seconds for run in small)
    assert needed + larger.seconds == pytest.approx(1500, rel=0.1)
    assert 0.35 < larger.seconds / 1500 < 0.65


def test_the_larger_run_has_ten_times_the_compute_of_the_largest_small_one():
    small, larger = planned(1500)
    assert larger.flops == pytest.approx(LARGER * max(run.flops for run in small), rel=0.03)


def test_only_the_combination_of_size_and_tokens_is_new_in_the_larger_run():
    small, larger = planned(1500)
    assert larger.parameters < 1.5 * max(run.parameters for run in small)
    assert larger.tokens < 4 * max(run.tokens for run in small)


def test_sizes_and_tokens_are_spread_independently():
    small, _ = planned(1500)
    assert len({run.parameters for run in small}) >= 5
    for size in {run.parameters for run in small if run.parameters > 1e5}:
        assert 1 <= len({run.tokens for run in small if run.parameters == size}) <= 4
    assert len({run.name for run in small}) == len(small) >= 12
    assert all(run.steps >= FEWEST_STEPS for run in small)
    assert len({run.batch_tokens for run in small}) == 1


def test_parameters_are_those_of_the_matrices():
    for config in SHAPES[:4]:
        products = sum(p.numel() for p in LanguageModel(config).parameters() if p.ndim == 2)
        assert matrix_parameters(config) == products


def test_too_little_time_is_refused_with_what_to_do():
    with pytest.raises(PlanError, match="more --minutes"):
        planned(1, overhead=0.5)
