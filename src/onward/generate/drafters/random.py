"""A drafter that draws anything: the worst case, and for tests, since it draws and says from what.

Left out: any look at the text but its length, which keeps the draws of successive passes apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree
from onward.generate.streams import uniform


class Random(Drafter):
    """Draws all tokens from one distribution over the vocabulary.

    width: children of every node, drawn without replacement; 1 makes chains.
    peak: 0 draws uniformly; the larger, the more uneven the distribution is.
    """

    def __init__(self, vocab_size: int, width: int = 1, peak: float = 0.0) -> None:
        if not 1 <= width <= vocab_size or peak < 0:
            raise PlanError(
                f"a random drafter {width} wide over {vocab_size} tokens: the width is 1 to the vocabulary, peak 0 or more."
            )
        self.name = f"random-{width}"
        self.vocab_size, self.width = vocab_size, width
        weights = np.exp(peak * uniform(0, "explore", np.arange(vocab_size)))
        self.chances: NDArray[np.float64] = weights / weights.sum()

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        return self.trees(np.array([len(ids)]), max(k, 0), np.array([aim.sampling.seed], dtype=np.int64))[0]

    def trees(self, lengths: NDArray[np.int64], k: int, seeds: NDArray[np.int64]) -> list[Tree]:
        """For each of B texts, of which the length is all that matters, the first k nodes, breadth first, of a tree in which every node has
        `width` children.   lengths, seeds: (B,)."""
        families = np.arange(-(-k // self.width))
        noise = uniform(
            seeds[:, None, None], "draft", lengths[:, None, None], families[:, None], np.arange(self.vocab_size)
        )
        # The largest of log q + Gumbel noise, in order, are draws without replacement (Kool et al. 2019, arXiv 1903.06059).
        drawn = (np.log(-np.log(noise)) - np.log(self.chances)).argsort(axis=-1, kind="stable")[..., : self.width]
        left = np.broadcast_to(self.chances, noise.shape).copy()
        chances = np.empty((*drawn.shape, self.vocab_size))
        for child in range(self.width):
            chances[:, :, child] = left / left.sum(axis=-1, keepdims=True)
            np.put_along_axis(left, drawn[..., child, None], 0, axis=-1)
        parents = [node // self.width - 1 for node in range(k)]
        nodes = len(families) * self.width
        tokens = drawn.reshape(len(seeds), nodes)[:, :k].tolist()
        flat = chances.reshape(len(seeds), nodes, self.vocab_size)[:, :k]
        return [Tree(own, parents, q) for own, q in zip(tokens, flat, strict=True)]
