"""How cost is measured, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field

from onward.errors import SuiteError


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """How many answers are put on the clock, and what an hour and a second are worth."""

    rounds: int = field(default=5, metadata={"help": "rounds, after one that warms up and is not counted"})
    alone: int = field(default=6, metadata={"help": "answers of a round that are asked for one after another"})
    at_once: int = field(default=8, metadata={"help": "answers of a round that are asked for all at once"})
    tokens: int = field(default=64, metadata={"help": "tokens of an answer at most, where no --suite says it"})
    words: int = field(default=0, metadata={"help": "words of the world's texts before each question: longer prompts"})
    watts: float | None = field(
        default=None,
        metadata={"help": "what the machine draws at work; else as its counters say, or a guess told as such"},
    )
    per_hour: float | None = field(
        default=None, metadata={"help": "price of an hour of the machine that computes, in any money"}
    )

    def __post_init__(self) -> None:
        least = {"rounds": 1, "alone": 1, "at_once": 1, "tokens": 1, "words": 0, "watts": 0, "per_hour": 0}
        for name, limit in least.items():
            value = getattr(self, name)
            if value is not None and not limit <= value < float("inf"):
                raise SuiteError(f"--{name.replace('_', '-')} {value:g}: {limit} or more, and finite.")
