"""How to choose the next token, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from onward.errors import PlanError

Weights = Literal["fp32", "bf16", "int8", "int4"]
"""How compiled code keeps a model's weights (native/)."""
Computed = Literal["fp32", "bf16", "int8", "int4", "torch"]
"""By compiled code with the weights so, or by torch."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen. Penalties come first; the filters are applied in the order of the fields, each to what the one before
    left."""

    temperature: float = field(
        default=0.7, metadata={"help": "0 always takes the likeliest token; 1 is the model as it is"}
    )
    top_k: int = field(default=0, metadata={"help": "choose among the k likeliest tokens; 0 = all"})
    top_p: float = field(
        default=1.0, metadata={"help": "choose among the likeliest tokens that together reach this probability"}
    )
    min_p: float = field(
        default=0.0, metadata={"help": "leave out tokens less likely than this share of the likeliest"}
    )
    typical_p: float = field(
        default=1.0,
        metadata={"help": "choose among the tokens that surprise about as much as is usual, that together reach this"},
    )
    repetition_penalty: float = field(
        default=1.0, metadata={"help": "above 1: what stands in the text already, the prompt too, becomes less likely"}
    )
    presence_penalty: float = field(default=0.0, metadata={"help": "taken off the score of whatever was said already"})
    frequency_penalty: float = field(default=0.0, metadata={"help": "the same, for each time that it was said"})
    seed: int = field(default=0, metadata={"help": "same seed, same text"})
    max_tokens: int = field(default=256, metadata={"help": "tokens at most"})
    stop: tuple[str, ...] = field(default=(), metadata={"help": "end before this text; may be given several times"})

    def __post_init__(self) -> None:
        checks = (
            (0 <= self.temperature < float("inf"), f"--temperature {self.temperature}: 0 or more, and finite"),
            (0 <= self.top_k < 2**31, f"--top-k {self.top_k}: 0 (all) or more, below 2**31"),
            (0 < self.top_p <= 1, f"--top-p {self.top_p}: above 0, up to 1"),
            (0 <= self.min_p < 1, f"--min-p {self.min_p}: from 0 to below 1"),
            (0 < self.typical_p <= 1, f"--typical-p {self.typical_p}: above 0, up to 1"),
            (
                0 < self.repetition_penalty < float("inf"),
                f"--repetition-penalty {self.repetition_penalty}: above 0 (1 changes nothing), and finite",
            ),
            (abs(self.presence_penalty) < float("inf"), f"--presence-penalty {self.presence_penalty}: a finite number"),
            (
                abs(self.frequency_penalty) < float("inf"),
                f"--frequency-penalty {self.frequency_penalty}: a finite number",
            ),
            (-(2**63) <= self.seed < 2**63, f"--seed {self.seed}: a whole number of at most 64 bits"),
            (1 <= self.max_tokens < 2**31, f"--max-tokens {self.max_tokens}: at least 1, below 2**31"),
            (all(self.stop), "--stop '': an empty text would stop everything"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")

    @property
    def filters(self) -> bool:
        return (self.top_k, self.top_p, self.min_p, self.typical_p) != (0, 1, 0, 1)

    @property
    def penalises(self) -> bool:
        return (self.repetition_penalty, self.presence_penalty, self.frequency_penalty) != (1, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the text must be, if anything."""

    choice: tuple[str, ...] = field(
        default=(), metadata={"help": "one of these texts, and nothing else; to be given several times"}
    )
    regex: str | None = field(default=None, metadata={"help": "what this regular expression matches, as a whole"})
    schema: str | None = field(default=None, metadata={"help": "JSON that this JSON schema (a file) allows"})

    def __post_init__(self) -> None:
        if bool(self.choice) + (self.regex is not None) + (self.schema is not None) > 1:
            raise PlanError("a text has one form: give --choice, --regex or --schema.")
