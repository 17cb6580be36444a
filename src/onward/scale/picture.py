"""The picture of a scaling law: sizes of each budget on the left, compute on the right, the larger run and its prediction in both."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from onward.report.figures import BLUE, GREY, ORANGE, STYLE, svg
from onward.scale.law import Fit, middle

SHADES = (0.3, 0.5, 0.75, 1.0)
"""Of the budgets, the smallest first."""


def draw(data: dict[str, Any], found: Fit) -> str:
    """As SVG text.   data: what stands in scale.json; found: the law with its bootstrap rounds."""
    with mpl.rc_context(STYLE):
        return svg(figure(data, found))


def figure(data: dict[str, Any], found: Fit) -> Figure:
    made = Figure(figsize=(7.6, 3.2), layout="constrained")
    left, right = made.subplots(1, 2, sharey=True)
    _by_size(left, data, found)
    _by_compute(right, data, found)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(ScalarFormatter())
        axes.grid(visible=True, linewidth=0.6)
        axes.tick_params(which="minor", labelsize=8)
    return made


def budgets(runs: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Runs of about the same compute together, the cheapest first; budgets are a factor of two apart."""
    groups: list[list[dict[str, Any]]] = []
    for run in sorted(runs, key=lambda run: run["flops"]):
        if groups and run["flops"] < 1.4 * groups[-1][0]["flops"]:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [sorted(group, key=lambda run: run["parameters"]) for group in groups]


def _by_size(axes: Axes, data: dict[str, Any], found: Fit) -> None:
    for shade, group in zip(SHADES, budgets(data["runs"]), strict=False):
        flops = float(np.mean([run["flops"] for run in group]))
        sizes = np.geomspace(group[0]["parameters"] / 1.3, group[-1]["parameters"] * 1.3, 50)
        axes.plot(sizes, [found.law.loss(n, flops / (6 * n)) for n in sizes], color=BLUE, alpha=shade, linewidth=1.2)
        points = [(run["parameters"], run["bits_per_byte"]) for run in group]
        axes.plot(*zip(*points, strict=True), "o", color=BLUE, alpha=shade, markersize=4)
    _larger(axes, data["larger"]["parameters"], data["larger"])
    axes.set_title("held-out bits per byte, budget by budget", fontsize=10, loc="left")
    axes.set_xlabel("parameters")


def _by_compute(axes: Axes, data: dict[str, Any], found: Fit) -> None:
    least, most = data["runs"][0]["flops"], data["larger"]["flops"]
    flops = np.geomspace(min(least, min(run["flops"] for run in data["runs"])) / 1.3, most * 1.5, 60)
    bands = [middle([other.loss(*other.best(c)) for other in found.others]) for c in flops]
    axes.fill_between(flops, *np.array(bands).T, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(flops, [found.law.loss(*found.law.best(c)) for c in flops], color=BLUE, linewidth=1.6, label="best use")
    points = [(run["flops"], run["bits_per_byte"]) for run in data["runs"]]
    axes.plot(*zip(*points, strict=True), "o", color=BLUE, alpha=0.5, markersize=4, label="small runs")
    _larger(axes, most, data["larger"])
    axes.set_title("and over compute", fontsize=10, loc="left")
    axes.set_xlabel("floating-point operations")
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def _larger(axes: Axes, x: float, larger: dict[str, Any]) -> None:
    """The prediction as a bar with its interval, and what came as a point."""
    low, high = larger["predicted"] - larger["low"], larger["high"] - larger["predicted"]
    axes.errorbar([x], [larger["predicted"]], [[low], [high]], fmt="_", color=GREY, capsize=4, label="foretold")
    axes.plot([x], [larger["bits_per_byte"]], "D", color=ORANGE, markersize=5, label="came")


def alone(drawn: str) -> str:
    """The picture as a file of its own."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + drawn
