"""Curves of several stages in one picture: what each learned by, and what was measured on held-out data, over its own steps.

Left out: one stage alone with all that is known of it, which its report shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.report.figures import HELD_OUT

COLOURS = (BLUE, ORANGE, "#4a9d6b", "#a06cc0", "#c0a030", GREY)
SMOOTHED = 20
"""Steps of a running mean."""
Metrics = Sequence[Mapping[str, float]]


def compared(found: Mapping[str, Metrics]) -> str:
    """An SVG.   found: by stage, its metrics; stages without any are left out. "" where none has any."""
    found = {name: metrics for name, metrics in found.items() if metrics}
    if not found:
        return ""
    try:
        return _drawn(found)
    except (ValueError, OverflowError):  # figures that no axis can show, such as a loss of 1e308
        return ""


def _drawn(found: Mapping[str, Metrics]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, metrics), colour in zip(found.items(), COLOURS * len(found), strict=False):
            steps = [(line["step"], line["loss"]) for line in metrics if line.get("loss") is not None]
            if steps:
                left.plot(*zip(*_smooth(steps), strict=True), color=colour, linewidth=1.5, label=_label(name))
            kind = next((kind for kind in HELD_OUT if any(kind in line for line in metrics)), None)
            if kind is not None:
                held = [(line["step"], line[kind]) for line in metrics if kind in line]
                label = f"{_label(name)}: {HELD_OUT[kind].removeprefix('held-out ')}"
                right.plot(*zip(*held, strict=True), color=colour, linewidth=1.5, marker="o", markersize=3, label=label)
        _dress(left, "what it learned by: loss")
        _dress(right, "on held-out data")
        return svg(figure)


def _smooth(steps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    over = max(1, min(SMOOTHED, len(steps) // 5))
    return [
        (step, sum(y for _, y in part) / len(part))
        for i, (step, _) in enumerate(steps)
        if (part := steps[max(0, i + 1 - over) : i + 1])
    ]


def _label(name: str) -> str:
    """A name is no formula, and is shown also if it begins with an underscore."""
    return " " * name.startswith("_") + name.replace("$", r"\$")


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("steps")
    axes.grid(visible=True, linewidth=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
