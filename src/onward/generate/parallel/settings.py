"""How to write many tokens together, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field

from onward.errors import PlanError

ORDERS = ("certain", "random", "confident", "mask-predict", "remask")


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """For models that write blocks (`--objective diffusion`). What nobody asked for is as exact as it can be: a token a pass."""

    steps: int | None = field(
        default=None,
        metadata={
            "help": "of a model that writes blocks: passes for each block; as many as it has tokens if not given"
        },
    )
    block: int | None = field(
        default=None,
        metadata={"help": "tokens written together, left to right; as many as the model learned if not given"},
    )
    order: str = field(
        default="certain",
        metadata={
            "help": "which tokens of a block come first: where the model is most certain, at random, or those it is most confident "
            "of once drawn (confident; mask-predict takes the others back; remask takes some back)"
        },
    )

    def __post_init__(self) -> None:
        checks = (
            (self.steps is None or 1 <= self.steps < 2**20, f"--steps {self.steps}: at least 1"),
            (self.block is None or 1 <= self.block < 2**31, f"--block {self.block}: at least 1"),
            (self.order in ORDERS, f"--order {self.order}: choose {', '.join(ORDERS)}"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")
