import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from onward.generate.drafters.tree import Tree, merge


@some.composite
def trees(draw: some.DrawFn, most: int = 8, vocab: int = 4) -> Tree:
    tokens: list[int] = []
    parents: list[int] = []
    for _ in range(draw(some.integers(0, most))):
        parent = draw(some.integers(-1, len(tokens) - 1))
        free = set(range(vocab)) - {t for t, p in zip(tokens, parents, strict=True) if p == parent}
        if free:
            tokens.append(draw(some.sampled_from(sorted(free))))
            parents.append(parent)
    return Tree(tokens, parents)


def texts(tree: Tree) -> list[tuple[int, ...]]:
    """What each node says, from the text on."""
    return [tuple(tree.tokens[n] for n in tree.path(node)) for node in range(len(tree))]


@settings(deadline=None)
@given(trees())
def test_depth_mask_path_and_children_tell_the_same_story(tree):
    for node in range(len(tree)):
        path = tree.path(node)
        assert path[-1] == node
        assert len(path) == tree.depths[node] + 1
        assert np.flatnonzero(tree.mask[node]).tolist() == path
        assert [tree.parents[n] for n in path] == [-1, *path[:-1]]
    family = [child for parent in range(-1, len(tree)) for child in tree.children(parent)]
    assert sorted(family) == list(range(len(tree)))
    assert tree.mask.shape == (len(tree), len(tree))
    assert tree.mask.dtype == np.bool_


@settings(deadline=None)
@given(some.lists(trees(), max_size=4), some.integers(0, 12))
def test_a_merged_tree_says_what_its_parts_say_each_once_and_within_the_budget(parts, k):
    merged, places = merge(parts, k)
    said = texts(merged)
    assert len(set(said)) == len(said) <= k
    everything = {text for part in parts for text in texts(part)}
    assert set(said) <= everything
    assert len(said) == min(k, len(everything))
    for part, went in zip(parts, places, strict=True):
        for text, place in zip(texts(part), went, strict=True):
            assert (place is None and text not in said) or said[place] == text


def test_trees_take_turns():
    merged, _ = merge([Tree.chain([1, 2, 3]), Tree.chain([1, 9, 9]), Tree.chain([5, 6, 7])], 5)
    assert texts(merged) == [(1,), (5,), (1, 2), (1, 9), (5, 6)]


def test_chances_of_merged_trees_are_those_of_what_elder_siblings_left():
    even = np.full((1, 4), 0.25)
    merged, _ = merge([Tree([2], [-1]), Tree([0], [-1], even), Tree([3], [-1], even)], 3)
    assert merged.tokens == [2, 0, 3]
    assert merged.chances == pytest.approx(np.array([[0, 0, 1, 0], [1 / 3, 1 / 3, 0, 1 / 3], [0, 0.5, 0, 0.5]]))


@pytest.mark.parametrize(
    "nonsense",
    [
        ([1, 2], [-1]),
        ([1], [0]),
        ([1, 2], [1, -1]),
        ([1], [-2]),
        ([-1], [-1]),
        ([3, 3], [-1, -1]),
        ([0, 1, 2, 1], [-1, 0, 0, 0]),
        ([1], [-1], np.full(2, 0.5)),
        ([1], [-1], np.full((2, 2), 0.5)),
        ([2], [-1], np.full((1, 2), 0.5)),
        ([1], [-1], np.array([[0.5, 0.6]])),
        ([1], [-1], np.array([[1.5, -0.5]])),
        ([1], [-1], np.array([[1.0, 0.0]])),
        ([1], [-1], np.array([[np.nan, 1.0]])),
    ],
)
def test_nonsense_is_no_tree(nonsense):
    with pytest.raises(ValueError, match=r"\w"):
        Tree(*nonsense)


def test_nothing_is_a_tree():
    nothing = Tree([], [])
    assert len(nothing) == 0
    assert nothing.mask.shape == (0, 0)
    assert nothing.children(-1) == []
    assert len(merge([], 5)[0]) == len(merge([nothing], 5)[0]) == 0
