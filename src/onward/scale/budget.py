"""What a person may set of a study. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from onward.train.plan import Wishes, told


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the user set by hand."""

    minutes: float = field(default=30.0, metadata=told("time for all runs together, reading included"))
    length: int | None = field(default=None, metadata=told("tokens in one training sequence"))
    vocab: int | None = field(default=None, metadata=told("tokens of the tokenizer that all sizes share"))
    device: str | None = field(default=None, metadata=told("cpu, cuda or cuda:1"))
    precision: str | None = field(default=None, metadata=told("fp32 or bf16"))
    seed: int = field(default=0, metadata=told("of the weights and of the order of the data"))

    def __post_init__(self) -> None:
        self.wishes()

    def wishes(self) -> Wishes:
        """As pretraining takes them, but not compiled: each of many shapes would wait anew.   Raises PlanError for what cannot be."""
        given = asdict(self)
        del given["vocab"]
        return Wishes(**given, eager=True)
