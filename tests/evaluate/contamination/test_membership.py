"""Min-K% and Min-K%++ by hand, and what is read off a model against the engine's own scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from onward.evaluate.asking import Cache, FolderRespondent
from onward.evaluate.contamination import membership
from onward.evaluate.contamination.membership import Tokens, min_k, min_k_plus_plus, moments
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine

TEXT = "The cat sat on the mat. The owl sat on the hill."


@pytest.fixture
def model(tiny_model, tokenizer) -> FolderModel:
    return FolderModel("tiny", Engine(tiny_model, tokenizer))


def test_min_k_by_hand():
    """Of ten tokens the two least likely, of four one at least."""
    values = np.array([-1.0, -9, -2, -3, -5, -1, -1, -1, -1, -1])
    tokens = Tokens(values, np.zeros(10), np.ones(10))
    assert min_k(tokens) == -7
    assert membership.mean_log_prob(tokens) == -2.5
    assert min_k(Tokens(values[:4], np.zeros(4), np.ones(4))) == -9


def test_min_k_plus_plus_by_hand():
    """Chances 1/2, 1/4, 1/4: in units of log 2 a token drawn is worth -3/2 on average, and its square 5/2; so the deviation is
    sqrt(5/2 - 9/4) = 1/2, the first token is one deviation above, the others are one below."""
    logits = torch.tensor([[0.5, 0.25, 0.25]] * 5).log()
    found = moments(logits, torch.tensor([0, 0, 0, 0, 1]))
    unit = math.log(2)
    assert found[0] == pytest.approx([-unit] * 4 + [-2 * unit])
    assert found[1] == pytest.approx([-1.5 * unit] * 5)
    assert found[2] == pytest.approx([0.5 * unit] * 5)
    tokens = Tokens(*found)
    assert min_k_plus_plus(tokens) == pytest.approx(-1)
    assert min_k_plus_plus(tokens, k=1) == pytest.approx((4 - 1) / 5)


def test_where_all_tokens_are_alike_none_is_surprising():
    found = moments(torch.zeros(3, 7), torch.tensor([0, 3, 6]))
    assert min_k_plus_plus(Tokens(*found)) == 0


def test_what_is_read_is_what_the_engine_says(model):
    """The engine tells every token's log-probability where it is asked for all of them: mean and deviation follow from these."""
    found, ids = membership.read(model, TEXT), model.text_prompt(TEXT)
    told = model.engine.scored(ids[:1], ids[1:], alternatives=model.engine.model.config.vocab_size)
    assert found.log_probs == pytest.approx(told.log_probs, abs=1e-5)
    for place, those in enumerate(told.alternatives):
        logs = np.array([log_prob for _, log_prob in those])
        mean = (np.exp(logs) * logs).sum()
        assert found.means[place] == pytest.approx(mean, abs=1e-5)
        assert found.deviations[place] == pytest.approx(math.sqrt((np.exp(logs) * (logs - mean) ** 2).sum()), abs=1e-5)


def test_places_that_are_not_in_memory_together_are_the_same(model, monkeypatch):
    whole = membership.read(model, TEXT)
    monkeypatch.setattr(membership, "AT_ONCE", 4)
    assert membership.read(model, TEXT).means == pytest.approx(whole.means, abs=1e-6)


def test_a_text_is_read_as_far_as_the_model_has_positions(model):
    assert len(membership.read(model, TEXT * 50).log_probs) == model.engine.room - 1


def test_nothing_is_read_twice_and_no_more_than_the_budget(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    first = FolderRespondent(model, Cache(path), budget=1)
    found = membership.readings(first, [TEXT, "The fox."])
    assert found[0] is not None
    assert found[1] is None
    again = FolderRespondent(model, Cache(path))
    known = membership.readings(again, [TEXT])[0]
    assert again.spent == 0
    assert known is not None
    assert known.deviations.tolist() == found[0].deviations.tolist()
