"""Masks as values: each against its own definition, written out pair by pair."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import ConfigError
from onward.model.masks import Mask

T = 7
SLOTS = torch.arange(T)[None]
IDS = torch.tensor([[0, 0, 0, 1, 1, -1, -1], [-1, -1, 3, 3, 3, 3, 3]])
MARKED = torch.tensor([[1, 1, 0, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0, 1]]).bool()


def by_definition(rule) -> torch.Tensor:
    return torch.tensor([[[rule(b, q, k) or q == k for k in range(T)] for q in range(T)] for b in range(2)])


DEFINITIONS = {
    "full": (Mask.full(), lambda _b, _q, _k: True),
    "causal": (Mask.causal(), lambda _b, q, k: k <= q),
    "window": (Mask.window(3), lambda _b, q, k: abs(q - k) < 3),
    "prefix": (Mask.prefix(torch.tensor([2, 5])), lambda b, q, k: k <= q or k < (2, 5)[b]),
    "prefixes": (Mask.prefixes(MARKED), lambda b, q, k: k <= q or bool(MARKED[b, k])),
    "documents": (Mask.documents(IDS), lambda b, q, k: bool(IDS[b, q] == IDS[b, k] >= 0)),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_mask_allows_what_its_definition_says(name):
    mask, rule = DEFINITIONS[name]
    assert torch.equal(mask.allowed(SLOTS, SLOTS).expand(2, T, T), by_definition(rule))


@pytest.mark.parametrize("one", DEFINITIONS)
@pytest.mark.parametrize("other", DEFINITIONS)
def test_combined_masks_allow_what_both_allow(one, other):
    (mask, rule), (other_mask, other_rule) = DEFINITIONS[one], DEFINITIONS[other]
    allowed = (mask & other_mask).allowed(SLOTS, SLOTS).expand(2, T, T)
    assert torch.equal(allowed, by_definition(lambda b, q, k: rule(b, q, k) and other_rule(b, q, k)))


@given(
    documents=st.lists(st.integers(-2, 3), min_size=T, max_size=T),
    window=st.integers(1, 9),
    prefix=st.integers(0, 9),
    parts=st.sets(st.sampled_from(["causal", "window", "prefix", "documents"])),
)
@settings(max_examples=60, deadline=None)
def test_every_query_sees_itself_whatever_is_combined(documents, window, prefix, parts):
    """A row of the mask without a single key would make softmax divide by zero."""
    made = {
        "causal": Mask.causal(),
        "window": Mask.window(window),
        "prefix": Mask.prefix(torch.tensor([prefix])),
        "documents": Mask.documents(torch.tensor([documents])),
    }
    mask = Mask.full()
    for part in sorted(parts):
        mask = mask & made[part]
    assert mask.allowed(SLOTS, SLOTS).diagonal(dim1=1, dim2=2).all()


def test_padding_is_seen_by_nobody_but_itself():
    seen = Mask.documents(IDS).allowed(SLOTS, SLOTS)
    padding = IDS < 0
    others = seen & ~torch.eye(T, dtype=torch.bool)
    assert not others.transpose(1, 2)[padding].any()
    assert not others[padding].any()


def test_queries_of_different_places_in_one_batch_see_their_own_past():
    queries, keys = torch.tensor([[2], [5]]), torch.arange(8)[None]
    assert Mask.causal().allowed(queries, keys).sum(-1).tolist() == [[3], [6]]


def test_slots_past_the_documents_are_padding():
    keys = torch.arange(T + 3)[None]
    seen = Mask.documents(IDS).allowed(SLOTS, keys)
    assert torch.equal(seen[:, :, :T], Mask.documents(IDS).allowed(SLOTS, SLOTS))
    assert not seen[:, :, T:].any()


def test_slots_past_the_marked_ones_are_no_prefix():
    keys = torch.arange(T + 3)[None]
    seen = Mask.prefixes(MARKED).allowed(SLOTS, keys)
    assert torch.equal(seen[:, :, :T], Mask.prefixes(MARKED).allowed(SLOTS, SLOTS))
    assert not seen[:, :, T:].any()


def test_a_prefix_of_a_row_and_the_same_places_marked_are_one_mask():
    lengths = torch.tensor([2, 5])
    marked = lengths[:, None] > SLOTS
    assert torch.equal(Mask.prefix(lengths).allowed(SLOTS, SLOTS), Mask.prefixes(marked).allowed(SLOTS, SLOTS))


def test_a_window_that_holds_the_whole_sequence_says_nothing():
    mask = Mask.causal() & Mask.window(T)
    assert mask.within(T).is_causal
    assert not mask.within(T + 1).is_causal
    assert torch.equal(mask.allowed(SLOTS, SLOTS), Mask.causal().allowed(SLOTS, SLOTS))


def test_plain_masks_are_known_as_such():
    assert Mask.full().is_full
    assert Mask.causal().is_causal
    assert (Mask.causal() & Mask.full() & Mask.causal()).is_causal
    assert not (Mask.causal() & Mask.documents(IDS)).is_causal
    assert not Mask.prefix(torch.tensor([1])).is_causal


def test_a_window_without_room_for_the_token_itself_is_refused():
    with pytest.raises(ConfigError, match="0"):
        Mask.window(0)
