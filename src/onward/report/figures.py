"""The pictures of a report: what is learned by, and what is measured on held-out data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.drawing import BLUE, ORANGE, STYLE, svg

HELD_OUT = {
    "held_out_bits_per_byte": "held-out bits per byte",
    "held_out_pairs_right": "held-out pairs ranked right",
    "held_out_reward": "held-out reward",
}
"""What is measured on held-out data while training, by its name in the metrics."""


def curves(metrics: Sequence[dict[str, Any]], *, smoothed_over: int = 20) -> str:
    """What is learned by (each step, and its running mean), and what is measured on held-out data, over the tokens learned from.

    Learned by is the loss; of a reinforcement, whose loss says nothing, the reward of the answers drawn.
    """
    by, title = ("reward", "reward of its own answers") if "reward" in metrics[0] else ("loss", "training loss")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        learned = [line for line in metrics if line.get(by) is not None]  # None: left out, its loss was no number
        name = next((name for name in HELD_OUT if any(name in line for line in metrics)), "held_out_bits_per_byte")
        size, what = (1, "rankings") if name == "held_out_pairs_right" else _unit(metrics[-1]["tokens"])
        counted, values = [line["tokens"] / size for line in learned], [line[by] for line in learned]
        left.plot(counted, values, color=BLUE, alpha=0.25, linewidth=0.8)
        left.plot(counted, _running_mean(values, smoothed_over), color=BLUE, linewidth=1.8)
        _label(left, title if what == "rankings" or by == "reward" else f"{title}, nats a token", what)
        held_out = [(line["tokens"] / size, line[name]) for line in metrics if name in line]
        if held_out:
            right.plot(*zip(*held_out, strict=True), color=ORANGE, linewidth=1.8, marker="o", markersize=3)
        _label(right, HELD_OUT[name], what)
        return svg(figure)


def _unit(tokens: int) -> tuple[float, str]:
    """In which so many tokens are told."""
    return next(
        ((size, f"{word}tokens") for size, word in ((1e6, "million "), (1e3, "thousand ")) if tokens >= size),
        (1, "tokens"),
    )


def _label(axes: Axes, title: str, counted: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(f"{counted} learned from")
    axes.grid(visible=True, linewidth=0.6)


def _running_mean(values: list[float], over: int) -> list[float]:
    """The mean of the last `over` values at each place; of fewer at the beginning."""
    return [sum(part) / len(part) for i in range(len(values)) if (part := values[max(0, i + 1 - over) : i + 1])]
