"""The picture of a scaling law: sizes of each budget on the left, compute on the right, the larger run and its prediction in both."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
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
    seen = [run["bits_per_byte"] for run in data["runs"]]
    seen += [data["larger"][name] for name in ("bits_per_byte", "low", "high")]
    room = 0.08 * (max(seen) - min(seen))
    left.set_ylim(min(seen) - room, max(seen) + room)  # the law's band may reach far below, where sizes were not tried
    for axes in (left, right):
        axes.grid(visible=True, linewidth=0.6)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.xaxis.set_major_formatter(lambda value, _: spoken(value))
    return made


def spoken(number: float) -> str:
    """50k, 2M, 1.5B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


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
        flops = float(np.mean([_operations(run) for run in group]))
        sizes = np.geomspace(group[0]["parameters"] / 1.3, group[-1]["parameters"] * 1.3, 50)
        axes.plot(sizes, [found.law.loss(n, flops / (6 * n)) for n in sizes], color=BLUE, alpha=shade, linewidth=1.2)
        points = [(run["parameters"], run["bits_per_byte"]) for run in group]
        axes.plot(*zip(*points, strict=True), "o", color=BLUE, alpha=shade, markersize=4)
    _larger(axes, data["larger"]["parameters"], data["larger"])
    axes.set_title("held-out bits per byte over size, by budget", fontsize=10, loc="left")
    axes.set_xlabel("parameters")


def _by_compute(axes: Axes, data: dict[str, Any], found: Fit) -> None:
    spent = [_operations(run) for run in data["runs"]]
    most = _operations(data["larger"])
    flops = np.geomspace(min(spent) / 1.3, most * 1.5, 60)
    bands = [middle([other.loss(*other.best(c)) for other in found.others]) for c in flops]
    axes.fill_between(flops, *np.array(bands).T, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(flops, [found.law.loss(*found.law.best(c)) for c in flops], color=BLUE, linewidth=1.6, label="best use")
    losses = [run["bits_per_byte"] for run in data["runs"]]
    axes.plot(spent, losses, "o", color=BLUE, alpha=0.5, markersize=4, label="small runs")
    _larger(axes, most, data["larger"])
    axes.set_title("and over compute", fontsize=10, loc="left")
    axes.set_xlabel("floating-point operations, 6 N D")
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def _operations(run: dict[str, Any]) -> float:
    """As the law counts them: without attention's own, which are few."""
    return float(6 * run["parameters"] * run["tokens"])


def _larger(axes: Axes, x: float, larger: dict[str, Any]) -> None:
    """The prediction as a bar with its interval, and what came as a point."""
    low, high = larger["predicted"] - larger["low"], larger["high"] - larger["predicted"]
    axes.errorbar(
        [x], [larger["predicted"]], [[low], [high]], fmt="_", color=GREY, capsize=5, elinewidth=1.6, label="foretold"
    )
    axes.plot([x], [larger["bits_per_byte"]], "D", color=ORANGE, markersize=5, label="came")


def alone(drawn: str) -> str:
    """The picture as a file of its own."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + drawn
