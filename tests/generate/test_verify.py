"""Verification, with the proof that speculative decoding keeps its promise: the joint distribution of three tokens against the enumerated one.

The target is a toy: a table of logits over five tokens for every pair of last tokens. The same test must fail for known bugs of the field.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.random import Random
from onward.generate.drafters.tree import Tree, merge
from onward.generate.sampling import probabilities
from onward.generate.settings import Sampling
from onward.generate.verify import Mode, Verified, verify

V = 5
TABLE = torch.from_numpy(np.random.default_rng(1).normal(0, 1.2, (V, V, V)))
PROMPT = (0, 1, 2, 0, 1, 3, 3, 0, 1)
SAMPLES = 20_000
PLAIN = Sampling(temperature=1)
WARM = Sampling(temperature=1.3, top_p=0.85)
COOL = Sampling(temperature=0.7, top_k=4, min_p=0.05)

Text = tuple[int, ...]
Draft = Callable[[Sequence[Text], Sequence[int]], list[Tree]]  # of texts and their seeds
Verify = Callable[[Sequence[Tree], torch.Tensor, Sequence[Sampling], Sequence[int], Mode], list[Verified]]


def logits_for(texts: Sequence[Text], trees: Sequence[Tree]) -> torch.Tensor:
    """The target's one pass: a row after each text and after each node of its tree."""
    pairs = []
    for text, tree in zip(texts, trees, strict=True):
        pairs.append(text[-2:])
        for token, parent in zip(tree.tokens, tree.parents, strict=True):
            pairs.append((tree.tokens[parent] if parent >= 0 else text[-1], token))
    first, second = torch.tensor(pairs).T
    return TABLE[first, second]


def carried_on(
    draft: Draft, sampling: Sampling, mode: Mode, seeds: range, verify: Verify = verify
) -> NDArray[np.int64]:
    """Three tokens after the prompt for every seed: (seeds, 3)."""
    each = [Sampling(**{**vars(sampling), "seed": seed}) for seed in seeds]
    texts = [PROMPT] * len(seeds)
    while waiting := [row for row, text in enumerate(texts) if len(text) < len(PROMPT) + 3]:
        short, own = [texts[row] for row in waiting], [each[row] for row in waiting]
        trees = draft(short, [one.seed for one in own])
        found = verify(trees, logits_for(short, trees), own, [len(text) for text in short], mode)
        for row, tree, verified in zip(waiting, trees, found, strict=True):
            texts[row] += (*(tree.tokens[node] for node in verified.path), verified.token)
    return np.array([text[len(PROMPT) : len(PROMPT) + 3] for text in texts])


def enumerated(sampling: Sampling) -> NDArray[np.float64]:
    """The chance of every three tokens: (V, V, V)."""
    chances = np.zeros((V, V, V))
    p = probabilities(TABLE.reshape(-1, V), [sampling] * V**2).reshape(V, V, V).numpy()
    for a, b, c in product(range(V), repeat=3):
        chances[a, b, c] = p[PROMPT[-2], PROMPT[-1], a] * p[PROMPT[-1], a, b] * p[a, b, c]
    return chances


def chance_of(tokens: NDArray[np.int64], sampling: Sampling) -> float:
    """How likely samples are as far from the enumerated distribution as these: the p-value of the chi-square of their joint."""
    counts = np.bincount(tokens @ [V * V, V, 1], minlength=V**3)
    expected = enumerated(sampling).ravel() * len(tokens)
    if counts[expected == 0].any():
        return 0.0
    rare = expected < 5
    both = [np.append(x[~rare], x[rare].sum()) for x in (counts, expected)]
    return float(stats.chisquare(*(x[both[1] > 0] for x in both)).pvalue)


def found(propose: Callable[[Text], Tree]) -> Draft:
    """A drafter that draws nothing says the same of the same text: it is asked once."""
    known: dict[Text, Tree] = {}

    def draft(texts: Sequence[Text], seeds: Sequence[int]) -> list[Tree]:
        del seeds
        known.update({text: propose(text) for text in set(texts) - known.keys()})
        return [known[text] for text in texts]

    return draft


def drawn(drafter: Random, k: int) -> Draft:
    return lambda texts, seeds: drafter.trees(np.array([len(text) for text in texts]), k, np.array(seeds))


def merged(first: Draft, second: Draft, k: int) -> Draft:
    return lambda texts, seeds: [
        merge(both, k)[0] for both in zip(first(texts, seeds), second(texts, seeds), strict=True)
    ]


LOOKUP = found(lambda text: Lookup(1, 4).propose(text, 5, 0))
FULL = found(lambda _: Tree([t for _ in range(6) for t in range(V)], [n // V - 1 for n in range(30)]))
CHAIN = drawn(Random(V, peak=3), 3)
BUSH = drawn(Random(V, width=3, peak=2), 7)
DRAFTERS = {
    "nobody": found(lambda _: Tree([], [])),
    "lookup": LOOKUP,
    "every token": FULL,
    "random chain": CHAIN,
    "random tree": BUSH,
    "lookup and random tree": merged(LOOKUP, BUSH, 6),
    "random tree and random chain": merged(BUSH, CHAIN, 8),
}


@pytest.mark.parametrize("mode", ["coupled", "ratio"])
@pytest.mark.parametrize("base", [0, 10**6, -(10**9)])
@pytest.mark.parametrize("name", DRAFTERS)
def test_three_tokens_follow_their_enumerated_distribution(mode, base, name):
    sampling = {0: PLAIN, 10**6: WARM}.get(base, COOL)
    tokens = carried_on(DRAFTERS[name], sampling, mode, range(base, base + SAMPLES))
    assert chance_of(tokens, sampling) > 1e-3
