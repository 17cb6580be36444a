from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

from onward.generate.drafters.best_first import best_first
from onward.generate.drafters.drafter import Aim
from onward.generate.sampling import draw
from onward.generate.settings import Sampling
from onward.generate.verify import verify

WARM = Sampling(temperature=1, seed=4)
GREEDY = Sampling(temperature=0)
V, H = 6, 3
LOGITS = torch.from_numpy(np.random.default_rng(2).normal(0, 1.5, (H, V)))


def paths(tree):
    return {tuple(tree.tokens[n] for n in tree.path(node)) for node in range(len(tree))}


@pytest.mark.parametrize("k", [1, 2, 5, 9, 30])
def test_at_temperature_0_the_nodes_are_those_of_the_highest_product_of_chances(k):
    chances = LOGITS.softmax(-1).numpy()
    every = {}
    for depth in range(1, H + 1):
        for path in product(range(V), repeat=depth):
            every[path] = np.prod([chances[place, token] for place, token in enumerate(path)])
    tree = best_first(LOGITS, [1, 2], k, Aim(sampling=GREEDY), ())
    assert len(tree) == k
    assert paths(tree) == set(sorted(every, key=every.get, reverse=True)[:k])


def test_coupled_the_first_path_is_what_the_same_noise_draws():
    for seed in range(30):
        sampling = Sampling(temperature=0.9, seed=seed)
        tree = best_first(LOGITS, [1, 2], 12, Aim(sampling=sampling), ())
        drawn = draw(LOGITS, [sampling] * H, torch.arange(2, 2 + H)).tolist()
        assert tree.chances is None
        node = -1
        for token in drawn:
            children = tree.children(node)
            if not children:
                break
            node = children[0]
            assert tree.tokens[node] == token


def test_nothing_follows_an_end_and_nothing_stands_in_the_tree_that_cannot_be_drawn():
    ends = {int(LOGITS[0].argmax())}
    tree = best_first(LOGITS, [1], 20, Aim(sampling=GREEDY), ends)
    assert len(tree) == 20
    assert not any(tree.tokens[parent] in ends for parent in tree.parents if parent >= 0)
    for coupled in (True, False):
        narrow = best_first(LOGITS, [1], 50, Aim(sampling=Sampling(temperature=1, top_k=2), coupled=coupled), ())
        assert len(narrow) == 2 + 4 + 8
        assert len(best_first(LOGITS, [1], 5, Aim(sampling=GREEDY, coupled=False), ())) == 3


def test_what_stands_in_the_text_becomes_less_likely_where_the_target_has_it_so():
    asked = Sampling(temperature=0, repetition_penalty=50.0)
    likeliest = int(LOGITS[0].argmax())
    assert best_first(LOGITS + 9, [likeliest], 1, Aim(sampling=asked), ()).tokens != [likeliest]


@pytest.mark.parametrize("k", [2, 5])
def test_by_ratio_a_token_follows_the_targets_distribution(k):
    """Guesses, and a target, with which it would be seen if whether a token is proposed depended on how likely it is."""
    first, target = torch.tensor([[0.4, 0.35, 0.15, 0.1], [0.1, 0.3, 0.3, 0.3]], dtype=torch.float64).log()
    logits = torch.stack([first, torch.tensor([0.5, 0.5, 0, 0], dtype=torch.float64).log()])
    samples = 3_000
    plain, drafts = ([Sampling(temperature=1, seed=seed + apart) for seed in range(samples)] for apart in (0, 10**9))
    trees = [best_first(logits, [1], k, Aim(sampling=sampling, coupled=False), ()) for sampling in drafts]
    rows = target.expand(sum(len(tree) + 1 for tree in trees), -1)
    found = verify(trees, rows, plain, [1] * samples, "ratio")
    said = [tree.tokens[one.path[0]] if one.path else one.token for tree, one in zip(trees, found, strict=True)]
    counts = np.bincount(said, minlength=4)
    assert sum(bool(one.path) for one in found) > samples / 2
    assert stats.chisquare(counts, target.exp().numpy() * samples).pvalue > 1e-3
