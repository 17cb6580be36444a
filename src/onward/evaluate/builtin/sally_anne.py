"""Sally-Anne: where will somebody look for a thing that was moved, and where does somebody think that somebody will look?

A pair is two stories with the same people, thing and places, in which the same happens in another order: in one the belief is false, since
who left was away when the thing was moved, in the other it is true. A pair counts if both are right: who always names the real place is
right in the true one alone, who always names the first place in the false one alone, who guesses in a quarter. Of second order only those
pairs are taken in whose false story the person who is thought about knows the real place, so that what that person believes is no answer.
Each story is also asked where the thing was at first (memory) and where it is (reality): who fails there has not read the story.
Stories are the world's own (onward.world.minds), with things in containers of which no training text of the world tells, in wordings
that none has. Sources: Baron-Cohen, Leslie and Frith 1985; both of a pair: Ullman 2023 (arXiv 2302.08399), where small changes of a story
undo what a model seemed to know. Left out: what people know by being told, want, or pretend.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from onward.evaluate.items import Item
from onward.evaluate.minds import FALSE, MEMORY, REALITY, TRUE, counted, rows
from onward.evaluate.suite import Suite
from onward.world.minds.beliefs import Stage, Teller
from onward.world.minds.minds import Cell, Plot, plots

NAME = "sally-anne"
ABOUT = "pairs of stories with the same events in another order, so that a belief is false in one and true in the other"
PAIRS = 64
"""Of each order."""
ORDERS: dict[str, tuple[Cell, Cell]] = {
    "first": (("first", False, True, True), ("first", True, False, True)),
    "second": (("second", False, True, False), ("second", True, False, True)),
}
"""The cells of the world's plots that the false and the true story come from: asked of, whether the right place is the real one, whether it
is the first one; and of "second" whether who thinks is right about whom they think of."""
TOKENS = 32
Events = tuple[tuple[str, int, int], ...]


def suite() -> Suite:
    items = [item for order in ORDERS for number in range(PAIRS) for item in _pair(order, number)]
    return Suite(name=NAME, items=items, about=ABOUT, max_tokens=TOKENS, rows=rows, counted=counted)


Twins = tuple[tuple[Plot, ...], tuple[Plot, ...]]
"""Plots in which the same happens in another order: those with the false belief, and those with the true one."""


@cache
def twins(order: str) -> Mapping[int, Sequence[Twins]]:
    """By the number of events, so that short stories, which are few, are told as often as long ones."""
    found = defaultdict[Events, tuple[list[Plot], list[Plot]]](lambda: ([], []))
    for side, cell in enumerate(ORDERS[order]):
        for plot in (plot for those in plots()[cell].values() for plot in those):
            found[_events(plot)][side].append(plot)
    by_length = defaultdict[int, list[Twins]](list)
    for events, (false, true) in found.items():
        if false and true:
            by_length[len(events)].append((tuple(false), tuple(true)))
    return by_length


def _events(plot: Plot) -> Events:
    """What happens, in no order."""
    return tuple(sorted((event.does, event.who, event.whom or 0) for event in plot.events))


def _pair(order: str, number: int) -> list[Item]:
    """The two stories, each with its three questions."""
    random = Random(f"{NAME}/{order}/{number}")
    by_length = twins(order)
    false, true = (random.choice(those) for those in random.choice(by_length[random.choice(sorted(by_length))]))
    stage = Stage.draw(random, held_out=True)
    seed = random.random()
    found = list[Item]()
    for belief, plot in ((FALSE, false), (TRUE, true)):
        story = Teller(Random(f"{seed}"), stage, held_out=True).tell(plot)
        first, real = stage.containers[0], stage.containers[plot.scene.place]
        events = [(event.does, event.who, event.whom) for event in plot.events]
        for asks, right in ((belief, first if belief == FALSE else real), (MEMORY, first), (REALITY, real)):
            kind = {MEMORY: "memory", REALITY: "reality"}.get(asks, order)
            question, _ = Teller(Random(f"{seed} {kind}"), stage, held_out=True).ask(kind, right)
            truth = {"asks": asks, "pair": f"{order}-{number:02}", "first": first, "real": real}
            found.append(
                Item(
                    id=f"{order}-{number:02}-{belief}-{kind}",
                    messages=({"role": "user", "content": f"{story} {question}"},),
                    answers=(right,),
                    options=stage.containers,
                    group=f"{order}-{number:02}",
                    kind=f"{order} order",
                    chance=0.5,
                    truth=truth | {"events": events},
                )
            )
    return found
