from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.many import Earned, Many
from onward.generate.drafters.random import Random
from onward.generate.drafters.tree import Tree
from onward.generate.settings import Sampling


class Says(Drafter):
    """Always proposes the same tokens, and notes what it is told."""

    def __init__(self, *tokens: int) -> None:
        self.name = f"says {tokens}"
        self.tokens = tokens
        self.told: list[tuple[list[int], list[int]]] = []

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        del ids, aim
        return Tree.chain(self.tokens[:k])

    def observe(self, proposed: Tree, accepted: Sequence[int]) -> None:
        self.told.append((proposed.tokens, list(accepted)))


def ticking(step: float = 0.0) -> Callable[[], float]:
    """A clock that goes on by `step` seconds whenever it is read."""
    ticks = count()
    return lambda: next(ticks) * step


def test_everyone_is_credited_with_the_part_of_the_accepted_path_that_is_theirs():
    first, second, third = Says(1, 2, 3), Says(1, 5), Says(7)
    many = Many([first, second, third], clock=ticking(0.5))
    tree = many.propose([0], 10, Aim())
    assert tree.tokens == [1, 7, 2, 5, 3]
    assert tree.parents == [-1, -1, 0, 0, 2]
    many.observe(tree, [0, 2])
    assert (first.told, second.told, third.told) == ([([1, 2, 3], [0, 1])], [([1, 5], [0])], [([7], [])])
    assert many.earned == [Earned(3, 2, 1, 0.5), Earned(2, 1, 1, 0.5), Earned(1, 0, 1, 0.5)]


def test_where_room_is_short_those_who_earned_most_come_first():
    many = Many([Says(1, 1), Says(2, 2)], clock=ticking())
    assert many.propose([0], 1, Aim()).tokens == [1]
    tree = many.propose([0], 4, Aim())
    many.observe(tree, [1, 3])
    assert many.propose([0], 1, Aim()).tokens == [2]
    assert many.earned[1].proposed == 2


def played(many: Many, rounds: int, right: Callable[[Tree], Sequence[int]]) -> list[int]:
    """Who was picked in each round."""
    picked = []
    for length in range(rounds):
        tree = many.propose([0] * length, 4, Aim(sampling=Sampling(seed=3)))
        picked.append(tree.parts[-1].drafter)
        many.observe(tree, right(tree))
    return picked


def test_it_picks_who_earns_most_and_still_tries_the_others_now_and_then():
    drafters = [Says(1, 2), Says(3, 4, 5), Says(6)]  # of 3, 4, 5 two thirds are right, of 1, 2 a half

    def right(tree: Tree) -> list[int]:
        return {1: [0], 3: [0, 1], 6: []}[tree.tokens[0]]

    picked = played(Many(drafters, "pick", clock=ticking()), 300, right)
    assert picked.count(1) > 240
    assert min(picked.count(0), picked.count(2)) > 3
    greedy = played(Many(drafters, "pick", explore=0, clock=ticking()), 300, right)
    assert greedy == [0, 1, 2, *([1] * 297)]  # each is tried once


def test_time_spent_on_drafting_counts():
    seconds = iter([0.0, 1.0, 1.0, 1.001] + [2.0] * 100)
    many = Many([Says(1, 2), Says(3, 4)], "pick", explore=0, clock=lambda: next(seconds))
    for accepted in ([0, 1], [0]):
        many.observe(many.propose([0], 2, Aim()), accepted)
    assert many.worth(0) < many.worth(1)
    assert many.propose([0], 2, Aim()).tokens == [3, 4]


def test_where_the_one_picked_has_no_idea_the_next_is_asked():
    many = Many([Lookup(), Says(9)], "pick", clock=ticking())
    tree = many.propose([1, 2, 3], 3, Aim())
    assert tree.tokens == [9]
    assert [part.drafter for part in tree.parts] == [0, 1]
    many.observe(tree, [0])
    assert many.propose([1, 2, 8, 1, 2], 1, Aim()).tokens == [9]


@settings(deadline=None)
@given(
    some.lists(some.tuples(some.integers(0, 9), some.integers(0, 6)), max_size=10), some.sampled_from(["merge", "pick"])
)
def test_the_same_history_gives_the_same_proposals(calls, how):
    def proposals() -> list[tuple[list[int], list[int]]]:
        many = Many([Random(4), Lookup(1, 3), Random(4, width=2)], how, clock=ticking(0.1))
        trees = []
        for length, k in calls:
            tree = many.propose([n % 3 for n in range(length)], k, Aim(sampling=Sampling(seed=5)))
            assert len(tree) <= k
            many.observe(tree, tree.path(len(tree) - 1))
            trees.append((tree.tokens, tree.parents))
        return trees

    assert proposals() == proposals()


def test_drafters_that_draw_draw_apart():
    tree = Many([Random(1000), Random(1000)]).propose([0], 2, Aim(coupled=False))
    assert len(set(tree.tokens)) == 2
    assert tree.chances is not None
    assert np.isfinite(tree.chances).all()


def test_a_text_that_ended_is_forgotten_by_all():
    lookup = Lookup()
    many = Many([lookup, Says(1)])
    many.propose([1, 2, 3], 2, Aim())
    many.forget([1, 2, 3, 4])
    assert lookup._indexes == []


def test_nothing_is_proposed_where_nobody_has_an_idea():
    for how in ("merge", "pick"):
        many = Many([Lookup()], how)
        tree = many.propose([], 5, Aim())
        assert len(tree) == 0
        many.observe(tree, [])
        assert many.worth(0) == 0


@pytest.mark.parametrize("wrong", [{"drafters": []}, {"token_seconds": 0}, {"explore": 2}])
def test_impossible_settings_are_refused_in_words(wrong):
    with pytest.raises(PlanError, match="several drafters"):
        Many(**({"drafters": [Lookup()]} | wrong))


def test_the_tree_of_another_drafter_is_refused():
    with pytest.raises(ValueError, match="another drafter"):
        Many([Lookup()]).observe(Tree([], []), [])
