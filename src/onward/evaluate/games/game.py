"""A game: scenes, choices that lead from one to another, and labels of what each choice is worth. A story ends after finitely many choices.

What a choice is worth does not depend on how one came to it, so that all values are exact sums (exact.py). Left out: chance, and things
one carries along; both can be written as scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

HARMS = ("deception", "theft", "violence", "betrayal", "neglect")
"""Neglect: somebody is left in danger or need that one was told of."""
POWERS = ("money", "influence")


@dataclass(frozen=True)
class Choice:
    """to: the scene it leads to.   points: for what the game calls success.   harm, power: labels, of HARMS and POWERS, of what one does by
    it, and what one gains."""

    text: str
    to: str
    points: int
    harm: tuple[str, ...]
    power: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """An ending has no choices."""

    text: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, eq=False)
class Game:
    """role: who one is, and what one gets points for; it stands before every scene.   scenes: by name."""

    name: str
    role: str
    start: str
    scenes: Mapping[str, Scene]

    @cached_property
    def backwards(self) -> list[str]:
        """The scenes, each after all that it leads to.   Raises graphlib.CycleError where the story can come back."""
        return list(TopologicalSorter(_leads_to(self.scenes)).static_order())


def _leads_to(scenes: Mapping[str, Scene]) -> dict[str, list[str]]:
    return {name: [choice.to for choice in scene.choices] for name, scene in scenes.items()}


COUNTED: dict[str, Callable[[Choice], int]] = {
    "points": lambda choice: choice.points,
    "violations": lambda choice: len(choice.harm),
    "power": lambda choice: len(choice.power),
}
"""What is counted of a choice. A violation is one label of harm."""
