"""The drawings of a reinforcement, out of its metrics: answers drawn once, and the steps that learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

REPEATED = ("reward", "reward_spread", "kl", "answer_tokens", "disagreement")
AVERAGED = ("loss", "entropy", "clipped", "value_error")
WATCHED = "watched "
"""What the name of a reward that is only watched begins with."""


@dataclass(frozen=True)
class Drawing:
    """One drawing of answers and the steps that learned from it.   step: its last one.   figures: as in metrics.jsonl."""

    step: int
    figures: dict[str, float]


def drawings_of(metrics: Sequence[dict[str, Any]]) -> list[Drawing]:
    """Steps that learned from the same answers, as one: their figures as they stand at its last step, and the mean of what each step
    measures anew.

    A drawing is known by its figures, which all of its steps repeat.
    """
    found: list[list[dict[str, Any]]] = []
    for line in metrics:
        if found and all(line.get(name) == found[-1][-1].get(name) for name in REPEATED):
            found[-1].append(line)
        else:
            found.append([line])
    return [Drawing(steps[-1]["step"], _merged(steps)) for steps in found]


def _merged(steps: list[dict[str, Any]]) -> dict[str, float]:
    merged = {name: value for line in steps for name, value in line.items() if value is not None}
    for name in AVERAGED:
        values = [line[name] for line in steps if line.get(name) is not None]
        if values:
            merged[name] = sum(values) / len(values)
    return merged


def watched(drawings: Sequence[Drawing]) -> list[str]:
    """The names of the rewards that were only watched."""
    return [name for one in drawings[:1] for name in one.figures if name.startswith(WATCHED)]


def short(name: str) -> str:
    """A watched reward's name without the folders that it is in."""
    return name.removeprefix(WATCHED).rpartition("/")[2]
