from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

from onward.generate.drafters.best_first import best_first
from onward.generate.drafters.drafter import Aim
from onward.generate.sampling import draw, probabilities
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


def test_by_ratio_two_tokens_follow_their_distribution():
    """The target's own: another table, in which the second token depends on the first."""
    target = torch.from_numpy(np.random.default_rng(3).normal(0, 1, (V + 1, V)))  # after nothing, and after each token
    sampling, samples, k = Sampling(temperature=0.8, top_k=5), 1_500, 4
    counts = np.zeros((V, V))
    for seed in range(samples):
        each = Sampling(**{**vars(sampling), "seed": seed})
        drafts = Sampling(**{**vars(sampling), "seed": seed + 10**9})
        said = []
        while len(said) < 2:
            tree = best_first(LOGITS[len(said) :], [0, *said], k, Aim(sampling=drafts, coupled=False), ())
            rows = [said[-1] if said else -1]
            rows += [tree.tokens[node] for node in range(len(tree))]
            (found,) = verify([tree], target[torch.tensor(rows) + 1], [each], [1 + len(said)], "ratio")
            said += [*(tree.tokens[node] for node in found.path), found.token]
        counts[said[0], said[1]] += 1
    p = probabilities(target, [sampling] * (V + 1)).numpy()
    expected = p[0][:, None] * p[1:] * samples
    assert not counts[expected == 0].any()
    rare = expected < 5
    both = [np.append(x[~rare], x[rare].sum()) for x in (counts, expected)]
    both = [x[both[1] > 0] for x in both]
    assert stats.chisquare(*both).pvalue > 1e-3
