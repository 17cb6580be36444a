"""The steps of a training on rankings, of a reward model or directly of a policy: how many rankings a step learns from, and how many steps.

Left out: the rankings themselves (rankings.py), and what is learned from them (reward.py, direct).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from onward.model.config import TrunkConfig
from onward.train import size
from onward.train.machine import Machine
from onward.train.plan import TrainPlan, Wishes

LONGEST = 2048
"""Tokens of an answer with its prompt where --length says nothing and the model has positions for more."""
LEAST, MOST = 16, 64
"""Rankings in a step: as many as make a hundred steps of a pass, but no fewer and no more than these."""


@dataclass(frozen=True)
class RankedSteps:
    """draft: the plan but for its steps.   at_once: rankings in a step.   rankings: those learned from."""

    draft: TrainPlan
    at_once: int
    rankings: int

    @classmethod
    def begin(
        cls,
        sizes: Sequence[int],
        rankings: int,
        wishes: Wishes,
        found: Machine,
        config: TrunkConfig,
        *,
        lr: float,
        lr_embedding: float,
        reasons: dict[str, str],
    ) -> RankedSteps:
        """sizes: tokens of each answer with its prompt, of all rankings."""
        answers = len(sizes) / rankings
        at_once = min(MOST, max(LEAST, rankings // 100))
        draft = size.begin(
            TrainPlan(
                steps=1,
                length=max(sizes),
                batch_tokens=round(at_once * answers) * max(sizes),
                rows_per_pass=1,
                lr=lr,
                lr_embedding=lr_embedding,
                reasons=reasons,
            ),
            wishes,
            found,
            config,
        )
        at_once = max(1, round(draft.rows / answers))
        said = {
            "batch_tokens": f"{at_once} rankings, if all of their answers were as long as the longest one",
            "compile": "answers differ in length, and every length would be compiled anew",
        }
        return cls(size.explained(replace(draft, compile=False), said), at_once, rankings)

    def finish(self, wishes: Wishes, passes: float, began: float) -> Callable[[float], TrainPlan]:
        """Makes the whole plan of the seconds that a step takes.   passes: at most, where nothing is said.   began: on perf_counter."""

        def finish(seconds: float) -> TrainPlan:
            return size.with_time(
                self.draft,
                wishes,
                seconds_per_step=seconds,
                rows=round(self.rankings / self.at_once * self.draft.rows),
                most_passes=None if wishes.steps else wishes.passes or passes,
                spent=time.perf_counter() - began,
            )

        return finish
