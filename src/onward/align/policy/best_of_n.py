"""Best of n: what the answer that a proxy finds the best of n is worth, and how far choosing it leads from the model that drew them.

Worked out from N answers to a prompt, drawn once, for every n up to N. Left out: drawing them, and learning to draw such answers at once
(methods.py).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def expected(proxy: Floats, worth: Floats, n: int) -> float:
    """The mean worth of the answer that the proxy likes best, over all subsets of n of the N answers: unbiased for n fresh ones.

    The answer with i - 1 less liked ones is the best of C(i - 1, n - 1) of the C(N, n) subsets; answers that are liked the same share
    theirs.   proxy, worth: (N,).   Source: Nakano et al. 2021 (arXiv 2112.09332), appendix I.
    """
    many = len(proxy)
    if not 1 <= n <= many:
        raise ValueError(f"the best of {n} cannot be told from {many} answers")
    order = np.argsort(proxy, kind="stable")
    wins = np.array([math.comb(below, n - 1) / math.comb(many, n) for below in range(many)])
    _, same = np.unique(proxy[order], return_inverse=True)
    shared = np.bincount(same, weights=wins) / np.bincount(same)
    return float(shared[same] @ worth[order])


def divergence(n: int) -> float:
    """KL of the best of n from the model that draws, in nats: log n - (n - 1) / n.

    Exact where no two answers are ever the same, and otherwise too much (Beirami et al. 2024, arXiv 2401.01879).
    """
    return math.log(n) - (n - 1) / n
