"""Attention masks as values: which key each query may see. Masks combine with `&`: what both allow.

    Mask.causal() & Mask.documents(ids)        packed training rows: backwards, and only inside one document
    Mask.documents(attention_mask - 1)         an encoder's padded batch (1 = token, 0 = padding)

A mask speaks of slots, the places of tokens in a sequence (0, 1, 2 ...), and not of RoPE positions, which may restart
in the middle of a packed row. Left out: additive biases (ALiBi), and kernels; the trunk decides how a mask is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from onward.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Causal:
    """No query sees a later key."""

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        return keys <= queries


@dataclass(frozen=True, eq=False)
class Prefix:
    """All see the first `lengths[b]` keys; beyond them, only what came before (prefix LM; T5, arXiv 1910.10683)."""

    lengths: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        return (keys < self.lengths[:, None, None]) | (keys <= queries)


@dataclass(frozen=True, eq=False)
class Prefixes:
    """All see the keys that are marked; beyond them, only what came before: prefixes anywhere in a row of packed texts."""

    marked: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        slots = keys.squeeze(1)
        rows, last = max(slots.shape[0], self.marked.shape[0]), self.marked.shape[1] - 1
        slots, marked = slots.expand(rows, -1), self.marked.expand(rows, -1)
        seen = (slots <= last) & marked.gather(1, slots.clamp(max=last))
        return seen[:, None, :] | (keys <= queries)


@dataclass(frozen=True, eq=False)
class Open:
    """Causal, but from slot `first[b]` on all see the keys below `end[b]`: a block that is written together, after what is settled."""

    first: Tensor
    end: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        first, end = self.first[:, None, None], self.end[:, None, None]
        return (keys <= queries) | ((queries >= first) & (keys < end))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Two copies of a text in one row, as it is and with tokens hidden: for learning all blocks at once (arXiv 2503.09573, section 3.1).

    places: where in its text each slot is.   starts: of the hidden copy, the place where its block begins; of the other, place + 1. A slot
    sees the places before its start as they are; and a hidden one all of its own block.
    """

    places: Tensor
    starts: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        queries, keys = queries.squeeze(2), keys.squeeze(1)
        own, start = (_at(each, queries)[:, :, None] for each in (self.places, self.starts))
        place, other = (_at(each, keys)[:, None, :] for each in (self.places, self.starts))
        return torch.where(other > place, place < start, (other == start) & (start <= own))


def _at(values: Tensor, slots: Tensor) -> Tensor:
    rows = max(slots.shape[0], values.shape[0])
    return values.expand(rows, -1).gather(1, slots.expand(rows, -1))


@dataclass(frozen=True, eq=False)
class Window:
    """A query sees keys less than `size` slots away; with a causal mask, itself and the `size - 1` before it."""

    size: int

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        return (queries - keys).abs() < self.size


@dataclass(frozen=True, eq=False)
class Documents:
    """A query sees the keys of its own document; a negative id is padding, which nobody sees."""

    ids: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        of_queries, of_keys = self._ids_of(queries.squeeze(2))[:, :, None], self._ids_of(keys.squeeze(1))[:, None, :]
        return (of_queries == of_keys) & (of_keys >= 0)

    def _ids_of(self, slots: Tensor) -> Tensor:
        """Slots that lie past the ids, such as a cache's empty ones, count as padding."""
        rows = max(slots.shape[0], self.ids.shape[0])
        slots, ids = slots.expand(rows, -1), self.ids.expand(rows, -1)
        last = ids.shape[1] - 1
        return torch.where(slots <= last, ids.gather(1, slots.clamp(max=last)), -1)


@dataclass(frozen=True, eq=False)
class Branches:
    """All see what lies before slot `begins[b]`; from there on, query q sees key k where `seen[b, q, k]` says so, both counted from it."""

    begins: Tensor
    seen: Tensor

    def allows(self, queries: Tensor, keys: Tensor) -> Tensor:
        begins, last = self.begins[:, None, None], self.seen.shape[1] - 1
        query, key = queries - begins, keys - begins
        rows = torch.arange(len(self.begins), device=begins.device)[:, None, None]
        return (key < 0) | (self.seen[rows, query.clamp(0, last), key.clamp(0, last)] & (key <= last))


Rule = Causal | Prefix | Prefixes | Open | Blocks | Window | Documents | Branches


@dataclass(frozen=True, eq=False)
class Mask:
    """Rules that must all allow a key; no rule at all is the full mask. A query always sees itself."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def full(cls) -> Mask:
        """Everybody sees everybody."""
        return cls()

    @classmethod
    def causal(cls) -> Mask:
        """No query sees a later key."""
        return cls((Causal(),))

    @classmethod
    def prefix(cls, lengths: Tensor) -> Mask:
        """Causal, but the first `lengths[b]` slots of sequence b see each other fully.   lengths: (B,) int64."""
        return cls((Prefix(lengths),))

    @classmethod
    def prefixes(cls, marked: Tensor) -> Mask:
        """Causal, but everybody sees the marked slots; with `documents`, everybody of the same document, so that each
        of several texts packed in a row has a prefix of its own.   marked: (B|1, T) bool."""
        return cls((Prefixes(marked),))

    @classmethod
    def open(cls, first: Tensor, end: Tensor) -> Mask:
        """Causal, but the slots from `first[b]` on see all those below `end[b]`.   first, end: (B,) int64."""
        return cls((Open(first, end),))

    @classmethod
    def blocks(cls, places: Tensor, starts: Tensor) -> Mask:
        """A text beside a copy of it with tokens hidden block by block: see `Blocks`.   places, starts: (B|1, T) int64."""
        return cls((Blocks(places, starts),))

    @classmethod
    def window(cls, size: int) -> Mask:
        """Keys less than `size` slots away, on both sides; combine with `causal` for the usual sliding window."""
        if size < 1:
            raise ConfigError(
                f"a sliding window must hold at least the token itself, so its size is 1 or more, not {size}"
            )
        return cls((Window(size),))

    @classmethod
    def documents(cls, ids: Tensor) -> Mask:
        """Keys of the query's own document.   ids: (B|1, T) int64, a number per document, negative for padding."""
        return cls((Documents(ids),))

    @classmethod
    def branches(cls, begins: Tensor, seen: Tensor) -> Mask:
        """Causal, up to a tree of tokens in the last slots, each of which sees those that lead to it.   begins: (B,) int64, where the tree
        begins; seen: (B, T, T) bool."""
        return cls((Branches(begins, seen),))

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.rules + other.rules)

    @property
    def is_full(self) -> bool:
        return len(self.rules) == 0  # torch.compile cannot trace the truth of a tuple

    @property
    def is_causal(self) -> bool:
        """Whether this is the plain causal mask, for which attention kernels have a short cut."""
        return len(self.rules) > 0 and all(isinstance(rule, Causal) for rule in self.rules)

    def within(self, keys: int) -> Mask:
        """The same mask for sequences of at most `keys` slots: a window that holds them all says nothing."""
        return Mask(tuple(rule for rule in self.rules if not (isinstance(rule, Window) and rule.size >= keys)))

    def allowed(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Which query may see which key.   queries: (B|1, T) and keys: (B|1, S), int64.   Returns (B|1, T, S) bool."""
        queries, keys = queries[:, :, None], keys[:, None, :]
        seen = torch.ones_like(queries == keys)
        for rule in self.rules:
            seen = seen & rule.allows(queries, keys)
        return seen | (queries == keys)
