"""Several drafters as one: their trees merged within one budget, or one of them picked by what it has earned so far.

What a drafter earns is accepted tokens for the seconds that its proposals cost: to draft them (measured), and to verify them (a price for
each token, since every proposed token makes the target's pass longer). Left out: forgetting. What was earned counts as long as the object
lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree, merge
from onward.generate.streams import uniform


@dataclass
class Earned:
    """What came of a drafter's proposals: tokens proposed and accepted, proposals made, seconds spent on drafting."""

    proposed: int = 0
    accepted: int = 0
    rounds: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """What one drafter put into a tree. places: for each node of its own tree the node it became, None where there was no room."""

    drafter: int
    tree: Tree
    places: list[int | None]
    seconds: float


@dataclass(frozen=True, eq=False)
class Joint(Tree):
    """A tree that knows who proposed what, so that nothing has to be remembered until it is verified."""

    parts: tuple[Part, ...] = ()


class Many(Drafter):
    """how: "merge" lets all propose and keeps the first k nodes, the drafters taking turns, those that earned most first; "pick" asks the
    one that earned most, and the next where it has no idea.

    token_seconds: what verifying one proposed token costs the target.   explore: the share of rounds in which "pick" asks another one.
    clock: seconds; where it is a pure function of the calls made, so are the proposals.
    """

    def __init__(
        self,
        drafters: Sequence[Drafter],
        how: Literal["merge", "pick"] = "merge",
        *,
        token_seconds: float = 1e-3,
        explore: float = 0.1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not drafters or not token_seconds > 0 or not 0 <= explore <= 1:
            raise PlanError(
                "several drafters: at least one, a price of a token above 0 seconds, and exploring from 0 to 1."
            )
        self.drafters, self.how = list(drafters), how
        self.name = f"{how}({', '.join(drafter.name for drafter in drafters)})"
        self.token_seconds, self.explore, self.clock = token_seconds, explore, clock
        self.earned = [Earned() for _ in drafters]

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Joint:
        parts: list[Part] = []
        for number in self._ranked(len(ids), aim.sampling.seed):
            before = self.clock()
            tree = self.drafters[number].propose(ids, k, aim.apart(number))
            parts.append(Part(number, tree, [], self.clock() - before))
            if self.how == "pick" and len(tree):
                break
        merged, places = merge([part.tree for part in parts], k)
        parts = [Part(part.drafter, part.tree, went, part.seconds) for part, went in zip(parts, places, strict=True)]
        return Joint(merged.tokens, merged.parents, merged.chances, tuple(parts))

    def observe(self, proposed: Tree, accepted: Sequence[int]) -> None:
        """Credit everyone who proposed the accepted path with that part of it that it proposed itself."""
        if not isinstance(proposed, Joint):
            raise ValueError("this tree was proposed by another drafter")
        path = set(accepted)
        for part in proposed.parts:
            own = [node for node, place in enumerate(part.places) if place in path]
            earned = self.earned[part.drafter]
            earned.proposed += sum(place is not None for place in part.places)
            earned.accepted += len(own)
            earned.rounds += 1
            earned.seconds += part.seconds
            self.drafters[part.drafter].observe(part.tree, own)

    def forget(self, ids: Sequence[int]) -> None:
        for drafter in self.drafters:
            drafter.forget(ids)

    def worth(self, number: int) -> float:
        """Accepted tokens of a drafter for a second that its proposals cost; infinite for one that has proposed nothing yet."""
        earned = self.earned[number]
        if not earned.proposed:
            return np.inf if not earned.rounds else 0.0
        return earned.accepted / (earned.seconds + earned.proposed * self.token_seconds)

    def _ranked(self, length: int, seed: int) -> list[int]:
        """The drafters, those that earned most first, of equals the first given; now and then another one before them."""
        ranked = sorted(range(len(self.drafters)), key=self.worth, reverse=True)
        chance, which = uniform(seed, "explore", length, np.arange(2)).tolist()
        if self.how == "pick" and chance < self.explore:
            another = ranked[int(which * len(ranked))]
            ranked = [another, *(number for number in ranked if number != another)]
        return ranked
