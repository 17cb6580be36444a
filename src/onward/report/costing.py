"""The picture of quality against cost: each model a point with its intervals and its name, and the front that nobody beats.

Left out: how either was measured (evaluate/cost, evaluate/run.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.evaluate.cost.front import Point, front, shared
from onward.train.measure import Measured


def picture(points: Sequence[Point], quality: str) -> str:
    """As SVG text: a panel for each cost that is known of all.   quality: what the numbers upright are called."""
    costs = shared(points)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.6 * len(costs) + 0.4, 3.4), layout="constrained")
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False).flatten()
        for axes, cost in zip(panels, costs, strict=True):
            _draw(axes, points, cost)
        panels[0].set_ylabel(quality)
        panels[0].set_ylim(bottom=0)
        return svg(figure)


def _draw(axes: Axes, points: Sequence[Point], cost: str) -> None:
    best = front(points, cost)
    x = [point.costs[cost].value for point in best]
    y = [point.quality.value for point in best]
    dearest = max(point.costs[cost].value for point in points)
    axes.plot([*x, dearest], [*y, y[-1]], color=ORANGE, linewidth=1.2, drawstyle="steps-post")
    for point in points:
        colour = BLUE if point in best else GREY
        axes.errorbar(
            [point.costs[cost].value],
            [point.quality.value],
            xerr=_arms(point.costs[cost]),
            yerr=_arms(point.quality),
            fmt="o",
            color=colour,
            markersize=5,
            elinewidth=1,
        )
        axes.annotate(
            point.name,
            (point.costs[cost].value, point.quality.value),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
            color=colour,
        )
    if all(point.costs[cost].value > 0 for point in points):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.25, y=0.2)
    axes.set_xlabel(cost)
    axes.grid(visible=True, linewidth=0.6)


def _arms(measured: Measured) -> list[list[float]] | None:
    """How far an interval reaches down and up; a bootstrap's may end at the value itself, and in the last digit beyond it."""
    if measured.low is None or measured.high is None:
        return None
    return [[max(0.0, measured.value - measured.low)], [max(0.0, measured.high - measured.value)]]
