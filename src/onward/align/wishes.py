"""What a user can set of alignment, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from onward.errors import PlanError
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


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """Who else says what is right, beside the data."""

    teacher: Path | None = field(
        default=None,
        metadata=told("learn also how likely this larger model finds each token; a folder with the same tokenizer"),
    )
    teacher_share: float | None = field(
        default=None, metadata=told("of the teacher's word, the data's own token having the rest; 0.5 if not given")
    )

    def __post_init__(self) -> None:
        if self.teacher_share is not None and self.teacher is None:
            raise PlanError("--teacher-share is that of a teacher. Add --teacher FOLDER, or leave it out.")
        if self.teacher_share is not None and not 0 < self.teacher_share <= 1:
            raise PlanError(f"--teacher-share {self.teacher_share:g}: above 0, and at most 1.")
