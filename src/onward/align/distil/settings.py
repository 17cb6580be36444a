"""How a teacher is to be asked, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from onward.errors import PlanError
from onward.generate.settings import Sampling

COUNT = 100
"""Conversations, where nothing says how many."""


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """What is wanted from a teacher, and at what price."""

    count: int | None = field(
        default=None,
        metadata={"help": f"conversations to end with; {COUNT} without it, or with --answers-only one for every seed"},
    )
    budget: int | None = field(
        default=None, metadata={"help": "tokens, read and written by the teacher, after which nothing more is asked"}
    )
    answers_only: bool = field(
        default=False, metadata={"help": "ask the seeds' own questions, for a teacher that cannot write new ones"}
    )
    keep_refusals: bool = field(default=False, metadata={"help": "keep answers by which the teacher refuses"})
    examples: int = field(default=8, metadata={"help": "instructions shown when new ones are asked for"})
    temperature: float = field(default=0.7, metadata={"help": "of the answers; 0 always takes the likeliest token"})
    writing_temperature: float = field(default=1.0, metadata={"help": "of the new instructions"})
    max_tokens: int = field(
        default=512, metadata={"help": "tokens of an answer at most; one that is cut off is dropped"}
    )
    at_once: int = field(default=4, metadata={"help": "requests at a time to a URL; a folder takes one at a time"})
    seed: int = field(default=0, metadata={"help": "of the examples and of the draws; same seed, same conversations"})

    def __post_init__(self) -> None:
        checks = (
            (self.count is None or 1 <= self.count <= 10**9, f"--count {self.count}: at least 1"),
            (self.budget is None or 1 <= self.budget <= 10**15, f"--budget {self.budget}: at least 1 token"),
            (1 <= self.examples <= 100, f"--examples {self.examples}: from 1 to 100"),
            (
                0 <= self.writing_temperature < float("inf"),
                f"--writing-temperature {self.writing_temperature}: 0 or more",
            ),
            (1 <= self.at_once <= 100, f"--at-once {self.at_once}: from 1 to 100"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")
        Sampling(
            temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed
        )  # says what is wrong with these

    def deciding(self) -> dict[str, Any]:
        """What decides the conversations; the rest only says where to stop and how fast to go, and may change on the way."""
        return {name: value for name, value in asdict(self).items() if name not in ("count", "budget", "at_once")}
