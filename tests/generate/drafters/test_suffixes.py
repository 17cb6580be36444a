import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from onward.generate.drafters.suffixes import sorted_contexts


@settings(deadline=None)
@given(
    some.lists(some.integers(0, 2), min_size=1, max_size=60),
    some.integers(1, 9),
    some.sampled_from([2, 300, 2**16, 2**31 - 2, 2**32 - 2]),
)
def test_places_are_sorted_by_what_stands_before_them(ids, depth, vocab_size):
    """Large vocabularies pack fewer tokens into a key, and need more rounds."""
    order = sorted_contexts(np.array(ids, dtype=np.uint32), vocab_size, depth).tolist()
    contexts = [ids[max(0, place - depth) : place][::-1] for place in order]
    assert sorted(order) == list(range(len(ids)))
    assert contexts == sorted(contexts)


@settings(deadline=None)
@given(some.integers(1, 40), some.integers(1, 8))
def test_places_that_cannot_be_told_apart_stay_in_their_order(size, depth):
    order = sorted_contexts(np.zeros(size, dtype=np.uint16), 1, depth)
    assert order.tolist() == list(range(size))
