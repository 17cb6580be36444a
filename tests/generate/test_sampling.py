from dataclasses import replace

import pytest
import torch
from scipy import stats

from onward.errors import PlanError
from onward.generate.sampling import draw, gumbel
from onward.generate.settings import Sampling

LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -2.0])


def drawn(settings: Sampling, samples: int) -> list[int]:
    """Counts of each token over many positions."""
    rows = LOGITS.expand(samples, -1)
    tokens = draw(rows, [settings] * samples, torch.arange(samples))
    return torch.bincount(tokens, minlength=len(LOGITS)).tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("seed", [0, 1, -5])
def test_draws_follow_the_softmax_of_logits_over_temperature(temperature, seed):
    counts = drawn(Sampling(temperature=temperature, seed=seed), 20_000)
    expected = (LOGITS / temperature).softmax(-1).double() * 20_000
    assert stats.chisquare(counts, (expected / expected.sum() * 20_000).numpy()).pvalue > 1e-3


def test_the_test_above_would_notice_a_wrong_temperature():
    counts = drawn(Sampling(temperature=1.1), 20_000)
    expected = LOGITS.double().softmax(-1) * 20_000
    assert stats.chisquare(counts, expected.numpy()).pvalue < 1e-6


def test_neighbouring_seeds_and_positions_draw_independently():
    seeds = torch.arange(4000)
    here = draw(LOGITS.expand(4000, -1), [Sampling(temperature=1, seed=int(s)) for s in seeds], torch.full((4000,), 7))
    there = draw(LOGITS.expand(4000, -1), [Sampling(temperature=1, seed=int(s)) for s in seeds], torch.full((4000,), 8))
    table = torch.zeros(6, 6)
    table.index_put_((here, there), torch.ones(4000), accumulate=True)
    assert stats.chi2_contingency(table[:4, :4].numpy()).pvalue > 1e-3


def test_temperature_zero_takes_the_likeliest():
    assert drawn(Sampling(temperature=0), 50) == [50, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        (Sampling(temperature=1, top_k=2), {0, 1}),
        (Sampling(temperature=1, top_p=0.6), {0, 1}),  # 0.60 of 0.575 + 0.211 ...
        (Sampling(temperature=1, top_p=0.01), {0}),
        (Sampling(temperature=1, min_p=0.2), {0, 1, 2}),  # e^-1 = 0.37, e^-1.5 = 0.22, e^-2 = 0.14
        (Sampling(temperature=1, top_k=3, min_p=0.3), {0, 1}),
    ],
)
def test_filters_keep_exactly_what_they_say(settings, allowed):
    counts = drawn(settings, 3000)
    assert {token for token, count in enumerate(counts) if count} == allowed


def test_each_row_has_its_own_settings():
    settings = [Sampling(temperature=0), Sampling(temperature=1, top_k=1), Sampling(temperature=1, seed=3)]
    together = draw(LOGITS.expand(3, -1), settings, torch.tensor([4, 4, 4]))
    alone = [draw(LOGITS[None], [one], torch.tensor([4]))[0] for one in settings]
    assert together.tolist() == torch.stack(alone).tolist()


def test_noise_is_standard_gumbel():
    noise = gumbel(torch.arange(200), torch.zeros(200, dtype=torch.int64), 200).flatten()
    assert torch.isfinite(noise).all()
    assert stats.kstest(noise.numpy(), "gumbel_r").pvalue > 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"min_p": 1},
        {"seed": 2**63},
        {"max_tokens": 0},
        {"stop": ("",)},
    ],
)
def test_impossible_settings_are_refused_in_words(wrong):
    with pytest.raises(PlanError, match=r"--\w+"):
        replace(Sampling(), **wrong)
