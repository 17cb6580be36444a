"""Verification of drafts: which of the proposed tokens stand, and which token follows them. Pure functions, without model and engine.

Two modes. "coupled": a proposed token stands if it is the one that the target draws itself at that position, so that any drafter, even a
random one, leaves the text unchanged. "ratio": rejection sampling (Leviathan et al. 2023, arXiv 2211.17192); the text is another one, of
exactly the same distribution. Left out: logits. The caller computes and processes those after every node, each with its own prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onward.errors import PlanError
from onward.generate.drafters.tree import Tree
from onward.generate.sampling import draw, probabilities
from onward.generate.settings import Sampling
from onward.generate.streams import uniform

Mode = Literal["coupled", "ratio"]


@dataclass(frozen=True)
class Verified:
    """path: the accepted nodes, from the text on.   token: the one after them, the target's own."""

    path: list[int]
    token: int


def verify(
    trees: Sequence[Tree], logits: Tensor, settings: Sequence[Sampling], positions: Sequence[int], mode: Mode
) -> list[Verified]:
    """What stands of the tree of each text, and what follows.

    logits: (R, V) of the target; for one tree after the other a row after the text itself and a row after each node, R = the sum of N + 1.
    settings: of each text.   positions: of each text, the index that its next token will have.
    Raises PlanError where a drafter has another vocabulary.
    """
    for tree in trees:
        check_vocabulary(tree, logits.shape[-1])
    if len(logits) != sum(len(tree) + 1 for tree in trees):
        raise ValueError(f"{len(logits)} rows of logits for trees of {[len(tree) for tree in trees]} nodes")
    if mode == "coupled":
        at = torch.tensor(places(trees, positions), device=logits.device)
        return coupled(trees, draw(logits, _each(trees, settings), at).tolist())
    last, tokens = _ratio(_Forest(trees), logits, settings, np.asarray(positions, dtype=np.int64))
    return [
        Verified(tree.path(node), token)
        for tree, node, token in zip(trees, last.tolist(), tokens.tolist(), strict=True)
    ]


def places(trees: Sequence[Tree], positions: Sequence[int]) -> list[int]:
    """For each row of logits, one after each text and one after each node of its tree, the index of the token that they are of."""
    return [
        here + after
        for tree, here in zip(trees, positions, strict=True)
        for after in (0, *(1 + depth for depth in tree.depths))
    ]


def coupled(trees: Sequence[Tree], own: Sequence[int]) -> list[Verified]:
    """The target's own draws show the way through each tree.   own: the token that it draws in each row of logits."""
    found, begin = list[Verified](), 0
    for tree in trees:
        path = list[int]()
        for node, (parent, token) in enumerate(zip(tree.parents, tree.tokens, strict=True)):
            last = path[-1] if path else -1
            if parent == last and token == own[begin + 1 + last]:
                path.append(node)
        found.append(Verified(path, own[begin + 1 + (path[-1] if path else -1)]))
        begin += len(tree) + 1
    return found


def _each(trees: Sequence[Tree], settings: Sequence[Sampling]) -> list[Sampling]:
    return [setting for tree, setting in zip(trees, settings, strict=True) for _ in range(len(tree) + 1)]


def check_vocabulary(tree: Tree, words: int) -> None:
    """Raises PlanError where a tree was drafted with another vocabulary than one of so many words."""
    size = words if tree.chances is None else tree.chances.shape[1]
    if size != words or max(tree.tokens, default=0) >= words:
        beyond = f"{size:,} tokens" if size != words else f"a token {max(tree.tokens):,}"
        raise PlanError(f"the drafter has {beyond}, the model {words:,} tokens. Draft with its own tokeniser.")


class _Forest:
    """Trees side by side, so that node i of all is looked at together.

    roots: (B,) the row of logits after each text.   tokens, parents: (B, N), where a tree is smaller its parents are -2: nobody's child.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.trees = trees
        sizes = np.array([len(tree) for tree in trees], dtype=np.int64)
        self.roots = np.cumsum(sizes + 1) - sizes - 1
        self.nodes = int(sizes.max(initial=0))
        self.tokens = np.zeros((len(trees), self.nodes), dtype=np.int64)
        self.parents = np.full((len(trees), self.nodes), -2, dtype=np.int64)
        for row, tree in enumerate(trees):
            self.tokens[row, : len(tree)] = tree.tokens
            self.parents[row, : len(tree)] = tree.parents

    def chances(self, rows: NDArray[np.int64], node: int, size: int) -> NDArray[np.float64]:
        """The distributions from which a node was drawn in some of the trees: (rows, size)."""
        chances = np.zeros((len(rows), size))
        for to, row in enumerate(rows.tolist()):
            drawn = self.trees[row].chances
            if drawn is None:
                chances[to, self.tokens[row, node]] = 1
            else:
                chances[to] = drawn[node]
        return chances


def _ratio(
    forest: _Forest, logits: Tensor, settings: Sequence[Sampling], positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The last node on each path, -1 for none, and the token after it, by recursive rejection.   (B,), (B,)

    Siblings are tried in turn: x, drawn from q, is accepted with chance min(1, p(x) / q(x)); else p becomes max(p - q, 0), normed, for the
    next sibling and, after the last, for the token that follows. Exact for siblings drawn without replacement, q being what the elder ones
    left (Jeon et al. 2024, arXiv 2402.14160; for draws with replacement it is SpecInfer's, arXiv 2305.09781, which `Tree` does not hold). A
    token that was found, not drawn, has q = 1: it is accepted with chance p(x), and its siblings after it from the rest.
    """
    target = probabilities(logits, _each(forest.trees, settings)).cpu().numpy()
    seeds = np.array([setting.seed for setting in settings], dtype=np.int64)
    left = target[forest.roots]
    last = np.full(len(forest.trees), -1)
    for node in range(forest.nodes):
        tried = np.flatnonzero(forest.parents[:, node] == last)
        if not len(tried):
            continue
        tokens = forest.tokens[tried, node]
        drafted = forest.chances(tried, node, left.shape[1])
        chosen = np.arange(len(tried)), tokens
        p = left[tried]
        stands = uniform(seeds[tried], "accept", positions[tried], node) * drafted[chosen] < p[chosen]
        last[tried[stands]] = node
        left[tried] = np.where(stands[:, None], target[forest.roots[tried] + 1 + node], _rest(p, drafted))
    return last, _drawn(left, uniform(seeds, "residual", positions))


def _rest(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a rejection leaves: max(p - q, 0), normed. Where rounding leaves nothing, p and q are the same, and so is the rest.   (B, V)"""
    rest = np.maximum(p - q, 0)
    mass = rest.sum(axis=1, keepdims=True)
    normed: NDArray[np.float64] = np.where(mass > 0, rest / np.where(mass > 0, mass, 1), p)
    return normed


def _drawn(p: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.int64]:
    """A token of each distribution, by inversion, never one without a chance.   p: (B, V).   noise: (B,) in (0, 1).   Returns (B,)."""
    sums = p.cumsum(axis=1)
    drawn: NDArray[np.int64] = (sums > (noise * sums[:, -1])[:, None]).argmax(axis=1)
    return drawn
