"""What a user can set of alignment, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field

from onward.train.plan import told


@dataclass(frozen=True, kw_only=True)
class RewardWishes:
    """How rankings of answers are learned."""

    margin: bool = field(
        default=False,
        metadata=told("where answers have scores: a better answer must be ahead by the difference of the scores"),
    )
    length_controlled: bool = field(
        default=False, metadata=told("weigh the rankings so that the longer answer is the better one in half of them")
    )
