"""Options scored together are scored as they are alone."""

from __future__ import annotations

import pytest
import torch

from onward.errors import PlanError
from onward.generate.load import open_folder
from onward.generate.options import scored, weighed


@pytest.mark.parametrize("weights", ["torch", None])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 33])
def test_options_together_are_scored_as_alone(model_folder, weights, length):
    engine = open_folder(model_folder, weights=weights).engine
    prompt = [(7 * i + 3) % 300 for i in range(length)]
    options = [[5], [9, 11], [5, 6, 7, 8], [200, 100, 50, 25, 12, 6, 3], []]
    together = scored(engine, prompt, options)
    engine.forget()
    for option, found in zip(options, together, strict=True):
        assert found == pytest.approx(engine.score(prompt, option) if option else [], abs=1e-4)
    assert engine.pages.used == 0


def test_what_was_read_before_changes_nothing(model_folder):
    engine = open_folder(model_folder, weights="torch").engine
    prompt = [(5 * i + 2) % 300 for i in range(40)]
    first = scored(engine, prompt, [[1, 2], [3]])
    assert scored(engine, prompt, [[1, 2], [3]]) == [pytest.approx(one, abs=1e-5) for one in first]


def test_what_does_not_fit_is_refused(model_folder):
    engine = open_folder(model_folder).engine
    with pytest.raises(PlanError, match="1 to 65 are wanted"):
        scored(engine, [1] * 60, [[1] * 6])
    with pytest.raises(PlanError):
        scored(engine, [], [[1]])


def test_the_likeliest_token_at_each_place_is_told(model_folder):
    engine = open_folder(model_folder).engine
    prompt, options = [(5 * i + 2) % 300 for i in range(20)], [[5], [9, 11, 4], []]
    for option, found in zip(options, weighed(engine, prompt, options), strict=True):
        alone = engine.scored(prompt, option, alternatives=1)
        assert [best[0][0] for best in found.alternatives] == [best[0][0] for best in alone.alternatives]
        assert [best[0][1] for best in found.alternatives] == pytest.approx(
            [b[0][1] for b in alone.alternatives], abs=1e-4
        )


def test_the_last_token_of_a_continuation_needs_no_position(model_folder):
    """64 positions: 65 tokens fit, and the last one is weighed after all others."""
    engine = open_folder(model_folder, weights="torch").engine
    ids = [(5 * i + 2) % 300 for i in range(65)]
    together, alone = scored(engine, ids[:60], [ids[60:]])[0], scored(engine, ids[:64], [ids[64:]])[0]
    assert together[-1:] == pytest.approx(alone, abs=1e-5)
    with torch.inference_mode():
        logits = engine.model(torch.tensor([ids[:64]]))[0, -1].double().log_softmax(-1)
    assert alone[0] == pytest.approx(float(logits[ids[64]]), abs=1e-4)
