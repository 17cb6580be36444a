"""Minds: who is in the room, where the thing is and who thinks what, event by event; and every plot that a few events make.

After Sally-Anne (Baron-Cohen, Leslie and Frith 1985) and ToMi (Le, Boureau and Nickel 2019, "Revisiting the evaluation of theory of mind
through question answering"). There is a room with two closed containers, 0 and 1, a thing that is in 0 at the beginning, and another
room. X and Y see how the thing is put there; Z is in the other room. What one knows of the thing comes from three sources: being in the
room when it is moved, watching that from outside without being noticed, and being told. Who comes back sees two closed containers.
What y thinks that x thinks changes when y sees that x learns something, and not otherwise.
Left out: lies, wishes, and minds within minds within minds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Literal

Does = Literal["leave", "enter", "move", "watch", "tell"]
X, Y, Z = PEOPLE = range(3)
MOST_EVENTS = 5
MOST_MOVES = 3


@dataclass(frozen=True)
class Event:
    """move: to the container that the thing is not in.   watch: the move just before, from outside.   tell: who tells whom the place."""

    does: Does
    who: int
    whom: int | None = None


@dataclass(frozen=True)
class Scene:
    """place: the container that the thing is in.   informed: who knows of the latest move.

    beliefs: (x,) is where x thinks the thing is, (y, x) where y thinks that x thinks it is; left out where it is open.
    """

    inside: frozenset[int]
    place: int
    informed: frozenset[int]
    beliefs: Mapping[tuple[int, ...], int]

    @property
    def outside(self) -> frozenset[int]:
        return frozenset(PEOPLE) - self.inside

    def after(self, event: Event) -> Scene:
        who = event.who
        match event.does:
            case "leave":
                return Scene(self.inside - {who}, self.place, self.informed, self.beliefs)
            case "enter":
                return Scene(self.inside | {who}, self.place, self.informed, self.beliefs)
            case "move":
                place = 1 - self.place
                return Scene(self.inside, place, self.inside, {**self.beliefs, **shared(self.inside, place)})
            case "watch":
                minds: list[tuple[int, ...]] = [(who,), *((who, other) for other in self.inside)]
                beliefs = {**self.beliefs, **dict.fromkeys(minds, self.place)}
                return Scene(self.inside, self.place, self.informed | {who}, beliefs)
            case "tell":
                assert event.whom is not None
                return self._told(who, event.whom)

    def _told(self, who: int, whom: int) -> Scene:
        """Whom is told may wonder who else knows, so that what they think of others is open."""
        kept = {minds: place for minds, place in self.beliefs.items() if len(minds) == 1 or minds[0] != whom}
        return Scene(self.inside, self.place, self.informed | {whom}, kept | shared({who, whom}, self.place))


def shared(people: Collection[int], place: int) -> dict[tuple[int, ...], int]:
    """What people think who see the thing at a place, and see each other see it."""
    minds: list[tuple[int, ...]] = [*permutations(people, 1), *permutations(people, 2)]
    return dict.fromkeys(minds, place)


OPENING = Scene(frozenset({X, Y}), 0, frozenset({X, Y}), shared({X, Y}, 0))


def possible(scene: Scene, last: Does | None) -> Iterator[Event]:
    """What can happen next. Who is wrong about the place moves nothing, and one tells only what is new, to somebody alone."""
    for who in PEOPLE:
        if who in scene.inside:
            yield Event("leave", who)
            if scene.beliefs.get((who,), scene.place) == scene.place:
                yield Event("move", who)
        else:
            yield Event("enter", who)
            if last == "move":
                yield Event("watch", who)
    for company in (scene.inside, scene.outside):
        if len(company) == 2:
            for who, whom in permutations(sorted(company)):
                if who in scene.informed and whom not in scene.informed:
                    yield Event("tell", who, whom)


@dataclass(frozen=True)
class Plot:
    """What happens, and the scene at the end."""

    events: tuple[Event, ...]
    scene: Scene

    def continued(self) -> Iterator[Plot]:
        for event in possible(self.scene, self.events[-1].does if self.events else None):
            yield Plot((*self.events, event), self.scene.after(event))


Cell = tuple[str, bool, bool, bool]
"""A question; whether the right answer is the real place; whether it is the first place; and, of "first", whether x has left the room at
some time, of "second", whether y is right about what x thinks, of others False."""


def cells(plot: Plot) -> Iterator[Cell]:
    """The questions that one can ask at the end of a plot: memory and reality only where they have different answers."""
    place, beliefs = plot.scene.place, plot.scene.beliefs
    first, second = beliefs[X,], beliefs.get((Y, X))
    yield "first", first == place, first == 0, Event("leave", X) in plot.events
    if second is not None:
        yield "second", second == place, second == 0, second == first
    if place != 0:
        yield "memory", False, True, False
        yield "reality", True, False, False


@cache
def plots() -> Mapping[Cell, Mapping[int, tuple[Plot, ...]]]:
    """Every plot from one event to MOST_EVENTS, with MOST_MOVES at most, by cell and number of events."""
    found: defaultdict[Cell, defaultdict[int, list[Plot]]] = defaultdict(lambda: defaultdict(list))
    longest = [Plot((), OPENING)]
    for length in range(1, MOST_EVENTS + 1):
        longest = [plot for shorter in longest for plot in shorter.continued() if _moves(plot) <= MOST_MOVES]
        for plot in longest:
            for cell in cells(plot):
                found[cell][length].append(plot)
    return {cell: {length: tuple(those) for length, those in by.items()} for cell, by in found.items()}


def _moves(plot: Plot) -> int:
    return sum(event.does == "move" for event in plot.events)
