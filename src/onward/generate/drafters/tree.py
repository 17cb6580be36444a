"""Trees of proposed tokens: several ways in which a text may go on, sharing their beginnings.

A chain is a tree too. Node -1 stands for the text itself. Siblings are in the order in which they are tried; no two of them have the same
token: one that is drawn is drawn from what its elder siblings left (without replacement), and `chances` says from what exactly. Left out:
scores. Who proposes orders the nodes, and where a budget runs out, the last go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tree:
    """tokens: of each node.   parents: of each node, another node before it, or -1 where it follows the text itself.

    chances: (N, V) float64, the distribution from which each token was drawn, given the text, its ancestors and its elder siblings; None
    where tokens are not drawn but found, each certain.   Raises ValueError for what is no tree: the fault of a drafter, not of a user.
    """

    tokens: list[int]
    parents: list[int]
    chances: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.parents):
            raise ValueError(f"{len(self.tokens)} tokens and {len(self.parents)} parents")
        for node, (token, parent) in enumerate(zip(self.tokens, self.parents, strict=True)):
            if not -1 <= parent < node:
                raise ValueError(f"node {node} has parent {parent}: parents come before their children")
            if token < 0:
                raise ValueError(f"node {node} has token {token}")
        if len(set(zip(self.parents, self.tokens, strict=True))) < len(self.tokens):
            raise ValueError("two siblings with the same token")
        if self.chances is not None:
            self._check(self.chances)

    def _check(self, chances: NDArray[np.float64]) -> None:
        if chances.ndim != 2 or len(chances) != len(self.tokens):
            raise ValueError(f"chances of shape {chances.shape} for {len(self.tokens)} nodes: (N, V) are wanted")
        if max(self.tokens, default=-1) >= chances.shape[1]:
            raise ValueError(f"token {max(self.tokens)} and chances over a vocabulary of {chances.shape[1]}")
        if not ((chances >= 0).all() and (abs(chances.sum(axis=1) - 1) < 1e-6).all()):
            raise ValueError("chances that are negative, no numbers, or do not add up to 1")
        if (chances[range(len(self.tokens)), self.tokens] == 0).any():
            raise ValueError("a token that was drawn although it had no chance")

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def nothing(cls) -> Tree:
        return cls([], [])

    @classmethod
    def chain(cls, tokens: Sequence[int]) -> Tree:
        """Tokens that follow one another."""
        return cls(list(tokens), list(range(-1, len(tokens) - 1)))

    @cached_property
    def is_chain(self) -> bool:
        """Whether each node follows the one before it."""
        return self.parents == list(range(-1, len(self) - 1))

    @property
    def first_path(self) -> list[int]:
        """Of each node's children only the eldest."""
        nodes = self.children(-1)[:1]
        while nodes and (children := self.children(nodes[-1])):
            nodes.append(children[0])
        return nodes

    def along(self, path: list[int]) -> Tree:
        """Of nodes that follow one another, each the eldest of its siblings: a chain."""
        chain = Tree.chain([self.tokens[node] for node in path])
        return chain if self.chances is None else replace(chain, chances=self.chances[path])

    @property
    def unseen(self) -> list[int]:
        """For each node a set of bits: bit i is set where it does not see the node 1 + i before it, which is on another branch."""
        if self.is_chain:
            return [0] * len(self)
        return [sum(1 << i for i in range(node) if not self.mask[node, node - 1 - i]) for node in range(len(self))]

    @cached_property
    def depths(self) -> list[int]:
        """Of each node: 0 where it follows the text itself, else one more than its parent's."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return depths

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(N, N): whether a node (row) sees another (column): itself and its ancestors. All see the text besides."""
        mask = np.eye(len(self), dtype=np.bool_)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                mask[node] |= mask[parent]
        return mask

    def path(self, node: int) -> list[int]:
        """The nodes from the text to `node`, itself the last; none for -1."""
        path: list[int] = []
        while node >= 0:
            path.append(node)
            node = self.parents[node]
        return path[::-1]

    def children(self, node: int) -> list[int]:
        """The nodes that follow `node`, or the text itself for -1, in the order in which they are tried."""
        return [child for child, parent in enumerate(self.parents) if parent == node]


def merge(trees: Sequence[Tree], k: int) -> tuple[Tree, list[list[int | None]]]:
    """One tree of at most k nodes out of several, common beginnings shared; and for each tree where its nodes went, None: no room.

    The trees take turns, node by node, each in its own order. Whether a node finds room depends on those before it and never on its own
    token, and a token that an elder sibling has already is dropped, the others being as if drawn from the rest: so chances stay true.
    """
    drawn = next((tree.chances for tree in trees if tree.chances is not None and len(tree)), None)
    tokens: list[int] = []
    parents: list[int] = []
    chances: list[NDArray[np.float64]] = []
    known: dict[int, dict[int, int]] = {}  # parent -> token -> node
    places: list[list[int | None]] = [[] for _ in trees]
    for node in range(max(map(len, trees), default=0)):
        for tree, place in zip(trees, places, strict=True):
            if node >= len(tree):
                continue
            parent = place[tree.parents[node]] if tree.parents[node] >= 0 else -1
            if parent is None:
                place.append(None)
                continue
            elders = known.setdefault(parent, {})
            token = tree.tokens[node]
            if token not in elders and len(tokens) < k:
                if drawn is not None:
                    chances.append(_without(tree, node, drawn.shape[1], list(elders)))
                elders[token] = len(tokens)
                tokens.append(token)
                parents.append(parent)
            place.append(elders.get(token))
    return Tree(tokens, parents, np.stack(chances) if chances else None), places


def _without(tree: Tree, node: int, size: int, elders: list[int]) -> NDArray[np.float64]:
    """The distribution (V,) from which a node was drawn, given that it is none of its elder siblings."""
    if tree.chances is None:
        certain = np.zeros(size)
        certain[tree.tokens[node]] = 1
        return certain
    chances = tree.chances[node].copy()
    chances[elders] = 0
    rest: NDArray[np.float64] = chances / chances.sum()
    return rest
