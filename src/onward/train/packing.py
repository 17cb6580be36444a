"""Packing: documents of any length into rows of one length; and batches of rows, each a function of (data, seed, i).

Text is BOS-aligned: every piece of a document begins with the boundary token (`<|endoftext|>`) as its input, and
every token of the document, and the boundary that ends it, is a target exactly once an epoch. A conversation is one
piece and never cut in two. Short pieces share a row (best fit decreasing), where `documents` and `positions` keep
them apart. Left out: moving batches to a device ahead of time, and shares of a batch for several processes; both
belong to the loop that asks for batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onward.errors import DataError, PlanError
from onward.train.shards import Shards

IGNORE = -100  # the target that a loss leaves out, as torch.nn.functional.cross_entropy has it
PADDING = -1  # the document number of a place that holds nothing

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One row, (length,) int64 each: see Batch."""

    inputs: Ints
    targets: Ints
    positions: Ints
    documents: Ints


@dataclass(frozen=True)
class Batch:
    """Rows to train on, (B, length) int64 each.

    inputs: what the model sees.   targets: what comes next at each place; -100 where there is nothing to learn.
    positions: from 0 in every piece; padding, always at a row's end, counts on.
    documents: the number of the piece in its row; -1 is padding.   learnable: how many targets are not -100.
    single: no row holds two pieces, so that a plain causal mask and positions 0, 1, 2 ... give the same loss.
    prefix: bool, the places of each piece that all of the piece may see, such as a text to translate; None: nowhere.
    weights: what each target counts in the loss; None: 1.   starts: which places each one sees, where blocks of the text are hidden
    (`onward.model.masks.Blocks`). Where targets are weighed, their weights are what `learnable` counts.
    """

    inputs: Tensor
    targets: Tensor
    positions: Tensor
    documents: Tensor
    learnable: int
    single: bool
    prefix: Tensor | None = None
    weights: Tensor | None = None
    starts: Tensor | None = None

    @classmethod
    def of(
        cls,
        *,
        inputs: Tensor,
        targets: Tensor,
        positions: Tensor,
        documents: Tensor,
        prefix: Tensor | None = None,
        weights: Tensor | None = None,
        starts: Tensor | None = None,
    ) -> Batch:
        """A batch of these rows, with what follows from them counted."""
        learnable = int((targets != IGNORE).sum()) if weights is None else round(weights.sum().item())
        single = bool((documents <= 0).all())
        return cls(inputs, targets, positions, documents, learnable, single, prefix, weights, starts)

    def split(self, rows: int) -> list[Batch]:
        """The batch in parts of at most `rows` rows, in order."""
        return [self._part(first, first + rows) for first in range(0, len(self.inputs), rows)]

    def _part(self, first: int, end: int) -> Batch:
        return Batch.of(
            inputs=self.inputs[first:end],
            targets=self.targets[first:end],
            positions=self.positions[first:end],
            documents=self.documents[first:end],
            prefix=None if self.prefix is None else self.prefix[first:end],
            weights=None if self.weights is None else self.weights[first:end],
            starts=None if self.starts is None else self.starts[first:end],
        )

    def to(self, device: torch.device | str) -> Batch:
        return replace(
            self,
            inputs=self.inputs.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
            positions=self.positions.to(device, non_blocking=True),
            documents=self.documents.to(device, non_blocking=True),
            prefix=None if self.prefix is None else self.prefix.to(device, non_blocking=True),
            weights=None if self.weights is None else self.weights.to(device, non_blocking=True),
            starts=None if self.starts is None else self.starts.to(device, non_blocking=True),
        )


class Rows(Protocol):
    """Rows that something can be measured on: those of a packing, as they are or corrupted."""

    @property
    def shards(self) -> Shards: ...
    @property
    def length(self) -> int: ...
    @property
    def rows(self) -> int: ...
    def batch(self, rows: Ints) -> Batch: ...
    def documents_of(self, rows: Ints) -> Ints: ...


class Packing:
    """How the documents of some shards lie in rows of `length` targets: a function of the two, without chance.

    Text: a document of n tokens has n + 1 targets, its tokens and then `boundary_id`, cut into pieces of at most
    `length`. The inputs of a piece are `boundary_id` and its targets but the last. Models made elsewhere may end a
    document with another token than begins it: `end_id`.
    Conversations (shards with learn masks): inputs ids[:-1], targets ids[1:] where learn says so, else -100. One
    longer than `length` + 1 tokens is truncated; with nothing to learn in what is left, it is dropped.
    places: how many places in a row a piece of n targets of text needs, n or more and rising with n, where something
    will be added to it later; by default n.

    rows: how many.   targets: what there is to learn in an epoch.   padding_share: places that hold nothing, 0 to 1.
    truncated, dropped: conversations, counted; one that is dropped is not counted as truncated as well.
    Raises PlanError (an impossible length), DataError (a boundary outside the vocabulary; nothing to learn at all).
    """

    def __init__(
        self,
        shards: Shards,
        length: int,
        boundary_id: int,
        places: Callable[[Ints], Ints] | None = None,
        *,
        end_id: int | None = None,
    ) -> None:
        if length < 1:
            raise PlanError(f"rows of {length} tokens cannot be trained on. Choose a --length of at least 1.")
        if not 0 <= boundary_id < shards.vocab_size:
            raise DataError(
                f"{shards.folder}: the boundary token {boundary_id} is outside their vocabulary of "
                f"{shards.vocab_size:,}; they were made with another tokenizer. Make the shards again."
            )
        self.shards, self.length, self.boundary_id = shards, length, boundary_id
        self.end_id = boundary_id if end_id is None else end_id
        self.truncated = self.dropped = 0
        if shards.masked:
            document, start, size, self.targets = self._conversations()
        else:
            document, start, size = self._texts(length if places is None else _most(places, length))
            self.targets = int(size.sum())
        taken = size if places is None else places(size)
        rows = best_fit_decreasing(taken, length)
        order = np.argsort(rows, kind="stable")
        self._document, self._start, self._size = document[order], start[order], size[order]
        self._pieces = np.concatenate([[0], np.cumsum(np.bincount(rows))])  # row i: pieces [i] to [i + 1]
        self.rows = len(self._pieces) - 1
        self.padding_share = 1 - int(taken.sum()) / (self.rows * length)

    def _texts(self, most: int) -> tuple[Ints, Ints, Ints]:
        """Every piece of every text: its document, where among the document's targets it starts, how many it has."""
        targets = self.shards.lengths + 1
        pieces = -(-targets // most)
        document = np.repeat(np.arange(len(pieces)), pieces)
        before = np.cumsum(pieces) - pieces
        start = (np.arange(len(document)) - before[document]) * most
        return document, start, np.minimum(most, targets[document] - start)

    def _conversations(self) -> tuple[Ints, Ints, Ints, int]:
        size = np.minimum(self.shards.lengths - 1, self.length)
        learnable = self.shards.learnable(np.ones_like(size), size + 1)
        document = np.flatnonzero(learnable)
        self.dropped = len(size) - len(document)
        self.truncated = int((self.shards.lengths[document] - 1 > self.length).sum())
        if len(document) == 0:
            raise DataError(
                f"none of the {len(size):,} conversations has an answer to learn from within {self.length} tokens. "
                "Raise --length, or look at the conversations."
            )
        return document, np.zeros_like(document), size[document], int(learnable.sum())

    def row(self, i: int) -> Row:
        if not 0 <= i < self.rows:
            raise IndexError(f"row {i} of {self.rows}")
        inputs, targets, positions, documents = self._fill(np.array([i]))
        return Row(inputs[0], targets[0], positions[0], documents[0])

    def batch(self, rows: Ints) -> Batch:
        """The rows of these numbers, (B,) int64, as one batch."""
        inputs, targets, positions, documents = self._fill(rows)
        return Batch.of(
            inputs=torch.from_numpy(inputs),
            targets=torch.from_numpy(targets),
            positions=torch.from_numpy(positions),
            documents=torch.from_numpy(documents),
        )

    def documents_of(self, rows: Ints) -> Ints:
        """Which document each place belongs to, counted over all the shards; -1 is padding.   rows: (B,).   Returns (B, length)."""
        documents = np.full((len(rows), self.length), PADDING, dtype=np.int64)
        for b, row in enumerate(rows):
            pieces = slice(self._pieces[row], self._pieces[row + 1])
            places = np.repeat(self._document[pieces], self._size[pieces])
            documents[b, : len(places)] = places
        return documents

    def _fill(self, rows: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """inputs, targets, positions, documents: (B, length) int64 each. All pieces are laid down at once; below, P counts the pieces
        and N the places that they fill."""
        shape = (len(rows), self.length)
        inputs = np.full(shape, self.boundary_id, dtype=np.int64)
        targets = np.full(shape, IGNORE, dtype=np.int64)
        documents = np.full(shape, PADDING, dtype=np.int64)
        first, counts = self._pieces[rows], self._pieces[rows + 1] - self._pieces[rows]  # (B,)
        row, number = np.repeat(np.arange(len(rows)), counts), _counted(counts)  # (P,)
        pieces = first[row] + number
        size = self._size[pieces]
        before = np.cumsum(size) - size
        begin = before - before[np.cumsum(counts) - counts][row]  # (P,): where in its row each piece begins
        place = _counted(size)  # (N,): in the piece
        at = np.repeat(row * self.length + begin, size) + place
        documents.flat[at] = np.repeat(number, size)
        positions = (
            np.arange(self.length) - begin[np.cumsum(counts) - 1][:, None]
        )  # as padding counts, from the last piece on
        positions.flat[at] = place
        inputs.flat[at], targets.flat[at] = self._tokens(pieces, size, place)
        return inputs, targets, positions, documents

    def _tokens(self, pieces: Ints, size: Ints, place: Ints) -> tuple[Ints, Ints]:
        """What goes in and what comes out at each place of some pieces: (N,) each."""
        document = np.repeat(self._document[pieces], size)
        if self.shards.masked:
            inputs, following = (self.shards.tokens_at(document, place + further) for further in (0, 1))
            return inputs, np.where(self.shards.learn_at(document, place + 1), following, IGNORE)
        number = np.repeat(self._start[pieces], size) + place  # of the target, among the document's
        last = self.shards.lengths[document]
        targets = self.shards.tokens_at(document, np.minimum(number, last - 1))
        targets[number == last] = self.end_id
        return np.where(place == 0, self.boundary_id, np.roll(targets, 1)), targets


def _counted(counts: Ints) -> Ints:
    """0, 1, ... up to each count, one run after the other.   counts: (N,).   Returns (sum of the counts,)."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _most(places: Callable[[Ints], Ints], length: int) -> int:
    """The targets of the longest piece that a row of `length` places takes."""
    most = int((places(np.arange(1, length + 1)) <= length).sum())
    if most < 1:
        raise PlanError(f"rows of {length} places are too short for any piece of text. Raise --length.")
    return most


def best_fit_decreasing(sizes: Ints, capacity: int) -> Ints:
    """The row of each piece: the longest first, each into the fullest row that still takes it, else into a new one.

    sizes: (N,) int64, 1 to capacity.   Returns (N,) int64, rows numbered from 0 as they were opened.
    Pieces of one size are placed together, so that the work grows with the different sizes and not with N.
    Source: best fit decreasing needs at most 11/9 of the fewest rows, plus 4 (Johnson 1973); packing for language
    models: arXiv 2404.10830.
    """
    row_of = np.empty(len(sizes), dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    distinct, counts = np.unique(sizes, return_counts=True)
    rooms = _Rooms(capacity)
    placed = 0
    for size, count in zip(distinct[::-1].tolist(), counts[::-1].tolist(), strict=True):
        pieces = order[placed : placed + count]
        placed += count
        while len(pieces):
            # A row that has taken a piece and still has room for the next is the fullest one, so each is filled up.
            room, rows = rooms.take(size, len(pieces))
            each = room // size
            chosen = np.repeat(rows, each)[: len(pieces)]
            row_of[pieces[: len(chosen)]] = chosen
            in_last = each - (len(rows) * each - len(chosen))
            rooms.give(room - each * size, rows[:-1])
            rooms.give(room - in_last * size, rows[-1:])
            pieces = pieces[len(chosen) :]
    return row_of


class _Rooms:
    """Rows that are not full, by how many places they have left."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.opened = capacity, 0
        self.rows: list[list[Ints]] = [[] for _ in range(capacity)]
        self.any = np.zeros(capacity, dtype=np.bool_)

    def take(self, size: int, pieces: int) -> tuple[int, Ints]:
        """The fullest rows that take `size` and have equal room, no more than `pieces` need; new ones where none
        does."""
        fitting = self.any[size:]
        room = size + int(fitting.argmax()) if fitting.any() else self.capacity
        wanted = -(-pieces // (room // size))
        if room == self.capacity:
            self.opened += wanted
            return room, np.arange(self.opened - wanted, self.opened)
        rows = self.rows[room].pop()
        self.give(room, rows[wanted:])
        self.any[room] = bool(self.rows[room])
        return room, rows[:wanted]

    def give(self, room: int, rows: Ints) -> None:
        if room and len(rows):
            self.rows[room].append(rows)
            self.any[room] = True


B_co = TypeVar("B_co", covariant=True)


class Numbered(Protocol[B_co]):
    """Rows, or other things to learn from, that are asked for by their numbers."""

    @property
    def rows(self) -> int: ...
    def batch(self, rows: Ints, /) -> B_co: ...


class Batches(Generic[B_co]):
    """Endless batches of `rows_per_batch` rows. Every epoch takes each row once, in an order of its own; a batch may
    begin in one epoch and end in the next. Nothing is remembered between batches: to go on after batch i, ask for
    batch i + 1."""

    def __init__(self, packing: Numbered[B_co], rows_per_batch: int, seed: int) -> None:
        if rows_per_batch < 1:
            raise PlanError(f"a batch of {rows_per_batch} rows is empty. Choose a --batch of at least one row.")
        if seed < 0:
            raise PlanError(f"the seed {seed} is negative. Choose a --seed from 0 on.")
        self.packing, self.rows_per_batch, self.seed = packing, rows_per_batch, seed
        self._orders: dict[int, Ints] = {}

    def batch(self, i: int) -> B_co:
        """Batch i, from 0: `rows_per_batch` rows, the same whenever and however often it is asked for."""
        if i < 0:
            raise IndexError(f"batch {i}: batches are counted from 0")
        places = np.arange(i * self.rows_per_batch, (i + 1) * self.rows_per_batch)
        epochs, places = np.divmod(places, self.packing.rows)
        return self.packing.batch(
            np.concatenate([self._order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])
        )

    def _order(self, epoch: int) -> Ints:
        if epoch not in self._orders:
            order = shuffled(self.packing.rows, self.seed, epoch)
            self._orders = {e: kept for e, kept in self._orders.items() if e == epoch - 1} | {epoch: order}
        return self._orders[epoch]


def shuffled(rows: int, seed: int, epoch: int) -> Ints:
    """A permutation of the rows, (rows,) int64. Made by sorting raw Philox numbers, a stream that numpy promises not to change; its
    own `permutation` may differ between versions, and a run that goes on would then see other rows."""
    noise = np.random.Philox(np.random.SeedSequence(seed, spawn_key=(epoch,)))
    return np.argsort(noise.random_raw(rows), kind="stable")


def held_out_rows(packing: Rows, rows_at_once: int, most_targets: int) -> Iterator[Ints]:
    """Every row's number once, `rows_at_once` at a time, until `most_targets` places have been taken; the last group may be smaller.

    In an order that mixes the documents, and is always the same: whatever is measured on, is a fair sample.
    """
    order = shuffled(packing.rows, seed=0, epoch=0)[: max(1, most_targets // packing.length)]
    for first in range(0, len(order), rows_at_once):
        yield order[first : first + rows_at_once]
