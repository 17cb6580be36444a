"""How answers are to be ranked, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from onward.errors import PlanError
from onward.generate.settings import Sampling

ME = "me"
"""The judge who sits at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is wanted of a model and of its judge."""

    answers: int = field(default=2, metadata={"help": "different answers to each prompt"})
    max_tokens: int = field(
        default=512, metadata={"help": "tokens of an answer at most; one that is cut off is not used"}
    )
    budget: int | None = field(
        default=None,
        metadata={"help": "tokens, read and written by model and judge, after which nothing more is asked"},
    )
    at_once: int = field(default=4, metadata={"help": "requests at a time to a URL"})
    seed: int = field(default=0, metadata={"help": "of the answers, and of which of them a person sees first"})

    def __post_init__(self) -> None:
        checks = (
            (2 <= self.answers <= 64, f"--answers {self.answers}: from 2, since one cannot be compared, to 64"),
            (self.budget is None or 1 <= self.budget <= 10**15, f"--budget {self.budget}: at least 1 token"),
            (1 <= self.at_once <= 100, f"--at-once {self.at_once}: from 1 to 100"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")
        Sampling(max_tokens=self.max_tokens, seed=self.seed)  # says what is wrong with these

    def deciding(self) -> dict[str, Any]:
        """What decides the votes; the rest only says where to stop and how fast to go, and may change on the way."""
        return {name: value for name, value in asdict(self).items() if name not in ("budget", "at_once")}
