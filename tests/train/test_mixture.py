import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import DataError
from onward.train.measure import Measured
from onward.train.mixture import (
    PERIOD,
    MixedBatches,
    Part,
    corpora,
    joined,
    pattern,
    quotas,
    rows_in_a_pass,
    together,
)
from onward.train.packing import Batches, Packing
from onward.train.shards import Shards, write_shards


def packing(place, documents, first_id):
    """Documents of 8 tokens; each document's tokens are its own number, from `first_id` on."""
    found = (([first_id + i] * 7, None, 7) for i in range(documents))
    write_shards(found, place, vocab_size=300, tokenizer_hash="", meta={})
    return Packing(Shards(place), 8, 0)


@pytest.fixture
def parts(tmp_path):
    """60 documents of the ids 100 to 159 with a share of 0.7; 9 of the ids 200 to 208 with 0.3. A row is a document."""
    large, small = packing(tmp_path / "large", 60, 100), packing(tmp_path / "small", 9, 200)
    return [Part("large", 0.7, large, large), Part("small", 0.3, small, small)]


def documents_of(batch):
    return batch.targets[:, 0].tolist()


def test_weights_make_corpora_with_shares_that_add_up_to_one():
    found = corpora(["a/books.jsonl=7", "b/stories.txt=2", "hf:org/name=1"])
    assert [(one.name, one.texts, one.share) for one in found] == [
        ("books.jsonl", ("a/books.jsonl",), 0.7),
        ("stories.txt", ("b/stories.txt",), 0.2),
        ("name", ("hf:org/name",), 0.1),
    ]


def test_without_weights_all_texts_are_one_corpus():
    (only,) = corpora(["a.txt", "b.txt"])
    assert (only.name, only.texts, only.share) == ("", ("a.txt", "b.txt"), 1.0)


def test_a_file_whose_name_ends_like_a_weight_is_a_file(tmp_path):
    path = tmp_path / "lr=0.5"
    path.write_text("text")
    assert corpora([str(path)])[0].texts == (str(path),)
    first, second = corpora([f"{path}=0.25", "b.txt=0.75"])
    assert (first.texts, first.share) == ((str(path),), 0.25)
    assert second.share == 0.75


def test_files_of_the_same_name_keep_their_paths():
    assert [one.name for one in corpora(["a/x.txt=1", "b/x.txt=1"])] == ["a/x.txt", "b/x.txt"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a.txt=0.5", "b.txt"], "b.txt has no weight"),
        (["a.txt=0", "b.txt=1"], "above 0"),
        (["a.txt=0.00001", "b.txt=1"], "at least 0.0001"),
        (["a.txt=1", "a.txt=2"], "given twice"),
        (["a.txt=1e999", "b.txt=1"], "a weight is a number"),
    ],
)
def test_weights_that_cannot_be_are_one_line(given, words):
    with pytest.raises(DataError, match=words):
        corpora(given)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6))
def test_at_every_place_each_corpus_has_had_its_share_to_within_one_row(weights):
    of = quotas([weight / sum(weights) for weight in weights])
    turns = pattern(of)
    assert sum(of) == PERIOD
    places = np.arange(1, PERIOD + 1)
    for k, quota in enumerate(of):
        had = np.cumsum(turns == k)
        assert had[-1] == quota
        assert np.abs(had - places * quota / PERIOD).max() < 1


def test_rows_come_by_weight_and_each_corpus_goes_through_its_own_epochs(parts):
    batches = MixedBatches(parts, 10, seed=3)
    rows = [row for i in range(30) for row in documents_of(batches.batch(i))]
    small = [row for row in rows if row >= 200]
    assert len(small) == 90
    for epoch in range(10):
        assert sorted(small[9 * epoch : 9 * epoch + 9]) == list(range(200, 209))
    large = [row for row in rows if row < 200]
    assert sorted(large[:60]) == sorted(large[60:120]) == list(range(100, 160))
    assert large[:60] != large[60:120]


def test_a_batch_depends_on_its_number_and_the_seed_alone(parts):
    first, again, other = (MixedBatches(parts, 10, seed) for seed in (3, 3, 4))
    list(map(first.batch, range(4)))
    far = PERIOD // 10 * 3 + 7
    for i in (5, far):
        assert torch.equal(first.batch(i).inputs, again.batch(i).inputs)
        assert torch.equal(first.batch(i).targets, again.batch(i).targets)
    assert not torch.equal(first.batch(5).inputs, other.batch(5).inputs)


def test_a_corpus_comes_in_the_order_that_it_would_have_alone(parts):
    mixed = [row for i in range(12) for row in documents_of(MixedBatches(parts, 10, seed=3).batch(i)) if row < 200]
    alone = [row for i in range(9) for row in documents_of(Batches(parts[0].train, 10, 3).batch(i))]
    assert mixed[:80] == alone[:80]


def test_joined_batches_have_all_rows_and_all_that_is_learned(parts):
    one, other = Batches(parts[0].train, 3, 0).batch(0), Batches(parts[1].train, 2, 0).batch(0)
    both = joined([one, other])
    assert both.inputs.shape == (5, 8)
    assert both.learnable == one.learnable + other.learnable == int((both.targets != -100).sum())
    assert both.single


def test_a_pass_ends_when_the_corpus_that_comes_around_first_has_been_gone_through(parts):
    assert rows_in_a_pass(parts) == 30


def test_the_whole_is_the_mean_by_shares_with_an_interval_made_of_theirs():
    first = Measured(value=2.0, low=1.9, high=2.2, n=10)
    second = Measured(value=1.0, low=0.8, high=1.4, n=5)
    whole = together([(0.7, first), (0.3, second)])
    assert whole.value == pytest.approx(1.7)
    assert whole.low == pytest.approx(1.7 - np.hypot(0.07, 0.06))
    assert whole.high == pytest.approx(1.7 + np.hypot(0.14, 0.12))
    assert whole.n == 15
    of_one = Measured(value=1.0, low=None, high=None, n=1)
    assert together([(0.7, first), (0.3, of_one)]).low is None
