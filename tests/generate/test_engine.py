from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import FolderError, PlanError
from onward.generate.cache import KVCache
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from samples import carried_on_one_by_one, randomised


@pytest.fixture
def engine(tiny_model, tokenizer):
    return Engine(tiny_model.double(), tokenizer)


requests = st.lists(
    st.builds(
        Request,
        prompt=st.lists(st.integers(0, 250), min_size=1, max_size=20),
        sampling=st.builds(
            Sampling,
            temperature=st.sampled_from([0.0, 0.7, 1.5]),
            top_k=st.sampled_from([0, 5]),
            top_p=st.sampled_from([1.0, 0.8]),
            seed=st.integers(-9, 9),
            max_tokens=st.sampled_from([1, 7, 60]),
        ),
    ),
    min_size=1,
    max_size=5,
)


def test_batch_and_cache_never_change_the_text(engine):
    @given(requests)
    @settings(max_examples=25, deadline=None)
    def check(batch):
        assert [c.ids for c in engine.run(batch)] == [carried_on_one_by_one(engine, r) for r in batch]

    check()


def test_the_text_of_a_completion_is_its_tokens_decoded(engine):
    done = engine.run(
        [Request(prompt=[5, 6], sampling=Sampling(temperature=1.5, seed=s, max_tokens=40)) for s in range(5)]
    )
    assert [c.text for c in done] == [engine.tokenizer.decode(c.ids) for c in done]


def test_streamed_pieces_add_up_to_the_text(engine):
    for seed in range(5):
        request = Request(prompt=[7], sampling=Sampling(temperature=1.5, seed=seed, max_tokens=50))
        assert "".join(engine.stream(request)) == engine.run([request])[0].text


def test_a_stop_text_ends_the_text_before_it_also_in_the_stream(engine):
    free = engine.run([Request(prompt=[9], sampling=Sampling(temperature=1, seed=1, max_tokens=50))])[0].text
    stop = free[5:8]
    request = Request(prompt=[9], sampling=Sampling(temperature=1, seed=1, max_tokens=50, stop=("never seen", stop)))
    done = engine.run([request])[0]
    assert done.text == free[: free.find(stop)]
    assert done.finish == "stop"
    assert "".join(engine.stream(request)) == done.text


def test_a_stop_text_that_begins_but_does_not_come_is_shown_after_all(engine):
    free = engine.run([Request(prompt=[9], sampling=Sampling(temperature=1, seed=1, max_tokens=50))])[0].text
    stop = free[-1] + "\0"
    request = Request(prompt=[9], sampling=Sampling(temperature=1, seed=1, max_tokens=50, stop=(stop,)))
    assert "".join(engine.stream(request)) == free


def test_score_is_the_sum_of_log_probabilities(engine):
    ids = [3, 14, 15, 92, 65, 35]
    logits = engine.model(torch.tensor([ids]))[0].log_softmax(-1)
    expected = [logits[i - 1, ids[i]].item() for i in range(2, 6)]
    assert engine.score(ids[:2], ids[2:]) == pytest.approx(expected)


def test_the_likeliest_tokens_are_told_beside_a_score_however_the_text_is_cut(engine):
    ids = [3, 14, 15, 92, 65, 35]
    best = engine.model(torch.tensor([ids]))[0].log_softmax(-1).topk(2)
    engine.schedule.chunk = 2
    told = engine.scored(ids[:3], ids[3:], alternatives=2)
    assert told.log_probs == pytest.approx(engine.score(ids[:3], ids[3:]))
    for place, alternatives in enumerate(told.alternatives, 2):
        assert [id for id, _ in alternatives] == best.indices[place].tolist()
        assert [p for _, p in alternatives] == pytest.approx(best.values[place].tolist())


def test_a_prompt_without_room_or_without_tokens_is_refused_in_words(engine):
    with pytest.raises(PlanError, match="64 positions"):
        engine.run([Request(prompt=[1] * 64)])
    with pytest.raises(PlanError, match="empty"):
        engine.run([Request(prompt=[])])


def test_a_truncated_cache_is_one_that_never_saw_the_rest(tiny_model):
    model = tiny_model.double()
    ids = torch.randint(0, 250, (2, 10))

    def cache():
        return KVCache(model.config, 2, 16, dtype=torch.float64, device=torch.device("cpu"))

    seen, fresh = cache(), cache()
    model(ids, cache=seen)
    seen.truncate(torch.tensor([4, 7]))
    again = torch.stack([ids[0, 4:7], ids[1, 7:10]])
    out = model(again, cache=seen)
    model(ids[:, :4], cache=fresh)
    whole = model(ids)
    assert torch.allclose(out[0], whole[0, 4:7])
    assert torch.allclose(out[1], whole[1, 7:10])


def test_weights_that_are_no_numbers_are_said_and_not_drawn_from(engine):
    next(engine.model.parameters()).data[5] = torch.nan
    with pytest.raises(FolderError, match="no finite numbers"):
        engine.run([Request(prompt=[1, 5])])
    with pytest.raises(FolderError, match="no finite numbers"):
        engine.score([1, 5], [2])


def test_requests_before_one_that_is_refused_do_not_stay(tiny_model, tokenizer):
    engine = Engine(tiny_model, tokenizer)
    with pytest.raises(PlanError, match="empty"):
        engine.run([Request(prompt=[3, 4], sampling=Sampling(max_tokens=3)), Request(prompt=[])])
    engine.step()
    assert engine.schedule.running == []
    assert engine.pages.used == 0


def test_blocks_of_a_damaged_text_spoil_nobody_elses(tiny_model, tokenizer):
    config = replace(tiny_model.config, tied=False)
    model = randomised(LanguageModel(config).initialise(0))
    with torch.no_grad():
        model.embedding.tokens.weight[7] = torch.nan
    engine = Engine(model, tokenizer, chunk=8)
    with pytest.raises(FolderError, match="no finite numbers"):
        engine.score([1], [2, 3, 4, 5, 6, 8, 9, 10, 11, 7, 12])
    half_read = engine.submit(Request(prompt=[7] + [1] * 20, sampling=Sampling(max_tokens=3)))
    engine.step()
    engine.cancel(half_read)
    assert engine.run([Request(prompt=[4, 5, 6], sampling=Sampling(max_tokens=3))])[0].ids
