"""The picture of learning over training: for each kind of item a curve over the tokens learned from, with its band, above what chance gets.

Left out: what is above chance and what is not (evaluate/learning.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.evaluate.learning import Curve

ACROSS, FEW = 3, 25
"""Panels in a row; and checkpoints that are each marked with a dot."""


def picture(curves: Sequence[Curve]) -> str:
    """As SVG text. Blue is what is above chance at the end; the line upright says from when on."""
    across = min(ACROSS, len(curves))
    down = -(-len(curves) // across)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.6 * across + 0.6, 1.9 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flatten().tolist()
        for axes, curve in zip(panels, curves, strict=False):
            _draw(axes, curve)
        for axes in panels[len(curves) :]:
            axes.set_axis_off()
            panels[panels.index(axes) - across].tick_params(labelbottom=True)
        panels[0].set_ylim(bottom=0)
        figure.supxlabel("million tokens learned from", fontsize=10)
        figure.supylabel("score; band: 95 % interval; dotted: without knowing", fontsize=9)
        return svg(figure)


def _draw(axes: Axes, curve: Curve) -> None:
    x = [look.kept.tokens / 1e6 for look in curve.looks]
    values = [look.measured.value for look in curve.looks]
    low, high = (
        [value if end is None else end for value, end in zip(values, ends, strict=True)]
        for ends in zip(*((look.measured.low, look.measured.high) for look in curve.looks), strict=True)
    )
    colour = GREY if curve.since is None else BLUE
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, values, color=colour, linewidth=1.6, marker="o" if len(x) <= FEW else "", markersize=2.5)
    if curve.floor is not None:
        axes.axhline(curve.floor, color=GREY, linewidth=1, linestyle=":")
    if curve.since is not None:
        axes.axvline(curve.since.kept.tokens / 1e6, color=ORANGE, linewidth=1.2)
    axes.set_title(f"{curve.kind}: {told(curve)}", fontsize=9, loc="left", color=colour)
    axes.grid(visible=True, linewidth=0.6)


def told(curve: Curve) -> str:
    """From when on it is above chance, in words."""
    if curve.floor is None:
        return "chance is not known"
    return "not above chance" if curve.since is None else f"from step {curve.since.kept.step:,}"
