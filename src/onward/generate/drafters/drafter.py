"""What a drafter is: it proposes a tree of tokens that may follow a text, and is told what came of it.

Left out: anything that needs the engine. Whether a proposal is right is not a drafter's business: verify.py decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onward.generate.drafters.tree import Tree


class Drafter(Protocol):
    """One drafter may serve many texts in turn: a text is known by its ids. Subclass it to inherit that nothing is remembered."""

    name: str

    def propose(self, ids: Sequence[int], k: int, seed: int) -> Tree:
        """At most k tokens that may follow `ids`; an empty tree where there is no idea.

        A pure function of (ids, k, seed) and of what `observe` was told; whatever else is remembered only saves time.
        """

    def observe(self, proposed: Tree, accepted: Sequence[int]) -> None:
        """Of a tree that this drafter proposed, the nodes that were accepted: a path from the text on, empty where none was."""

    def forget(self, ids: Sequence[int]) -> None:
        """The text `ids` has ended, or goes on differently from here: what is kept for it, its beginnings and what followed can go."""
