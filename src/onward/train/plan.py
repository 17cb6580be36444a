"""The plan of a training: how long, how fast, how precisely, and why. No torch here, so that `--help` stays quick.

`Wishes` and `Shape` are what a person asked for (None = choose for me); `TrainPlan` is what will be done, every field settled and most with
a reason. The rules that turn one into the other are in size.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from onward.errors import PlanError

BASE_PRECISIONS = ("fp32", "int8")
"""Of the weights beside which an adapter learns."""


def told(text: str) -> dict[str, str]:
    """Metadata of a field: the help that the command line shows for it."""
    return {"help": text}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user set by hand. Everything left at None is chosen, and the plan says why."""

    minutes: float | None = field(default=None, metadata=told("time to train; size and steps follow from it"))
    steps: int | None = field(
        default=None, metadata=told("optimiser steps, instead of --minutes; same command, same weights")
    )
    passes: float | None = field(
        default=None, metadata=told("most passes over the data; beyond a few, it is learned by heart")
    )
    length: int | None = field(default=None, metadata=told("tokens in one training sequence"))
    batch: int | None = field(default=None, metadata=told("tokens in one optimiser step"))
    lr: float | None = field(default=None, metadata=told("peak learning rate of the matrices (Muon)"))
    checkpoint_every: int | None = field(default=None, metadata=told("steps between checkpoints"))
    keep: bool = field(default=False, metadata=told("keep the model at each checkpoint too, as a folder in OUT/kept"))
    device: str | None = field(default=None, metadata=told("cpu, cuda or cuda:1"))
    precision: str | None = field(default=None, metadata=told("fp32 or bf16"))
    ema: float | None = field(
        default=None, metadata=told("decay of a running average of the weights, such as 0.999; it becomes the model")
    )
    skip_spikes: bool = field(
        default=False, metadata=told("leave out batches whose loss jumps up; go back if it stays there")
    )
    eager: bool = field(default=False, metadata=told("without torch.compile"))
    seed: int = field(default=0, metadata=told("of the weights and of the order of the data"))

    def __post_init__(self) -> None:
        if self.minutes is not None and self.steps is not None:
            raise PlanError("--minutes and --steps both say how long to train; give one of them.")
        most = {
            "minutes": 1e7,
            "steps": 10**12,
            "passes": 1e6,
            "length": 2**24,
            "batch": 2**32,
            "lr": 100,
            "checkpoint_every": 10**12,
        }
        _check_range(self, most)
        if self.ema is not None and not 0 < self.ema < 1:
            raise PlanError(f"--ema {self.ema:g}: between 0 and 1, such as 0.999.")
        if not 0 <= self.seed < 2**63:
            raise PlanError(f"--seed {self.seed}: a whole number from 0 on.")
        if self.precision not in (None, "fp32", "bf16"):
            raise PlanError(f"--precision {self.precision}: choose fp32 or bf16.")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the user set of a new model's shape by hand. Everything left at None is chosen."""

    depth: int | None = field(default=None, metadata=told("blocks of the trunk"))
    width: int | None = field(default=None, metadata=told("width of the trunk"))
    heads: int | None = field(default=None, metadata=told("attention heads"))
    experts: int | None = field(
        default=None, metadata=told("feed-forward networks a block, of which each token visits two")
    )

    def __post_init__(self) -> None:
        _check_range(self, {"depth": 10_000, "width": 2**24, "heads": 2**20, "experts": 2**16})
        if self.experts is not None and self.experts < 2:
            raise PlanError("--experts 1: each token visits two, so there must be at least 2. Leave it out for none.")


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What the user wants to train beside the model instead of the model; with no method, the model itself."""

    adapter: str | None = field(
        default=None,
        metadata=told("train a few weights beside the model, which stays as it is: lora, dora, ia3 or another of peft"),
    )
    rank: int | None = field(
        default=None, metadata=told("of the adapter's matrices; 16 for LoRA where nothing is said")
    )
    base_precision: str | None = field(
        default=None, metadata=told("of the model's weights beside the adapter: fp32, or int8, where memory is short")
    )

    def __post_init__(self) -> None:
        _check_range(self, {"rank": 2**16})
        if self.rank is not None and self.adapter is None:
            raise PlanError("--rank is that of an adapter. Add --adapter lora, or leave it out.")
        if self.base_precision is not None and self.adapter is None:
            raise PlanError(
                "--base-precision is that of a model beside which an adapter learns. Add --adapter lora, or leave it out."
            )
        if self.base_precision not in (None, *BASE_PRECISIONS):
            raise PlanError(f"--base-precision {self.base_precision}: choose {' or '.join(BASE_PRECISIONS)}.")


def _check_range(wishes: Wishes | Shape | Adapter, most: dict[str, float]) -> None:
    """PlanError for what is not above 0, or above what any machine could do."""
    for name, limit in most.items():
        value = getattr(wishes, name)
        if value is not None and not 0 < value <= limit:
            raise PlanError(
                f"--{name.replace('_', '-')} {value}: it must be a number above 0, and at most {limit:,.0f}."
            )


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """Everything that decides a training, apart from the model and the data. Reasons are kept beside the values."""

    steps: int = field(metadata=told("optimiser steps"))
    length: int = field(metadata=told("tokens in one sequence"))
    batch_tokens: int = field(metadata=told("tokens in one optimiser step"))
    rows_per_pass: int = field(metadata=told("sequences that pass through the model at once; the rest is accumulated"))
    lr: float = field(default=0.02, metadata=told("peak learning rate of the matrices (Muon)"))
    lr_embedding: float = field(
        default=0.016, metadata=told("peak learning rate of embeddings, gains and biases (AdamW)")
    )
    weight_decay: float = field(default=0.01, metadata=told("decay of the matrices, scaled by their learning rate"))
    warmup: float = field(default=0.02, metadata=told("share of the steps spent warming up"))
    decay: float = field(default=0.5, metadata=told("share of the steps, at the end, spent decaying to zero"))
    clip: float = field(default=1.0, metadata=told("largest norm of the gradient"))
    ema: float | None = field(
        default=None, metadata=told("decay of the running average of the weights, if there is one")
    )
    skip_spikes: bool = field(default=False, metadata=told("whether batches whose loss jumps up are left out"))
    seed: int = field(default=0, metadata=told("of the weights and of the order of the data"))
    device: str = field(default="cpu", metadata=told("where it is trained"))
    precision: str = field(default="fp32", metadata=told("of the matrix products; the weights themselves stay in fp32"))
    base_precision: str | None = field(
        default=None, metadata=told("of the weights that stay as they are, if an adapter learns beside them")
    )
    held_out_every: int = field(default=100, metadata=told("steps between measurements on held-out data"))
    checkpoint_every: int = field(default=100, metadata=told("steps between checkpoints"))
    keep: bool = field(default=False, metadata=told("whether the model at each checkpoint is kept as a folder"))
    compile: bool = field(default=False, metadata=told("whether torch.compile makes the steps quicker"))
    recompute: bool = field(default=False, metadata=told("work out activations twice, where memory is short"))
    minutes: float | None = field(default=None, metadata=told("time for all the steps, where that was asked for"))
    most_steps: int | None = field(
        default=None, metadata=told("steps after which the data would be learned by heart, however much time is left")
    )
    planned_again: int = field(
        default=0, metadata=told("the step at which the steps were counted for the last time, by the clock")
    )
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("steps", "length", "batch_tokens", "rows_per_pass", "held_out_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise PlanError(f"the plan's {name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.warmup + self.decay <= 1 + 1e-9:
            raise PlanError(
                f"warm-up ({self.warmup:g}) and decay ({self.decay:g}) leave no time between them; together at most 1."
            )

    @property
    def rows(self) -> int:
        """Sequences in one optimiser step."""
        return max(1, self.batch_tokens // self.length)

    def rate(self, step: int) -> float:
        """The learning rate at `step` (from 0) as a share of its peak: up, flat, and down to zero in a straight line."""
        up, down = self.warmup * self.steps, self.decay * self.steps
        return min(1.0, (step + 1) / max(up, 1.0), (self.steps - step) / max(down, 1.0))

    @property
    def decay_from(self) -> int:
        """The step (from 0) at which the rate begins to fall."""
        return int(self.steps - self.decay * self.steps)

    def explain(self) -> list[tuple[str, str, str]]:
        """(name, value, reason) of each field, for people; options that nobody asked for are left out."""
        hidden = {"reasons", "minutes", "most_steps", "planned_again"} | {
            n for n in ("ema", "skip_spikes", "base_precision", "keep") if not getattr(self, n)
        }
        return [(n, _said(v), self.reasons.get(n, "")) for n, v in self.to_json().items() if n not in hidden]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def clock(seconds: float) -> str:
    """Seconds as people say them: 45 s, 3:05, 2:10:00."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    return f"{hours}:{minutes}" if hours else minutes
