"""Whatever the schedule, the text stays the same: batches, chunks, few blocks, who shares a beginning, who comes late, who is cancelled."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import FolderError
from onward.generate.engine import Engine, Request
from onward.generate.pages import BLOCK
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from samples import carried_on_one_by_one, randomised


def windowed(model, layers):
    return randomised(LanguageModel(replace(model.config, window=20, window_layers=layers)).initialise(0)).double()


BEGINNING = [7, 8, 9, 10, 11, 12, 13, 14] * 5
requests = st.lists(
    st.builds(
        lambda shared, own, client, **sampling: Request(
            prompt=BEGINNING[:shared] + own, client=client, sampling=Sampling(temperature=1.2, **sampling)
        ),
        shared=st.integers(0, 40),
        own=st.lists(st.integers(0, 250), min_size=1, max_size=20),
        client=st.sampled_from("ab"),
        seed=st.integers(-9, 9),
        max_tokens=st.sampled_from([1, 7, 60]),
    ),
    min_size=1,
    max_size=7,
)
engines = st.fixed_dictionaries(
    {"at_once": st.integers(1, 5), "chunk": st.integers(1, 40), "blocks": st.integers(64 // BLOCK, 14)}
)


@pytest.mark.parametrize("model", ["full", "windowed", "windowed in one layer"])
def test_no_schedule_changes_the_text_or_keeps_a_block(model, tiny_model, tokenizer):
    made = tiny_model.double() if model == "full" else windowed(tiny_model, None if model == "windowed" else (1,))

    @given(requests, engines, st.lists(st.integers(0, 12), min_size=7, max_size=7), st.sets(st.integers(0, 6)))
    @settings(max_examples=10, deadline=None)
    def check(asked, sizes, comes_at, cancelled):
        engine = Engine(made, tokenizer, **sizes)
        runs, step = {}, 0
        while len(runs) < len(asked) or any(run.finish is None for run in runs.values()):
            for number, request in enumerate(asked):
                if number not in runs and comes_at[number] <= step:
                    runs[number] = engine.submit(request)
            engine.step()
            step += 1
            for number in cancelled & set(runs):
                if step >= comes_at[number] + 4:
                    engine.cancel(runs[number])
        for number, request in enumerate(asked):
            expected = carried_on_one_by_one(engine, request)
            if runs[number].finish == "cancelled":
                assert runs[number].ids == expected[: len(runs[number].ids)]
            else:
                assert runs[number].ids == expected
        assert engine.pages.used == 0

    check()


@pytest.fixture
def engine(tiny_model, tokenizer):
    return Engine(tiny_model.double(), tokenizer, at_once=4, chunk=32)


def drawn(**settings):
    return Sampling(temperature=1, **settings)


def test_who_begins_alike_reads_the_beginning_once(engine):
    asked = [Request(prompt=[*BEGINNING, seed], sampling=drawn(seed=seed, max_tokens=3)) for seed in range(4)]
    done = engine.run(asked)
    assert [one.cached for one in done] == [0, 32, 32, 32]
    assert engine.run(asked)[0].cached == 32
    engine.forget()
    assert engine.run(asked[:1])[0].cached == 0


def test_what_was_said_is_known_when_the_conversation_goes_on(engine):
    first = engine.run([Request(prompt=[5, 6], sampling=drawn(max_tokens=30))])[0]
    again = engine.run([Request(prompt=[5, 6, *first.ids, 9], sampling=drawn(max_tokens=2))])[0]
    assert again.cached == (2 + len(first.drawn) - 1) // BLOCK * BLOCK > 0


def test_another_adapter_shares_nothing(engine):
    engine.run([Request(prompt=BEGINNING, sampling=drawn(max_tokens=2))])
    assert engine.run([Request(prompt=BEGINNING, adapter="poet", sampling=drawn(max_tokens=2))])[0].cached == 0


def test_clients_take_turns_however_much_each_asks_for(engine):
    engine.schedule.at_once = 1
    crowd = [engine.submit(Request(prompt=[n], client="crowd", sampling=drawn(max_tokens=5))) for n in range(9)]
    single = engine.submit(Request(prompt=[9], client="single", sampling=drawn(max_tokens=5)))
    while single.finish is None:
        engine.step()
    assert sum(run.finish is not None for run in crowd) == 1


def test_a_long_prompt_does_not_hold_up_who_is_talking(engine):
    engine.schedule.chunk = 4
    talks = engine.submit(Request(prompt=[3], sampling=drawn(max_tokens=40, seed=3)))
    engine.step()
    long = engine.submit(Request(prompt=BEGINNING, sampling=drawn(max_tokens=2)))
    before = len(talks.drawn)
    while not long.drawn:
        engine.step()
    assert len(talks.drawn) - before >= len(BEGINNING) // 4 - 1


def test_where_blocks_run_out_who_came_last_begins_again_and_says_the_same(tiny_model, tokenizer):
    engine = Engine(tiny_model.double(), tokenizer, blocks=5)
    asked = [Request(prompt=[n, 4, 4], sampling=drawn(seed=n, max_tokens=50)) for n in range(3)]
    runs = [engine.submit(request) for request in asked]
    gave_up = False
    while any(run.finish is None for run in runs):
        lengths = [run.table.length for run in runs]
        engine.step()
        gave_up |= any(run.finish is None and run.table.length < n for run, n in zip(runs, lengths, strict=True))
    assert gave_up
    assert [run.ids for run in runs] == [carried_on_one_by_one(engine, request) for request in asked]


def test_what_can_never_fit_fails_alone_and_in_words(tiny_model, tokenizer):
    engine = Engine(tiny_model.double(), tokenizer, blocks=1)
    large, small = (engine.submit(Request(prompt=[5] * n, sampling=drawn(max_tokens=3))) for n in (30, 3))
    while small.finish is None or large.finish is None:
        engine.step()
    assert (large.finish, small.finish) == ("error", "length")
    assert "do not fit" in large.error
    assert engine.pages.used == 0


def test_a_request_whose_scores_are_no_numbers_fails_alone(engine):
    engine.model.embedding.tokens.weight.data[77] = torch.nan
    bad, good = (engine.submit(Request(prompt=[5, word, 6], sampling=drawn(max_tokens=6))) for word in (77, 78))
    engine.model.head.weight = torch.nn.Parameter(torch.randn_like(engine.model.embedding.tokens.weight))
    while bad.finish is None or good.finish is None:
        engine.step()
    assert (bad.finish, good.finish) == ("error", "length")
    again = engine.run([Request(prompt=[5, 78, 6], sampling=drawn(max_tokens=6))])[0]
    assert again.ids == good.ids  # the blocks that the bad one had hold no rubbish
    with pytest.raises(FolderError, match="no finite numbers"):
        engine.run([Request(prompt=[77])])


def test_where_memory_is_short_the_batch_shrinks_and_the_run_goes_on(engine):
    asked = [Request(prompt=[n, 4], sampling=drawn(seed=n, max_tokens=6)) for n in range(4)]
    expected = [done.ids for done in engine.run(asked)]
    hidden = engine.model.hidden

    def cramped(ids, **rest):
        if len(ids) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return hidden(ids, **rest)

    engine.forget()
    engine.model.hidden = cramped
    assert [done.ids for done in engine.run(asked)] == expected
    assert engine.schedule.at_once == 1


def test_the_likeliest_tokens_are_told_with_their_log_probabilities(engine):
    done = engine.run([Request(prompt=[5, 6], alternatives=3, sampling=Sampling(temperature=0, max_tokens=4))])[0]
    logits = engine.model(torch.tensor([[5, 6, *done.drawn]]))[0].log_softmax(-1)
    for place, (token, said, log_prob) in enumerate(zip(done.drawn, done.alternatives, done.log_probs, strict=True)):
        best = logits[1 + place].topk(3)
        assert [one for one, _ in said] == best.indices.tolist()
        assert [one for _, one in said] == pytest.approx(best.values.tolist())
        assert said[0] == (token, log_prob)


def test_a_table_that_is_cut_back_writes_nothing_into_what_others_share(engine):
    asked = Request(prompt=BEGINNING, sampling=drawn(max_tokens=2))
    engine.run([asked])
    run = engine.submit(asked)
    engine.step()
    run.table.truncate(20)
    block = run.table.blocks[-1]
    assert engine.pages.users[block] == 1
    assert block not in {engine.pages.find(name) for name in run.names}
    assert torch.equal(engine.pages.keys[:, block, :, :4], engine.pages.keys[:, engine.pages.find(run.names[1]), :, :4])


def test_what_no_window_looks_at_any_more_takes_no_room(tiny_model, tokenizer):
    engine = Engine(windowed(LanguageModel(replace(tiny_model.config, max_positions=128)), None), tokenizer)
    endless = dict.fromkeys(tokenizer.eos_ids, -float("inf"))
    run = engine.submit(Request(prompt=[5], sampling=drawn(seed=4, max_tokens=120), bias=endless))
    most = 0
    while run.finish is None:
        engine.step()
        most = max(most, engine.pages.used)
    assert len(run.all_ids) > 7 * BLOCK
    assert most == 4  # 20 tokens, the new one, and a block for drafts that are taken back
