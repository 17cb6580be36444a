"""Span corruption: what is taken out can be put back, and no place sees what it is to write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.special import SPANS, span_ids, with_spans
from onward.train.corruption import CHANNELS, CorruptedRows, corrupted, noise
from onward.train.objectives import prefix_first, prefix_token
from onward.train.packing import IGNORE, PADDING, Batches, Packing
from onward.train.shards import Shards, write_shards
from onward.train.spans import SpanCorruption, composition, hidden_tokens, places, spans
from samples import randomised

BOUNDARY, WORDS = 98, 98
SENTINELS = np.arange(100, 100 + SPANS)
CORRUPTION = SpanCorruption(sentinels=SENTINELS, boundary_id=BOUNDARY)


def packed(texts, folder, length=64):
    write_shards(((t, None, len(t)) for t in texts), folder, vocab_size=200, tokenizer_hash="", meta={})
    return Packing(Shards(folder), length, BOUNDARY, places)


@pytest.fixture
def packing(tmp_path):
    chance = np.random.default_rng(0)
    return packed([chance.integers(0, WORDS, chance.integers(1, 90)).tolist() for _ in range(200)], tmp_path / "s")


@pytest.fixture
def model():
    shape = {"vocab_size": 200, "width": 16, "depth": 2, "heads": 2, "kv_heads": 1, "head_size": 8, "ffn_width": 32}
    return randomised(LanguageModel(TrunkConfig(**shape, max_positions=64)).initialise(0)).double()


def put_back(prefix, written):
    """The text, of a prefix without its boundary and of what is written without its boundary."""
    found, span = {}, []
    for token in written:
        if token >= 100:
            span = found.setdefault(token, [])
        else:
            span.append(token)
    return [t for token in prefix for t in (found[token] if token >= 100 else [token])]


@given(size=st.integers(1, 700), seed=st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_what_is_taken_out_and_what_is_left_are_the_text(size, seed):
    tokens = noise((size,), seed)
    ids = (tokens * WORDS).astype(np.int64)
    before, after = CORRUPTION.cut(ids, noise((CHANNELS, size), seed, 1))
    assert (before[0], after[-1]) == (BOUNDARY, BOUNDARY)
    assert put_back(before[1:].tolist(), after[:-1].tolist()) == ids.tolist()
    count = np.array(size)
    assert (after[:-1] < 100).sum() == hidden_tokens(count)
    assert after[after >= 100].tolist() == SENTINELS[: int(spans(count))].tolist(), "in order, each once"
    assert len(before) + len(after) - 1 == places(count), "the room that the packing leaves"
    written = "".join("s" if t >= 100 else "w" for t in after[:-1])
    shown = "".join("s" if t >= 100 else "w" for t in before[1:])
    assert "ss" not in written + "s", "no span is empty"
    assert "ss" not in shown, "between two spans there is a token"


def test_15_percent_in_spans_of_3():
    n = np.array(512)
    assert hidden_tokens(n) / n == pytest.approx(0.15, abs=0.002)
    assert hidden_tokens(n) / spans(n) == pytest.approx(3, abs=0.1)


def test_every_sum_is_as_likely():
    """4 + 1, 3 + 2, 2 + 3, 1 + 4: each a quarter of the time."""
    firsts = [int(composition(5, 2, noise((4,), seed))[0]) for seed in range(2000)]
    counts = np.bincount(firsts, minlength=5)[1:]
    assert counts.sum() == 2000
    assert abs(counts - 500).max() < 90


def test_every_place_is_about_as_likely_to_be_taken_out():
    """The ends too: T5's own code always takes the last token and never the first."""
    taken = np.zeros(60)
    for seed in range(1500):
        before, _ = CORRUPTION.cut(np.arange(60), noise((CHANNELS, 60), seed))
        taken[np.setdiff1d(np.arange(60), before)] += 1
    shares = taken / 1500
    assert shares.mean() == pytest.approx(0.15)
    assert 0.03 < shares.min() < shares.max() < 0.25


def test_every_piece_of_a_row_is_there_in_both_halves(packing):
    rows = np.arange(packing.rows)
    clean, found = packing.batch(rows), CORRUPTION(packing.batch(rows), noise((CHANNELS, packing.rows, 64), 0))
    assert found.prefix is not None
    for b in range(packing.rows):
        for number in range(int(clean.documents[b].max()) + 1):
            piece = clean.targets[b][(clean.documents[b] == number) & (clean.targets[b] != BOUNDARY)].tolist()
            here = found.documents[b] == number
            prefix, targets = found.inputs[b][here & found.prefix[b]], found.targets[b][here]
            written = targets[targets != IGNORE]
            assert put_back(prefix[1:].tolist(), written[:-1].tolist()) == piece
            assert found.positions[b][here].tolist() == list(range(int(here.sum())))
    assert found.learnable == (found.targets != IGNORE).sum()
    assert torch.equal(found.targets[found.documents == PADDING].unique(), torch.tensor([IGNORE]))


def test_a_batch_is_a_function_of_data_seed_and_number(packing):
    def make():
        return corrupted(Batches(packing, 4, 3).batch, CORRUPTION, 3)

    forwards, other = [make()(i).inputs for i in range(4)], make()
    for i in reversed(range(4)):
        assert torch.equal(other(i).inputs, forwards[i])


def test_documents_of_held_out_rows_are_known_though_their_pieces_have_moved(packing):
    rows = CorruptedRows(packing, CORRUPTION)
    numbers = np.arange(packing.rows)
    batch, documents = rows.batch(numbers), rows.documents_of(numbers)
    for b, place in np.argwhere(batch.documents.numpy() == PADDING)[:50]:
        assert documents[b, place] == PADDING
    shown = (batch.prefix & (batch.inputs < BOUNDARY)).numpy()
    for b, place in np.argwhere(shown)[::97]:
        assert int(batch.inputs[b, place]) in packing.shards.document(int(documents[b, place])).tolist()


def test_no_place_sees_what_it_is_to_write_nor_what_comes_after(packing, model):
    """The gradient of each place's output reaches the prefix of its own piece, and of the rest what came before."""
    rows = [i for i in range(packing.rows) if int(packing.batch(np.array([i])).documents.max()) >= 1]
    batch = CORRUPTION(packing.batch(np.array(rows[:1])), noise((CHANNELS, 1, 64), 0))
    embedded = model.embedding(batch.inputs, batch.positions).detach().requires_grad_()
    hidden = model.trunk(embedded, batch.positions, prefix_first(batch))[0]
    documents, prefix = batch.documents[0], batch.prefix[0]
    for place in range(int((documents >= 0).sum())):
        (gradient,) = torch.autograd.grad(hidden[place].sum(), embedded, retain_graph=True)
        allowed = (documents == documents[place]) & (prefix | (torch.arange(64) <= place))
        assert torch.equal(gradient[0].abs().sum(-1) > 0, allowed)


def test_packed_pieces_have_the_loss_of_pieces_alone(tmp_path, model):
    texts = [np.random.default_rng(i).integers(0, WORDS, 12).tolist() for i in range(6)]
    several, alone = packed(texts, tmp_path / "several", 64), packed(texts, tmp_path / "alone", 16)
    assert (several.rows, alone.rows) == (2, 6)
    one = CORRUPTION(several.batch(np.arange(2)), noise((CHANNELS, 2, 64), 0))
    parts = []
    for b in range(2):
        for number in range(int(one.documents[b].max()) + 1):
            here = one.documents[b] == number
            parts.append(
                replace(
                    one,
                    inputs=one.inputs[b : b + 1, here],
                    targets=one.targets[b : b + 1, here],
                    positions=one.positions[b : b + 1, here],
                    documents=torch.zeros_like(one.documents[b : b + 1, here]),
                    prefix=one.prefix[b : b + 1, here],
                    learnable=int((one.targets[b, here] != IGNORE).sum()),
                )
            )
    assert len(parts) == 6
    losses = [prefix_token(model, part) for part in parts]
    mean = sum(loss.value * loss.weight for loss in losses) / one.learnable
    assert prefix_token(model, one).value.item() == pytest.approx(mean.item(), abs=1e-12)


def test_passes_add_up_to_the_whole_batch(packing, model):
    batch = CORRUPTION(packing.batch(np.arange(9)), noise((CHANNELS, 9, 64), 0))
    losses = [prefix_token(model, part) for part in batch.split(2)]
    mean = sum(loss.value.item() * loss.weight for loss in losses) / batch.learnable
    assert prefix_token(model, batch).value.item() == pytest.approx(mean, abs=1e-12)


def test_a_tokenizer_gets_sentinels_and_cuts_texts_as_before(tokenizer):
    extended = with_spans(tokenizer)
    text = "The cat <|span_0|> sat on the mat."
    assert extended.encode(text) == tokenizer.encode(text)
    assert len(span_ids(extended)) == SPANS
    assert span_ids(tokenizer) == []
    assert with_spans(extended) is extended
