import numpy as np
import pytest
import torch

from onward.errors import PlanError
from onward.generate.engine import Engine, Request
from onward.generate.processors import Said, processed
from onward.generate.sampling import draw
from onward.generate.settings import Sampling

LOGITS = torch.tensor([[1.0, -1.0, 2.0, 0.5]], dtype=torch.float64)


def after(ids, drawn, *, bias=None, allowed=None, **sampling):
    said = Said(sampling=Sampling(**sampling), ids=ids, drawn=drawn, bias=bias or {}, allowed=allowed)
    return processed(LOGITS, [said])[0].tolist()


def test_repetition_makes_all_that_stands_in_the_text_less_likely():
    assert after([0, 1, 1], [1], repetition_penalty=2.0) == [0.5, -2.0, 2.0, 0.5]


def test_presence_counts_once_and_frequency_each_time_and_only_what_was_drawn():
    assert after([3, 0, 0, 2], [0, 0, 2], presence_penalty=0.5) == [0.5, -1.0, 1.5, 0.5]
    assert after([3, 0, 0, 2], [0, 0, 2], frequency_penalty=0.5) == [0.0, -1.0, 1.5, 0.5]


def test_a_bias_is_added_and_a_grammar_leaves_only_what_it_allows():
    assert after([], [], bias={1: 3.0, 2: -torch.inf}) == [1.0, 2.0, -torch.inf, 0.5]
    assert after([], [], allowed=np.array([True, False, True])) == [1.0, -torch.inf, 2.0, -torch.inf]


def test_the_logits_themselves_stay():
    before = LOGITS.clone()
    after([0, 1], [1], repetition_penalty=2.0, bias={0: 1.0})
    assert torch.equal(LOGITS, before)


def test_typical_sampling_leaves_out_what_is_too_surprising_and_what_surprises_too_little():
    logits = torch.tensor([[0.5, *[0.049] * 10, *[0.001] * 10]], dtype=torch.float64).log()
    drawn = {
        int(draw(logits, [Sampling(temperature=1, typical_p=0.45, seed=seed)], torch.tensor([0])))
        for seed in range(300)
    }
    assert drawn == set(range(1, 11))


def test_penalties_reach_the_text_and_a_batch_changes_nothing(tiny_model, tokenizer):
    engine = Engine(tiny_model.double(), tokenizer)
    free = Request(prompt=[5, 6], sampling=Sampling(temperature=0, max_tokens=30))
    shy = Request(prompt=[5, 6], sampling=Sampling(temperature=0, max_tokens=30, frequency_penalty=5.0))
    never = Request(prompt=[5, 6], bias={engine.run([free])[0].ids[0]: -torch.inf}, sampling=free.sampling)
    together = engine.run([free, shy, never])
    assert [engine.run([one])[0].ids for one in (free, shy, never)] == [one.ids for one in together]
    assert len(set(together[1].ids)) > len(set(together[0].ids))
    assert next(iter(never.bias)) not in together[2].ids


def test_further_ids_end_a_text(tiny_model, tokenizer):
    engine = Engine(tiny_model.double(), tokenizer)
    free = engine.run([Request(prompt=[5], sampling=Sampling(temperature=1, max_tokens=20))])[0]
    end = free.ids[4]
    done = engine.run(
        [Request(prompt=[5], stop_ids=frozenset({end}), sampling=Sampling(temperature=1, max_tokens=20))]
    )[0]
    assert done.ids == free.ids[: free.ids.index(end)]
    assert done.finish == "stop"


@pytest.mark.parametrize("field", ["typical_p", "repetition_penalty"])
def test_settings_that_mean_nothing_are_refused(field):
    with pytest.raises(PlanError, match=f"--{field.replace('_', '-')} 0"):
        Sampling(**{field: 0.0})
