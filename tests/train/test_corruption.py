"""Masking: what is hidden, how often, how it is shown; and that it depends on nothing but (data, seed, i)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id, with_mask
from onward.train.corruption import CHANNELS, CorruptedRows, Masking, corrupted, noise
from onward.train.objectives import both_ways, masked_token
from onward.train.packing import IGNORE, PADDING, Batches, Packing
from onward.train.shards import Shards, write_shards
from onward.train.tasks import bert
from samples import randomised

BOUNDARY, MASK, WORDS = 98, 99, 98
MASKING = Masking(mask_id=MASK, boundary_id=BOUNDARY, ordinary=np.arange(WORDS))


@pytest.fixture
def packing(tmp_path):
    chance = np.random.default_rng(0)
    texts = [chance.integers(0, WORDS, chance.integers(1, 90)).tolist() for _ in range(600)]
    write_shards(((t, None, len(t)) for t in texts), tmp_path / "s", vocab_size=100, tokenizer_hash="", meta={})
    return Packing(Shards(tmp_path / "s"), 64, BOUNDARY)


def same(one, other):
    return all(torch.equal(getattr(one, n), getattr(other, n)) for n in ("inputs", "targets", "documents", "positions"))


def test_15_percent_are_hidden_of_which_80_10_10_are_masked_replaced_and_kept(packing):
    clean = packing.batch(np.arange(packing.rows))
    found = MASKING(clean, noise((CHANNELS, packing.rows, 64), 0, 1, 0))
    text = (clean.targets != IGNORE) & (clean.targets != BOUNDARY)
    hidden = found.targets != IGNORE
    assert not (hidden & ~text).any(), "neither boundaries nor padding are hidden"
    assert torch.equal(found.targets[hidden], clean.targets[hidden])
    in_row = text.sum(1)
    assert torch.equal(hidden.sum(1), torch.minimum(in_row, (0.15 * in_row.double()).round().long().clamp(min=1)))
    total = int(hidden.sum())
    masked, kept = found.inputs == MASK, found.inputs == clean.targets
    assert not (masked & ~hidden).any()
    # A random token is the true one once in WORDS times, and then looks like a kept one.
    shares = (int((hidden & masked).sum()), 0.8), (int((hidden & kept).sum()), 0.1 + 0.1 / WORDS)
    for count, share in shares:
        assert binomtest(count, total, share).pvalue > 0.001, (count / total, share)
    replaced = found.inputs[hidden & ~masked & ~kept]
    assert replaced.max() < WORDS
    assert len(replaced.unique()) > 0.8 * WORDS, "drawn from the whole vocabulary"


def test_every_place_is_as_likely_to_be_hidden(packing):
    """Row 0, in 2,000 corruptions: each of its tokens is hidden in 15 % of them."""
    clean = packing.batch(np.zeros(2000, dtype=np.int64))
    hidden = MASKING(clean, noise((CHANNELS, 2000, 64), 3, 1)).targets != IGNORE
    text = (clean.targets[0] != IGNORE) & (clean.targets[0] != BOUNDARY)
    counts = hidden.sum(0)[text]
    share = round(0.15 * int(text.sum())) / int(text.sum())
    assert (counts - 2000 * share).abs().max() < 4.5 * (2000 * share * (1 - share)) ** 0.5


def test_what_is_shown_of_the_rest_is_the_text_itself(packing):
    clean = packing.batch(np.arange(packing.rows))
    found = MASKING(clean, noise((CHANNELS, packing.rows, 64), 0, 1, 0))
    rest = (found.targets == IGNORE) & (clean.targets != IGNORE)
    assert torch.equal(found.inputs[rest], clean.targets[rest])
    assert torch.equal(found.documents, clean.documents)
    assert torch.equal(found.positions, clean.positions)
    assert found.learnable == (found.targets != IGNORE).sum()


def test_a_batch_is_a_function_of_data_seed_and_number(packing):
    def make(seed):
        return corrupted(Batches(packing, 8, seed).batch, MASKING, seed)

    forwards = [make(5)(i) for i in range(6)]
    backwards = make(5)
    for i in reversed(range(6)):
        assert same(backwards(i), forwards[i])
    assert not same(make(6)(0), forwards[0])


def test_a_row_is_hidden_otherwise_in_the_next_epoch(packing):
    """With as many rows in a batch as there are, batch 1 is the second epoch."""
    batch = corrupted(Batches(packing, packing.rows, 0).batch, MASKING, 0)
    clean = Batches(packing, packing.rows, 0).batch
    order = [np.lexsort(clean(i).targets.numpy().T) for i in (0, 1)]
    first, second = (batch(i).targets[order[i]] for i in (0, 1))
    assert torch.equal(clean(0).targets[order[0]], clean(1).targets[order[1]])
    agree = ((first != IGNORE) & (second != IGNORE)).sum() / (first != IGNORE).sum()
    assert 0.08 < agree < 0.25, "15 % of the hidden tokens are hidden again by chance"


def test_held_out_rows_are_corrupted_alike_in_every_company(packing):
    rows = CorruptedRows(packing, MASKING)
    together, alone = rows.batch(np.array([3, 7, 11])), rows.batch(np.array([7]))
    assert torch.equal(together.inputs[1:2], alone.inputs)
    assert torch.equal(together.targets[1:2], alone.targets)
    numbers = np.arange(packing.rows)
    assert np.array_equal(rows.documents_of(numbers), packing.documents_of(numbers))


def test_the_noise_is_what_it_was_when_runs_were_begun():
    """Another stream would give a run that goes on other batches than it would have had."""
    assert noise((3,), 7, 1, 2).tolist() == [0.627526127487406, 0.629401238299651, 0.09091250913410043]
    even = noise((100_000,), 0)
    assert 0 <= even.min() < even.max() < 1
    assert abs(even.mean() - 0.5) < 0.005


def test_documents_of_a_row_do_not_see_one_another(packing, tiny_encoder):
    """Changing all of one document changes nothing in the others, and something in its own."""
    batch = next(b for i in range(packing.rows) if int((b := packing.batch(np.array([i]))).documents.max()) >= 2)
    batch = MASKING(batch, noise((CHANNELS, 1, 64), 0))
    changed = batch.inputs.clone()
    second = batch.documents == 1
    changed[second] = (changed[second] + 1) % WORDS
    before, after = (tiny_encoder(ids, batch.positions, both_ways(batch)) for ids in (batch.inputs, changed))
    others = (batch.documents != 1) & (batch.documents != PADDING)
    assert torch.equal(before[others], after[others])
    assert (before[second] != after[second]).any(-1).all()


def test_a_place_sees_both_sides_of_its_document(packing, tiny_encoder):
    batch = packing.batch(np.array([0]))
    embedded = tiny_encoder.embedding(batch.inputs, batch.positions).detach().requires_grad_()
    hidden = tiny_encoder.trunk(embedded, batch.positions, both_ways(batch))
    hidden[0, 5].sum().backward()
    moved = embedded.grad[0].abs().sum(-1) > 0
    assert torch.equal(moved, (batch.documents[0] == batch.documents[0, 5]))


@pytest.fixture
def tiny_encoder():
    shape = TrunkConfig(
        vocab_size=100, width=16, depth=2, heads=2, kv_heads=2, head_size=8, ffn_width=32, max_positions=64
    )
    return randomised(LanguageModel(bert(shape)[1]).initialise(0)).double()


def test_packed_documents_have_the_loss_of_documents_alone(tmp_path, tiny_encoder):
    """The same hidden tokens, in rows that hold one document and in rows that hold several."""
    chance = np.random.default_rng(1)
    texts = [chance.integers(0, WORDS, 15).tolist() for _ in range(8)]
    write_shards(((t, None, 15) for t in texts), tmp_path / "p", vocab_size=100, tokenizer_hash="", meta={})
    packed, alone = (Packing(Shards(tmp_path / "p"), length, BOUNDARY) for length in (64, 16))
    rows = np.concatenate([[p for p in np.unique(packed.documents_of(np.array([r]))) if p >= 0] for r in range(2)])
    single = MASKING(alone.batch(np.arange(8)), noise((CHANNELS, 8, 16), 0))
    whole = packed.batch(np.arange(2))
    order = {int(d): r for r, d in enumerate(alone.documents_of(np.arange(8))[:, 0])}
    by_row = [order[int(d)] for d in rows]
    again = replace(
        whole,
        inputs=single.inputs[by_row].view(2, 64),
        targets=single.targets[by_row].view(2, 64),
        learnable=single.learnable,
    )
    losses = [masked_token(tiny_encoder, batch).value.item() for batch in (single, again)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-12)


def test_a_tokenizer_gets_a_mask_and_cuts_texts_as_before(tokenizer):
    extended = with_mask(tokenizer)
    text = "The cat <|mask|> sat on the mat."
    assert extended.encode(text) == tokenizer.encode(text), "typed, it is only text"
    assert mask_id(extended) == tokenizer.highest_id + 1
    assert with_mask(extended) is extended
    pieces = [("The cat ", False), (mask_id(extended), True), (" on", False)]
    assert extended.encode_pieces(pieces)[0] == [
        *tokenizer.encode("The cat"),
        mask_id(extended),
        *tokenizer.encode(" on"),
    ]
