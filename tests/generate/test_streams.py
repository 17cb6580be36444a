import numpy as np
import pytest
from scipy import stats

from onward.generate.streams import derived, uniform

STREAMS = ("draft", "accept", "residual", "explore")


@pytest.mark.parametrize("stream", STREAMS)
def test_noise_is_uniform_over_seeds_and_over_counters(stream):
    for noise in (uniform(np.arange(5000) - 2500, stream, 3), uniform(1, stream, np.arange(5000), 2)):
        assert stats.kstest(noise, "uniform").pvalue > 1e-3
        assert ((noise > 0) & (noise < 1)).all()


def test_streams_counters_and_seeds_are_independent_of_one_another():
    at = np.arange(5000)
    noises = [uniform(5, stream, at) for stream in STREAMS]
    noises += [
        uniform(6, "draft", at),
        uniform(5, "draft", at, 0),
        uniform(5, "draft", at, 1),
        uniform(5, "draft", 1, at),
    ]
    noises += [uniform(derived(5, 1), "draft", at), uniform(at, "draft", 5)]
    correlations = np.corrcoef(noises)[~np.eye(len(noises), dtype=bool)]
    assert abs(correlations).max() < 0.06  # four standard deviations


def test_a_number_is_the_same_alone_and_in_a_row_and_seeds_may_be_any():
    assert uniform(np.array([-1, 2**63 - 1]), "draft", 4).tolist() == [
        float(uniform(-1, "draft", 4)),
        float(uniform(2**63 - 1, "draft", 4)),
    ]
    assert -(2**63) <= derived(-(2**63), 3) < 2**63
