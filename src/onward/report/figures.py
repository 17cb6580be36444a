"""The pictures of a report, as SVG text that needs nothing else: colours that can be read on a light and on a dark page."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GREY, BLUE, ORANGE = "#7c8591", "#3b82c4", "#e07b39"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "onward",  # the same figure gives the same bytes
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GREY,
    "grid.alpha": 0.25,
}


def curves(metrics: list[dict[str, Any]], *, smoothed_over: int = 20) -> str:
    """Training loss (each step, and its running mean) and held-out bits per byte over the tokens learned from."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        learned = [line for line in metrics if line["loss"] is not None]  # None: left out, its loss was no number
        tokens = [line["tokens"] / 1e6 for line in learned]
        losses = [line["loss"] for line in learned]
        left.plot(tokens, losses, color=BLUE, alpha=0.25, linewidth=0.8)
        left.plot(tokens, _running_mean(losses, smoothed_over), color=BLUE, linewidth=1.8)
        _label(left, "training loss, nats a token")
        held_out = [
            (line["tokens"] / 1e6, line["held_out_bits_per_byte"])
            for line in metrics
            if "held_out_bits_per_byte" in line
        ]
        if held_out:
            right.plot(*zip(*held_out, strict=True), color=ORANGE, linewidth=1.8, marker="o", markersize=3)
        _label(right, "held-out bits per byte")
        return svg(figure)


def _label(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("million tokens learned from")
    axes.grid(visible=True, linewidth=0.6)


def _running_mean(values: list[float], over: int) -> list[float]:
    """The mean of the last `over` values at each place; of fewer at the beginning."""
    return [sum(part) / len(part) for i in range(len(values)) if (part := values[max(0, i + 1 - over) : i + 1])]


def svg(figure: Figure) -> str:
    """The figure as an `<svg>` element, without the XML declaration, its fixed size and the date."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for side in ("width", "height"):
        drawn = re.sub(rf'(<svg[^>]*?) {side}="[^"]*"', r"\1", drawn, count=1)
    return drawn
