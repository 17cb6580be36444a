"""The picture of quality against cost: each model a point with its intervals and its name, and the front that nobody beats.

Left out: how either was measured (evaluate/cost, evaluate/run.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.evaluate.cost.front import Point, front, shared
from onward.report.figures import BLUE, GREY, ORANGE, STYLE, svg


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
    axes.plot(
        [point.costs[cost].value for point in best],
        [point.quality.value for point in best],
        color=ORANGE,
        linewidth=1.2,
        drawstyle="steps-post",
    )
    for point in points:
        x, y = point.costs[cost], point.quality
        colour = BLUE if point in best else GREY
        axes.errorbar(
            [x.value],
            [y.value],
            xerr=None if x.low is None or x.high is None else [[x.value - x.low], [x.high - x.value]],
            yerr=None if y.low is None or y.high is None else [[y.value - y.low], [y.high - y.value]],
            fmt="o",
            color=colour,
            markersize=5,
            elinewidth=1,
        )
        axes.annotate(
            point.name, (x.value, y.value), xytext=(5, 5), textcoords="offset points", fontsize=8, color=colour
        )
    if all(point.costs[cost].value > 0 for point in points):
        axes.set_xscale("log")
    axes.margins(x=0.25, y=0.2)
    axes.set_xlabel(cost)
    axes.grid(visible=True, linewidth=0.6)
