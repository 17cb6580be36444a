"""From what is foretold for each of several places ahead, all at once, to a tree: its k nodes with the highest product of chances.

For drafters that do not go token by token (heads.py, block.py), whose guess for a place is the same whatever comes before it. Source: the
trees of Medusa (arXiv 2401.10774, section 2.3), here made anew for each text, as EAGLE-2's are (arXiv 2406.16858). Left out: presence and
frequency penalties, bias and grammar, which a drafter is not told of.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from itertools import count

import numpy as np
import torch
from torch import Tensor

from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.tree import Tree
from onward.generate.processors import Said, processed
from onward.generate.sampling import perturbed, probabilities


def best_first(logits: Tensor, ids: Sequence[int], k: int, aim: Aim, ends: Collection[int]) -> Tree:
    """At most k nodes.   logits: (H, V), for the first, second ... place after `ids`.   ends: tokens that nothing follows.

    The children of a node are drawn without replacement, the i-th being the i-th largest of log q + noise. Coupled, how likely the target
    draws the i-th is judged with the noise in it. Else the noise says nothing of that, and the shape of the tree is decided by the sorted
    chances alone: a token that were left out because it is unlikely would not be as if drawn.
    """
    logits = processed(logits, [Said(sampling=aim.sampling, ids=ids, drawn=(), bias={})] * len(logits))
    each = [aim.sampling] * len(logits)
    scores = perturbed(logits, each, torch.arange(len(ids), len(ids) + len(logits), device=logits.device))
    chances = probabilities(logits, each)
    most = min(k, logits.shape[-1])
    drawn = scores.topk(most).indices.tolist()
    worth = (scores.softmax(-1) if aim.coupled else chances).topk(most).values.tolist()
    if not aim.coupled:  # what was drawn although its chance is too small for a number cannot be said to have one
        possible = chances.gather(-1, torch.tensor(drawn, device=chances.device)) > 0
        worth = (torch.tensor(worth, device=chances.device) * possible).tolist()
    tokens, parents, children = _grown(drawn, worth, k, ends)
    if aim.coupled or not tokens:
        return Tree(tokens, parents)
    return Tree(tokens, parents, _left(chances.cpu().numpy(), drawn, children))


Child = tuple[int, int]
"""A place ahead, and which child there: 0 is the first that is drawn."""


def _grown(
    drawn: list[list[int]], worth: list[list[float]], k: int, ends: Collection[int]
) -> tuple[list[int], list[int], list[Child]]:
    """Tokens, parents, and which child each node is; what waits is what has a parent and an elder sibling in the tree already."""
    tokens: list[int] = []
    parents: list[int] = []
    children: list[Child] = []
    waiting: list[tuple[float, int, int, float, Child]] = []
    order = count()

    def wait(parent: int, of_parent: float, child: Child) -> None:
        place, which = child
        if place < len(drawn) and which < len(drawn[place]) and worth[place][which] > 0:
            heapq.heappush(waiting, (-of_parent * worth[place][which], next(order), parent, of_parent, child))

    wait(-1, 1.0, (0, 0))
    while waiting and len(tokens) < k:
        minus, _, parent, of_parent, (place, which) = heapq.heappop(waiting)
        tokens.append(drawn[place][which])
        parents.append(parent)
        children.append((place, which))
        wait(parent, of_parent, (place, which + 1))
        if tokens[-1] not in ends:
            wait(len(tokens) - 1, -minus, (place + 1, 0))
    return tokens, parents, children


def _left(chances: np.ndarray, drawn: list[list[int]], children: list[Child]) -> np.ndarray:
    """(N, V): what each node was drawn from, which is what its elder siblings left.   chances: (H, V) float64."""
    rows = np.stack([chances[place] for place, _ in children])
    for row, (place, which) in zip(rows, children, strict=True):
        row[drawn[place][:which]] = 0
    left: np.ndarray = rows / rows.sum(axis=1, keepdims=True)
    return left
