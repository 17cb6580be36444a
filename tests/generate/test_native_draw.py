"""Compiled draws are those of sampling.draw."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.generate.native.draw import draw
from onward.generate.sampling import draw as oracle
from onward.generate.settings import Sampling


@given(
    words=st.integers(1, 700),
    spread=st.sampled_from([0.0, 1e-3, 1.0, 5.0, 60.0, 1e4]),
    temperature=st.sampled_from([0.0, 1e-3, 0.3, 0.7, 1.0, 2.5, 1e5]),
    seed=st.integers(-(2**63), 2**63 - 1),
    position=st.integers(0, 2**40),
)
@settings(max_examples=400, deadline=None)
def test_tokens_and_log_probabilities_are_those_of_the_oracle(words, spread, temperature, seed, position):
    logits = spread * torch.randn(6, words, generator=torch.Generator().manual_seed(seed % 1000))
    asked = [Sampling(temperature=temperature, seed=max(seed - row, -(2**63))) for row in range(6)]
    places = [position + row for row in range(6)]
    tokens, log_probs = draw(logits, asked, places)
    assert tokens == oracle(logits, asked, torch.tensor(places)).tolist()
    wanted = logits.double().log_softmax(-1)[range(6), tokens]
    assert log_probs == pytest.approx(wanted.tolist(), abs=1e-5, rel=1e-5)


def test_a_large_vocabulary_in_any_order():
    logits = torch.randn(200, 50_000, generator=torch.Generator().manual_seed(3)).sort(-1).values
    for one in (logits, logits.flip(-1)):
        asked = [Sampling(temperature=0.9, seed=row) for row in range(200)]
        assert draw(one.contiguous(), asked, [7] * 200)[0] == oracle(one, asked, torch.full((200,), 7)).tolist()


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("place", [0, 5, 40])
def test_a_score_that_is_no_number_is_told(odd, place):
    logits = torch.randn(3, 41)
    logits[1, place] = odd
    log_probs = draw(logits, [Sampling(temperature=0.5)] * 3, [1, 2, 3])[1]
    assert [math.isfinite(one) for one in log_probs] == [True, False, True]
