import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.tree import Tree

IDS = some.lists(some.integers(0, 2), max_size=30)


def scanned(ids: list[int], shortest: int, longest: int, branches: int) -> list[int]:
    """The places after the longest earlier occurrence of the end of a text, by a plain scan, the latest first."""
    for size in range(min(longest, len(ids) - 1), shortest - 1, -1):
        found = [end for end in range(len(ids) - 1, size - 1, -1) if ids[end - size : end] == ids[-size:]]
        if found:
            return found[:branches]
    return []


def texts(tree: Tree) -> set[tuple[int, ...]]:
    return {tuple(tree.tokens[n] for n in tree.path(node)) for node in range(len(tree))}


@settings(deadline=None)
@given(IDS, some.integers(1, 3), some.integers(0, 4), some.integers(1, 3))
def test_the_index_finds_what_a_scan_finds(ids, shortest, more, branches):
    longest = shortest + more
    tree = Lookup(shortest, longest, branches).propose(ids, 100, Aim())
    places = scanned(ids, shortest, longest, branches)
    assert texts(tree) == {tuple(ids[place:end]) for place in places for end in range(place + 1, len(ids) + 1)}


@settings(deadline=None)
@given(some.lists(some.tuples(IDS, some.integers(0, 6), some.booleans()), max_size=12))
def test_what_it_remembers_changes_nothing(calls):
    """Texts that grow, that fall back, that are others, that are forgotten: as if each were looked at for the first time."""
    used = Lookup(1, 3, texts=2)
    before: list[int] = []
    for ids, k, grows in calls:
        text = before + ids if grows else ids
        fresh, again = Lookup(1, 3).propose(text, k, Aim()), used.propose(text, k, Aim())
        assert (fresh.tokens, fresh.parents) == (again.tokens, again.parents)
        if len(ids) % 3 == 0:
            used.forget(text)
        before = text


def test_places_that_go_on_differently_are_branches_and_the_latest_comes_first():
    tree = Lookup(shortest=2).propose([1, 2, 7, 0, 1, 2, 8, 5, 1, 2], 4, Aim())
    assert tree.tokens == [8, 7, 5, 0]
    assert tree.parents == [-1, -1, 0, 1]


def test_a_text_that_grows_costs_only_what_is_new():
    lookup, text = Lookup(), list(range(50))
    lookup.propose(text, 3, Aim())
    index = lookup._indexes[0]
    lookup.propose([*text, 4, 5], 3, Aim())
    assert lookup._indexes == [index]
    assert index.ids == [*text, 4, 5]


def test_texts_that_ended_are_forgotten_and_no_more_than_the_given_number_are_kept():
    lookup = Lookup(texts=3)
    for first in range(5):
        lookup.propose([first, 1, 2], 3, Aim())
    assert [index.ids[0] for index in lookup._indexes] == [2, 3, 4]
    lookup.forget([3, 1, 2, 9, 9])  # the last tokens of a text are never looked up
    assert [index.ids[0] for index in lookup._indexes] == [2, 4]


@pytest.mark.parametrize(("ids", "k"), [([], 5), ([1], 5), ([1, 2, 1, 2], 0), ([1, 2, 3], 5)])
def test_where_there_is_nothing_to_say_it_says_nothing(ids, k):
    assert len(Lookup().propose(ids, k, Aim())) == 0


def test_impossible_settings_are_refused_in_words():
    with pytest.raises(PlanError, match="shortest first"):
        Lookup(shortest=3, longest=2)
