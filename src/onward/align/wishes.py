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
class RolloutWishes:
    """How answers are drawn, and how much is learned from them. Everything left at None is chosen by the method."""

    answers: int | None = field(default=None, metadata=told("drawn for each prompt"))
    rollouts: int = field(default=128, metadata=told("answers drawn, in all, before they are learned from"))
    max_tokens: int = field(default=64, metadata=told("tokens of an answer at most"))
    epochs: int | None = field(default=None, metadata=told("times that the same answers are learned from"))
    minibatches: int | None = field(default=None, metadata=told("optimiser steps, each time"))
    kl: float | None = field(
        default=None, metadata=told("the price, in reward, of a nat of divergence from the model it began with")
    )
    kl_target: float | None = field(
        default=None, metadata=told("nats of divergence an answer; the price is raised and lowered to hold it")
    )
    clip: float = field(default=0.2, metadata=told("how far a token's probability may move in a step, as a ratio"))
    entropy: float = field(default=0.0, metadata=told("the reward for a nat of entropy"))

    def __post_init__(self) -> None:
        checks = (
            (self.answers is None or 1 <= self.answers <= 1024, f"--answers {self.answers}: from 1 to 1,024"),
            (1 <= self.rollouts <= 2**20, f"--rollouts {self.rollouts}: from 1 to {2**20:,}"),
            (1 <= self.max_tokens < 2**24, f"--max-tokens {self.max_tokens}: at least 1"),
            (self.epochs is None or 1 <= self.epochs <= 1000, f"--epochs {self.epochs}: from 1 to 1,000"),
            (
                self.minibatches is None or 1 <= self.minibatches <= self.rollouts,
                f"--minibatches {self.minibatches}: from 1 to the {self.rollouts} of --rollouts",
            ),
            (self.kl is None or 0 <= self.kl < 1e6, f"--kl {self.kl}: 0 or more"),
            (self.kl_target is None or 0 < self.kl_target < 1e6, f"--kl-target {self.kl_target}: above 0"),
            (0 < self.clip <= 10, f"--clip {self.clip}: above 0, such as 0.2"),
            (0 <= self.entropy < 1e6, f"--entropy {self.entropy}: 0 or more"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")


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
