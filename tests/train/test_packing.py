"""Packing: every target once an epoch, pieces told apart, and batches that depend on no batch before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import DataError, PlanError
from onward.train.packing import IGNORE, Batch, Batches, Packing, best_fit_decreasing, held_out_rows
from onward.train.shards import Shards, write_shards

BOUNDARY = 99
Chat = tuple[list[int], list[bool]]
Piece = tuple[tuple[int, ...], tuple[int, ...]]  # inputs, targets


def shards_of(texts: list[list[int]], folder: str | Path, shard_tokens: int = 50) -> Shards:
    return shards_from([(ids, None, len(ids)) for ids in texts], folder, shard_tokens)


def shards_from(documents: list, folder: str | Path, shard_tokens: int = 50) -> Shards:
    path = Path(folder, "shards")
    write_shards(documents, path, vocab_size=100, tokenizer_hash="", meta={}, shard_tokens=shard_tokens)
    return Shards(path)


def texts(most: int = 30) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, 98), min_size=1, max_size=most), min_size=1, max_size=15)


def chats() -> st.SearchStrategy[list[Chat]]:
    pairs = st.lists(st.tuples(st.integers(0, 98), st.booleans()), min_size=1, max_size=20)
    return st.lists(pairs.map(lambda pairs: ([i for i, _ in pairs], [m for _, m in pairs])), min_size=1, max_size=15)


def pieces_of(packing: Packing) -> Counter[Piece]:
    """Every piece of every row, told apart by its document number; checks on the way how rows are laid out."""
    found: Counter[Piece] = Counter()
    for i in range(packing.rows):
        row = packing.row(i)
        padding = row.documents == -1
        assert not padding.any() or padding[padding.argmax() :].all(), "padding is at the end"
        assert (row.targets[padding] == IGNORE).all()
        numbers = row.documents[~padding]
        assert np.isin(np.diff(numbers, prepend=0), (0, 1)).all(), "numbers count up from 0, without gaps"
        for number in range(numbers[-1] + 1):
            here = row.documents == number
            assert row.positions[here].tolist() == list(range(here.sum())), "positions restart in every piece"
            found[tuple(row.inputs[here].tolist()), tuple(row.targets[here].tolist())] += 1
    return found


def pieces_by_the_rule(ids: list[int], length: int) -> list[Piece]:
    """The rule, spelt out: a piece begins with the boundary, and predicts its own tokens; the last, then the boundary."""
    targets = [*ids, BOUNDARY]
    cuts = [targets[at : at + length] for at in range(0, len(targets), length)]
    return [((BOUNDARY, *cut[:-1]), tuple(cut)) for cut in cuts]


@given(documents=texts(), length=st.integers(1, 20), shard_tokens=st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_every_token_of_every_text_is_a_target_once_in_its_own_context(
    documents: list[list[int]], length: int, shard_tokens: int
) -> None:
    with TemporaryDirectory() as folder:
        packing = Packing(shards_of(documents, folder, shard_tokens), length, BOUNDARY)
        assert pieces_of(packing) == Counter(p for ids in documents for p in pieces_by_the_rule(ids, length))
        assert packing.targets == sum(len(ids) + 1 for ids in documents)
        assert packing.padding_share == pytest.approx(1 - packing.targets / (packing.rows * length))
        assert (packing.truncated, packing.dropped) == (0, 0)


@given(conversations=chats(), length=st.integers(1, 20), shard_tokens=st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_a_conversation_is_one_piece_and_only_what_is_learned_is_a_target(
    conversations: list[Chat], length: int, shard_tokens: int
) -> None:
    expected: Counter[Piece] = Counter()
    truncated = 0
    for ids, learn in conversations:
        targets = [i if m else IGNORE for i, m in zip(ids[1:], learn[1:], strict=True)][:length]
        if any(target != IGNORE for target in targets):
            expected[tuple(ids[:-1][:length]), tuple(targets)] += 1
            truncated += len(ids) - 1 > length
    with TemporaryDirectory() as folder:
        shards = shards_from([(ids, learn, 0) for ids, learn in conversations], folder, shard_tokens)
        if not expected:
            with pytest.raises(DataError, match="has an answer to learn from"):
                Packing(shards, length, BOUNDARY)
            return
        packing = Packing(shards, length, BOUNDARY)
        assert pieces_of(packing) == expected
        assert packing.dropped == len(conversations) - expected.total()
        assert packing.truncated == truncated
        assert packing.targets == sum(target != IGNORE for _, targets in expected.elements() for target in targets)


def best_fit_by_the_book(sizes: list[int], capacity: int) -> list[int]:
    """How full each row ends up, one piece at a time."""
    rows: list[int] = []
    for size in sorted(sizes, reverse=True):
        fitting = [row for row, full in enumerate(rows) if full + size <= capacity]
        if fitting:
            rows[max(fitting, key=rows.__getitem__)] += size
        else:
            rows.append(size)
    return rows


@given(data=st.data(), capacity=st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_placing_equal_pieces_together_is_still_best_fit_decreasing(data: st.DataObject, capacity: int) -> None:
    sizes = data.draw(st.lists(st.integers(1, capacity), min_size=1, max_size=60))
    rows = best_fit_decreasing(np.array(sizes, dtype=np.int64), capacity)
    full = np.bincount(rows, weights=sizes).astype(int).tolist()
    assert sorted(full) == sorted(best_fit_by_the_book(sizes, capacity))
    assert max(full) <= capacity
    assert all(a + b > capacity for a, b in combinations(full, 2)), "no two rows fit into one"


def test_texts_of_mixed_lengths_leave_hardly_any_padding() -> None:
    sizes = np.minimum(np.random.default_rng(0).lognormal(5, 1.2, 20_000).astype(np.int64) + 1, 1024)
    rows = best_fit_decreasing(sizes, 1024)
    assert sizes.sum() / (1024 * (rows.max() + 1)) > 0.995


@pytest.fixture
def packing(tmp_path: Path) -> Packing:
    random = np.random.default_rng(3)
    return Packing(
        shards_of([random.integers(0, 98, n).tolist() for n in random.integers(1, 40, 50)], tmp_path), 16, BOUNDARY
    )


def same(one: Batch, other: Batch) -> bool:
    tensors = ("inputs", "targets", "positions", "documents")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in tensors)


def rows_of(batches: list[Batch]) -> Counter[bytes]:
    return Counter(row.numpy().tobytes() for batch in batches for row in batch.targets)


def test_a_batch_is_the_same_whenever_it_is_asked_for_and_after_opening_again(packing: Packing) -> None:
    forward = [Batches(packing, 7, seed=5).batch(i) for i in range(20)]
    again = Batches(Packing(Shards(packing.shards.folder), 16, BOUNDARY), 7, seed=5)
    assert all(same(again.batch(i), forward[i]) for i in (19, 0, 7, 7, 3, 18, 0))


@pytest.mark.parametrize("rows_per_batch", [1, 8, 1000])
def test_every_epoch_takes_every_row_once_though_batches_straddle_its_end(
    packing: Packing, rows_per_batch: int
) -> None:
    assert packing.rows % 8, "or no batch straddles"
    batches = Batches(packing, rows_per_batch, seed=0)
    taken = torch.cat([batches.batch(i).targets for i in range(-(-3 * packing.rows // rows_per_batch))])
    every = rows_of([packing.batch(rows) for rows in held_out_rows(packing, 4, 10**9)])
    epochs = taken[: 3 * packing.rows].split(packing.rows)
    assert [Counter(row.numpy().tobytes() for row in epoch) for epoch in epochs] == [every] * 3
    assert not torch.equal(epochs[0], epochs[1])


def test_another_seed_and_another_epoch_have_another_order(packing: Packing) -> None:
    orders = {
        tuple(Batches(packing, packing.rows, seed).batch(epoch).targets.flatten().tolist())
        for seed in (0, 1, 2**32, 2**64)
        for epoch in (0, 1, 2)
    }
    assert len(orders) == 12


def test_the_order_of_rows_is_the_same_on_every_version_of_numpy(tmp_path: Path) -> None:
    """Pinned: a run that goes on after an upgrade must see the rows it has not seen."""
    packing = Packing(shards_of([[i] for i in range(10)], tmp_path), 2, BOUNDARY)
    batch = Batches(packing, 10, seed=42).batch(1)
    assert batch.targets[:, 0].tolist() == [2, 5, 9, 7, 3, 6, 1, 4, 8, 0]


def test_held_out_rows_have_every_row_once(packing: Packing) -> None:
    batches = [packing.batch(rows) for rows in held_out_rows(packing, 4, 10**9)]
    inputs = torch.cat([batch.inputs for batch in batches])
    assert sorted(inputs.tolist()) == sorted(packing.row(i).inputs.tolist() for i in range(packing.rows))
    assert {len(batch.inputs) for batch in batches[:-1]} == {4}


def test_a_part_of_what_is_held_out_is_a_mixture_and_always_the_same(packing: Packing) -> None:
    first, again = (
        torch.cat([b.inputs for b in (packing.batch(rows) for rows in held_out_rows(packing, 2, 3 * packing.length))])
        for _ in range(2)
    )
    assert first.tolist() == again.tolist()
    assert len(first) == 3
    assert first.tolist() != [packing.row(i).inputs.tolist() for i in range(3)]


def test_a_batch_counts_what_can_be_learned_and_knows_when_rows_are_single(tmp_path: Path) -> None:
    single = Packing(shards_of([[1] * 7, [2] * 6], tmp_path / "a"), 8, BOUNDARY).batch(np.arange(2))
    shared = Packing(shards_of([[1] * 3, [2] * 3], tmp_path / "b"), 8, BOUNDARY).batch(np.arange(1))
    assert (single.single, single.learnable, single.positions.tolist()) == (True, 15, [list(range(8))] * 2)
    assert (shared.single, shared.learnable) == (False, 8)
    assert shared.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3]]
    assert all(t.dtype == torch.int64 for t in (single.inputs, single.targets, single.positions, single.documents))


def test_a_batch_split_into_parts_is_the_same_batch(packing: Packing) -> None:
    batch = packing.batch(np.arange(10))
    parts = batch.split(4)
    assert [len(part.inputs) for part in parts] == [4, 4, 2]
    for name in ("inputs", "targets", "positions", "documents"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))
    assert sum(part.learnable for part in parts) == batch.learnable == int((batch.targets != IGNORE).sum())
    alone = [packing.batch(np.array([row])).single for row in range(packing.rows)]
    assert {True, False} == set(alone)
    assert [part.single for part in packing.batch(np.arange(packing.rows)).split(1)] == alone


def test_a_row_shows_how_a_text_longer_than_it_is_cut(tmp_path: Path) -> None:
    packing = Packing(shards_of([[1, 2, 3, 4, 5]], tmp_path), 4, BOUNDARY)
    rows = [packing.row(i) for i in range(packing.rows)]
    assert [r.inputs.tolist() for r in rows] == [[99, 1, 2, 3], [99, 5, 99, 99]]
    assert [r.targets.tolist() for r in rows] == [[1, 2, 3, 4], [5, 99, -100, -100]]
    assert [r.documents.tolist() for r in rows] == [[0, 0, 0, 0], [0, 0, -1, -1]]


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (lambda p: Packing(p.shards, 0, BOUNDARY), PlanError, "--length"),
        (lambda p: Packing(p.shards, 8, 100), DataError, "boundary token 100 is outside their vocabulary of 100"),
        (lambda p: Packing(p.shards, 8, -1), DataError, "boundary token -1"),
        (lambda p: Batches(p, 0, 0), PlanError, "--batch"),
        (lambda p: Batches(p, 4, -1), PlanError, "--seed"),
    ],
)
def test_impossible_settings_are_refused_in_words(
    packing: Packing, make: Callable[[Packing], object], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        make(packing)


def test_rows_and_batches_that_are_not_there_are_index_errors(packing: Packing) -> None:
    for ask in (lambda: packing.row(-1), lambda: packing.row(packing.rows), lambda: Batches(packing, 2, 0).batch(-1)):
        with pytest.raises(IndexError):
            ask()
