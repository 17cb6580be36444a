"""Teacher: a judge that knows the gold reward but errs, at a known rate, and with a known liking for longer answers.

Of two answers it prefers the worse one with a chance of error + bias if the worse one is the longer, error - bias if it is the shorter,
and error if they are of the same length, in characters; nothing else matters to it, not even by how much the one is better. Where as many
of the worse answers are longer as shorter, as in preferences.py, it errs at exactly the error rate over all.
Left out: errors of other shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from onward.errors import WorldError

BLOCK = 20
"""Of so many pairs of the same kind in a row, the number of errors is exact; which ones they are is drawn."""


@dataclass(frozen=True)
class Teacher:
    """error: the share of pairs on which it errs.   bias: how much more often where the worse answer is longer. Raises WorldError."""

    error: float = 0.2
    bias: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.bias <= min(self.error, 1 - self.error):
            raise WorldError(
                f"a teacher with an error of {self.error:g} and a bias of {self.bias:g}: error ± bias must lie in [0, 1]."
            )
        if any(abs(BLOCK * rate - round(BLOCK * rate)) > 1e-9 for rate in (self.error, self.bias)):
            raise WorldError(
                f"a teacher with an error of {self.error:g} and a bias of {self.bias:g}: both in steps of {1 / BLOCK:g}."
            )

    def error_rate(self, *, better: str, worse: str) -> float:
        """How likely it is to prefer the worse text."""
        return self.error + self.bias * ((len(worse) > len(better)) - (len(worse) < len(better)))

    def prefers_worse(self, random: Random, *, better: str, worse: str) -> bool:
        """Its judgement of one pair."""
        return random.random() < self.error_rate(better=better, worse=worse)

    def errors(self, random: Random, *, worse_is_longer: bool) -> Sequence[bool]:
        """Its judgements of BLOCK pairs of one kind: whether it errs on each; as often as it should, and never more nor less."""
        rate = self.error + (self.bias if worse_is_longer else -self.bias)
        wrong = set(random.sample(range(BLOCK), round(BLOCK * rate)))
        return [place in wrong for place in range(BLOCK)]
