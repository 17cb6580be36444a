"""The sorting behind the datastore: all places of a corpus, ordered by what stands before them.

That is the suffix array of the corpus read backwards, by prefix doubling (Manber and Myers 1993; only what is still tied is sorted again,
as in Larsson and Sadakane 2007), in numpy. It stops once `depth` tokens are told apart, as no lookup goes further: so a text copied a
thousand times costs no more rounds than any other. Left out: corpora larger than memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def sorted_contexts(ids: NDArray[np.unsignedinteger[Any]], vocab_size: int, depth: int) -> NDArray[np.int32]:
    """The places 0 .. n - 1 of `ids`, ordered by the token before each, then the one before that, and so on for `depth` tokens at least.

    The beginning of `ids` comes before every token. Places with the same `depth` tokens before them may be in any order, always the same.
    ids: (n,), n below 2**31, each at most vocab_size.   Returns (n,) int32. Takes about 30 bytes of memory a token.
    """
    keys, length = _packed(ids, vocab_size, depth)
    order = np.argsort(keys).astype(np.int32)
    keys = keys[order]
    new = np.concatenate([[True], keys[1:] != keys[:-1]])  # slots where a group of places with equal contexts begins
    del keys
    slots = np.arange(len(ids), dtype=np.int32)
    ranks = np.empty(len(ids), dtype=np.int32)  # of each place: the first slot of its group
    ranks[order] = np.maximum.accumulate(np.where(new, slots, 0))
    while True:
        slots = np.flatnonzero(~(new & np.append(new[1:], True))).astype(np.int32)  # of groups of two places and more
        if length >= depth or not len(slots):
            break
        places = order[slots]
        keys = _ranks_before(ranks, places, length)
        keys += ranks[places].astype(np.int64) << 32
        by = np.argsort(keys)
        keys, places = keys[by], places[by]
        del by
        order[slots] = places
        changed = np.concatenate([[True], keys[1:] != keys[:-1]])
        new[slots] = changed
        ranks[places] = np.maximum.accumulate(np.where(changed, slots, 0))
        length *= 2
    places = order[slots]  # the sort above leaves ties in an order that depends on the processor
    tied = (ranks[places].astype(np.int64) << 32) + places
    tied.sort()
    order[slots] = (tied & (2**32 - 1)).astype(np.int32)
    return order


def _packed(ids: NDArray[np.unsignedinteger[Any]], vocab_size: int, depth: int) -> tuple[NDArray[np.int64], int]:
    """As many tokens before each place as fit into 63 bits, the nearest highest, 0 before the beginning; and how many those are."""
    width = (vocab_size + 1).bit_length()
    length = max(1, min(depth, 63 // width))
    keys = np.zeros(len(ids), dtype=np.int64)
    for back in range(1, length + 1):
        keys <<= width
        keys[back:] += ids[:-back]
        keys[back:] += 1
    return keys, length


def _ranks_before(ranks: NDArray[np.int32], places: NDArray[np.int32], length: int) -> NDArray[np.int64]:
    """The ranks of the places `length` before these, counted from 1; 0 before the beginning."""
    before = ranks[np.maximum(places - length, 0)].astype(np.int64) + 1
    before[places < length] = 0
    return before
