"""What a drafter is: it proposes a tree of tokens that may follow a text, and is told what came of it.

Left out: anything that needs the engine. Whether a proposal is right is not a drafter's business: verify.py decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from torch import Tensor

from onward.generate.drafters.tree import Tree
from onward.generate.settings import Sampling
from onward.generate.streams import derived


@dataclass(frozen=True, kw_only=True)
class Aim:
    """How the target will draw what is to be foretold. A drafter that draws does it in the same way.

    coupled: the target takes its own draws, so whoever draws with the same noise, as sampling.draw does from the same seed, agrees with it
    most often. Else (verification by ratio) the drafters' seeds are none of the target's.
    hidden: (width,) what the target's last token was drawn from, after the final norm; None where that is not known.
    """

    sampling: Sampling = field(default_factory=Sampling)
    coupled: bool = True
    hidden: Tensor | None = None

    def apart(self, number: int) -> Aim:
        """For one of several drafters: noise of its own, where what is proposed must be as if drawn independently."""
        if self.coupled:
            return self
        return replace(self, sampling=replace(self.sampling, seed=derived(self.sampling.seed, number)))


class Drafter(Protocol):
    """One drafter may serve many texts in turn: a text is known by its ids. Subclass it to inherit that nothing is remembered."""

    name: str

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        """At most k tokens that may follow `ids`; an empty tree where there is no idea.

        A pure function of (ids, k, aim) and of what `observe` was told; whatever else is remembered only saves time.
        """

    def observe(self, proposed: Tree, accepted: Sequence[int]) -> None:
        """Of a tree that this drafter proposed, the nodes that were accepted: a path from the text on, empty where none was."""
        del proposed, accepted  # most learn nothing from it

    def forget(self, ids: Sequence[int]) -> None:
        """The text `ids` has ended, or goes on differently from here: what is kept for it, its beginnings and what followed can go."""
        del ids  # and most keep nothing
