import numpy as np
import pytest
from scipy import stats

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.random import Random
from onward.generate.settings import Sampling


def test_what_it_draws_follows_the_chances_that_it_states():
    drafter = Random(5, width=2, peak=3)
    pairs = np.zeros((5, 5))
    for tree in drafter.trees(np.full(4000, 2), 2, np.arange(4000)):
        pairs[tree.tokens[0], tree.tokens[1]] += 1
        assert tree.chances[0] == pytest.approx(drafter.chances)
    expected = np.array([[p * q / (1 - p) for q in drafter.chances] for p in drafter.chances])
    off = ~np.eye(5, dtype=bool)
    assert stats.chisquare(pairs[off], expected[off] * 4000).pvalue > 1e-3
    assert not pairs[~off].any()


@pytest.mark.parametrize(("width", "k"), [(1, 4), (3, 7), (5, 5), (2, 1), (2, 0)])
def test_it_proposes_the_first_k_nodes_breadth_first(width, k):
    tree = Random(5, width).propose([], k, Aim())
    assert len(tree) == k
    assert tree.parents == [node // width - 1 for node in range(k)]


def test_the_same_question_gets_the_same_answer_and_another_one_another():
    drafter = Random(1000)
    tokens = drafter.propose([1, 2], 4, Aim(sampling=Sampling(seed=7))).tokens
    assert Random(1000).propose([5, 6], 4, Aim(sampling=Sampling(seed=7))).tokens == tokens
    assert drafter.propose([1, 2], 4, Aim(sampling=Sampling(seed=8))).tokens != tokens
    assert drafter.propose([1, 2, 3], 4, Aim(sampling=Sampling(seed=7))).tokens != tokens


def test_impossible_settings_are_refused_in_words():
    with pytest.raises(PlanError, match="wide"):
        Random(5, width=6)


def test_many_texts_at_once_get_what_each_gets_alone():
    drafter, seeds = Random(7, width=2, peak=1), [3, -5, 2**63 - 1]
    together = drafter.trees(np.array([0, 4, 9]), 5, np.array(seeds))
    for tree, length, seed in zip(together, (0, 4, 9), seeds, strict=True):
        alone = drafter.propose([0] * length, 5, Aim(sampling=Sampling(seed=seed)))
        assert (tree.tokens, tree.parents) == (alone.tokens, alone.parents)
        assert (tree.chances == alone.chances).all()
