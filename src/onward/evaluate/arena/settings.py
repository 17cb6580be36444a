"""How models answer where answers are compared, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field

from onward.generate.settings import Sampling


@dataclass(frozen=True, kw_only=True)
class Answering:
    """The same for all models."""

    temperature: float = field(default=0.7, metadata={"help": "of all models; 0 always takes the likeliest token"})
    max_tokens: int = field(default=512, metadata={"help": "tokens of an answer at most"})
    seed: int = field(default=0, metadata={"help": "of the answers, and of whatever else is drawn"})

    def __post_init__(self) -> None:
        self.sampling  # noqa: B018 (says what is wrong with these)

    @property
    def sampling(self) -> Sampling:
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed)
