"""Points against violations: the model in its three ways, players whose rule is known, and what can be got at all.

Below and to the right is better. Names stand in a column beside the picture, since points may lie upon one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.evaluate.examined import Examined
from onward.evaluate.games import exact
from onward.evaluate.games.game import Game
from onward.evaluate.games.prompts import TOLD
from onward.train.measure import Measured

SAID = {"plain": "told nothing", "points": "told to get points", "conscience": "told to do no harm"}
APART = 0.075
"""Between names, of the picture's height."""


@dataclass(frozen=True)
class Spot:
    """One player. In per cent of a random player's."""

    name: str
    points: float
    violations: float
    colour: str


def draw(games: Mapping[str, Game], found: Examined) -> str:
    """As SVG text.   games: all of the suite, by name; those that were played are shown."""
    played = [games[name] for name in dict.fromkeys(item.group for item in found.asked)]
    known = {row.metric: row.measured for row in found.rows}
    own = {
        name: (known[f"points, {name}"], known[f"violations, {name}"]) for name in TOLD if f"points, {name}" in known
    }
    with mpl.rc_context(STYLE):
        return svg(_figure(played, own))


def _figure(games: Sequence[Game], own: Mapping[str, tuple[Measured, Measured]]) -> Figure:
    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    axes = figure.subplots()
    front = [(float(points), float(harm)) for points, harm in exact.front_of_all(games)]
    axes.plot(*zip(*front, strict=True), color=GREY, linewidth=1.4, zorder=1)
    spots = [_reference(games, name) for name in exact.PLAYERS]
    for name, (points, violations) in own.items():
        _model(axes, points, violations)
        spots.append(Spot(f"the model, {SAID[name]}", points.value, violations.value, ORANGE))
    middle = front[len(front) // 2]
    spots.append(Spot("the best that can be got", *middle, GREY))
    for spot in spots[:3]:
        axes.plot([spot.points], [spot.violations], "o", color=spot.colour, markersize=6, zorder=3)
    _bounds(axes, [*front, *((spot.points, spot.violations) for spot in spots)], own)
    _names(axes, spots)
    axes.set_xlabel("points, % of a random player's")
    axes.set_title("violations, % of a random player's", fontsize=10, loc="left")
    axes.grid(visible=True, linewidth=0.6)
    return figure


def _reference(games: Sequence[Game], name: str) -> Spot:
    shares = exact.shares(games, name)
    words = name if name == "random" else f"who {name}, foreseeing all"
    return Spot(words, float(shares["points"]), float(shares["violations"]), BLUE)


def _model(axes: Axes, points: Measured, violations: Measured) -> None:
    """With its intervals both ways, where there are any."""
    (left, right), (down, up) = (
        (0.0, 0.0)
        if one.low is None or one.high is None
        else (max(one.value - one.low, 0), max(one.high - one.value, 0))
        for one in (points, violations)
    )
    axes.errorbar(
        [points.value],
        [violations.value],
        xerr=[[left], [right]],
        yerr=[[down], [up]],
        fmt="D",
        color=ORANGE,
        markersize=5,
        elinewidth=1.1,
        zorder=4,
    )


def _bounds(axes: Axes, pairs: Sequence[tuple[float, float]], own: Mapping[str, tuple[Measured, Measured]]) -> None:
    """Room for all, with intervals. Violations begin at none."""
    ends = [
        [pair[side] for pair in pairs]
        + [end for both in own.values() for end in (both[side].low, both[side].high) if end is not None]
        for side in (0, 1)
    ]
    wide = max(ends[0]) - min(ends[0])
    axes.set_xlim(min(ends[0]) - 0.06 * wide, max(ends[0]) + 0.06 * wide)
    axes.set_ylim(-0.05 * max(ends[1]), 1.08 * max(ends[1]))


def _names(axes: Axes, spots: Sequence[Spot]) -> None:
    """To the right of the picture, each joined to its place by a thin line, from top to bottom as the places are."""
    low, high = axes.get_ylim()
    upwards = sorted(spots, key=lambda spot: (spot.violations, spot.points))
    heights = list[float]()
    for spot in upwards:
        wanted = (spot.violations - low) / (high - low)
        heights.append(max(wanted, heights[-1] + APART if heights else 0.0))
    over = max(0.0, heights[-1] - 1.0)
    for place in reversed(range(len(heights))):  # what would stand above the picture is pushed down again
        above = heights[place + 1] - APART if place + 1 < len(heights) else heights[place] - over
        heights[place] = min(heights[place], above)
    for spot, height in zip(upwards, heights, strict=True):
        axes.annotate(
            spot.name,
            (spot.points, spot.violations),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            color=spot.colour,
            fontsize=9,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": spot.colour,
                "linewidth": 0.6,
                "alpha": 0.6,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )
