"""Verification, with the proof that speculative decoding keeps its promise: the joint of three tokens against the enumerated one.

The target is a toy: a table of logits over five tokens for every pair of last tokens. The same test must fail for known bugs of the field.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray
from scipy import stats

from onward.errors import PlanError
from onward.generate import verify as verification
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.random import Random
from onward.generate.drafters.tree import Tree, merge
from onward.generate.sampling import draw, probabilities
from onward.generate.settings import Sampling
from onward.generate.streams import uniform
from onward.generate.verify import Mode, Verified, verify

V = 5
TABLE = torch.from_numpy(np.random.default_rng(1).normal(0, 1.2, (V, V, V)))
PROMPT = (0, 1, 2, 0, 1, 3, 3, 0, 1)
SAMPLES = 20_000
FEWER = 5_000  # enough to notice a bug
PLAIN = Sampling(temperature=1)
WARM = Sampling(temperature=1.3, top_p=0.85)
COOL = Sampling(temperature=0.7, top_k=4, min_p=0.05)

Text = tuple[int, ...]
Draft = Callable[[Sequence[Text], Sequence[int]], list[Tree]]  # of texts and their seeds
Verify = Callable[[Sequence[Tree], torch.Tensor, Sequence[Sampling], Sequence[int], Mode], list[Verified]]


def logits_for(texts: Sequence[Text], trees: Sequence[Tree]) -> torch.Tensor:
    """The target's one pass: a row after each text and after each node of its tree."""
    pairs: list[tuple[int, ...]] = []
    for text, tree in zip(texts, trees, strict=True):
        before = [*tree.tokens, text[-1]]  # the last for parent -1
        pairs.append(text[-2:])
        pairs.extend((before[parent], token) for token, parent in zip(tree.tokens, tree.parents, strict=True))
    first, second = torch.from_numpy(np.array(pairs)).T
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


LOOKUP = found(lambda text: Lookup(1, 4).propose(text, 5, Aim()))
FULL = found(lambda _: Tree([t for _ in range(6) for t in range(V)], [n // V - 1 for n in range(30)]))
CHAIN = drawn(Random(V, peak=3), 3)
BUSH = drawn(Random(V, width=3, peak=2), 5)
DRAFTERS = {
    "nobody": found(lambda _: Tree([], [])),
    "lookup": LOOKUP,
    "every token": FULL,
    "random chain": CHAIN,
    "random tree": BUSH,
    "lookup and random tree": merged(LOOKUP, drawn(Random(V, width=2, peak=2), 3), 4),
    "random tree and random chain": merged(BUSH, CHAIN, 8),
}


@pytest.mark.parametrize(
    ("name", "sampling", "base"),
    [
        ("lookup", PLAIN, 0),
        ("lookup", WARM, 10**6),
        ("every token", COOL, -(10**9)),
        ("random chain", COOL, 10**6),
        ("random tree", WARM, 0),
        ("lookup and random tree", PLAIN, 10**7),
    ],
)
def test_by_ratio_three_tokens_follow_their_enumerated_distribution(name, sampling, base):
    assert chance_of(carried_on(DRAFTERS[name], sampling, "ratio", range(base, base + SAMPLES)), sampling) > 1e-3


@pytest.mark.parametrize(("sampling", "base"), [(PLAIN, 0), (WARM, 10**6), (COOL, -(10**9))])
def test_coupled_three_tokens_follow_their_enumerated_distribution(sampling, base):
    assert chance_of(carried_on(LOOKUP, sampling, "coupled", range(base, base + SAMPLES)), sampling) > 1e-3


@pytest.mark.parametrize("sampling", [PLAIN, WARM, COOL, Sampling(temperature=0)])
def test_coupled_any_drafter_leaves_the_text_unchanged(sampling):
    plain = carried_on(DRAFTERS["nobody"], sampling, "coupled", range(150))
    for draft in DRAFTERS.values():
        assert (carried_on(draft, sampling, "coupled", range(150)) == plain).all()


def redraw_after_mismatch(
    trees: Sequence[Tree], logits: torch.Tensor, settings: Sequence[Sampling], positions: Sequence[int], mode: Mode
) -> list[Verified]:
    """As two public implementations do: where no draft is the token that was drawn, another one is drawn from the full distribution."""
    right = verify(trees, logits, settings, positions, mode)
    last = [one.path[-1] if one.path else -1 for one in right]
    roots = np.cumsum([len(tree) + 1 for tree in trees]) - [len(tree) for tree in trees]
    fresh = [Sampling(**{**vars(one), "seed": ~one.seed}) for one in settings]
    again = draw(logits[torch.from_numpy(roots + last)], fresh, torch.tensor(positions)).tolist()
    return [
        Verified(one.path, token if tree.children(node) else one.token)
        for tree, node, one, token in zip(trees, last, right, again, strict=True)
    ]


def test_the_proof_notices_a_redraw_after_a_mismatch():
    tokens = carried_on(LOOKUP, PLAIN, "coupled", range(FEWER), redraw_after_mismatch)
    assert chance_of(tokens, PLAIN) < 1e-9


def test_the_proof_notices_chances_without_temperature():
    stated = Random(V, peak=1.5).chances  # at twice the temperature with which the tokens are drawn

    def draft(texts: Sequence[Text], seeds: Sequence[int]) -> list[Tree]:
        return [Tree(t.tokens, t.parents, np.tile(stated, (len(t), 1))) for t in CHAIN(texts, seeds)]

    assert chance_of(carried_on(draft, PLAIN, "ratio", range(FEWER)), PLAIN) < 1e-9


@pytest.mark.parametrize(
    "shared",
    [
        lambda seeds, _, position, *__: uniform(seeds, "accept", position, 0),  # to accept and for the residual
        lambda seeds, _, position, *__: uniform(seeds, "draft", position, 0, 0),  # and to draft
    ],
)
def test_the_proof_notices_shared_noise(monkeypatch, shared):
    monkeypatch.setattr(verification, "uniform", shared)
    assert chance_of(carried_on(CHAIN, PLAIN, "ratio", range(FEWER)), PLAIN) < 1e-9


@pytest.mark.parametrize("mode", ["coupled", "ratio"])
def test_texts_verified_together_get_what_each_gets_alone(mode):
    each = [Sampling(**{**vars(WARM), "seed": seed}) for seed in range(40)]
    for name in ("random tree", "lookup and random tree", "nobody"):
        trees = DRAFTERS[name]([PROMPT] * 40, range(40))
        trees[::3] = [Tree([], [])] * len(trees[::3])
        together = verify(trees, logits_for([PROMPT] * 40, trees), each, [9] * 40, mode)
        alone = [
            verify([tree], logits_for([PROMPT], [tree]), [one], [9], mode)[0]
            for tree, one in zip(trees, each, strict=True)
        ]
        assert together == alone


@settings(deadline=None, max_examples=30)
@given(some.integers(0, 2**63 - 1), some.floats(0.01, 1))
def test_by_ratio_what_the_filters_leave_out_never_comes(seed, top_p):
    sampling = Sampling(temperature=1, top_p=top_p, seed=seed)
    allowed = enumerated(sampling) > 0
    first, second, third = carried_on(BUSH, sampling, "ratio", range(seed, seed + 1))[0]
    assert allowed[first, second, third]


def test_a_drafter_that_knows_the_target_is_always_accepted():
    likeliest = carried_on(DRAFTERS["nobody"], Sampling(temperature=0), "coupled", range(1))[0].tolist()
    tree = Tree.chain(likeliest)
    for mode in ("coupled", "ratio"):
        (found,) = verify([tree], logits_for([PROMPT], [tree]), [Sampling(temperature=0)], [9], mode)
        assert found.path == [0, 1, 2]


def test_another_vocabulary_is_refused_in_words():
    logits = torch.zeros(2, V)
    with pytest.raises(PlanError, match="a token 5, the model 5"):
        verify([Tree([5], [-1])], logits, [PLAIN], [3], "coupled")
    with pytest.raises(PlanError, match="6 tokens, the model 5"):
        verify(Random(6).trees(np.array([3]), 1, np.array([0])), logits, [PLAIN], [3], "ratio")


def test_logits_must_fit_the_trees():
    with pytest.raises(ValueError, match="3 rows"):
        verify([Tree([1], [-1])], torch.zeros(3, V), [PLAIN], [3], "coupled")
