"""The picture of over-optimisation: what the answers are worth to the reward that is learned by, and to those that are only watched, over
how far the model has gone from where it began.

After Gao, Schulman and Hilton 2022 (arXiv 2210.10760), figure 1: over the root of the divergence. Left out: a study of when it begins,
which needs many runs (docs/results.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from onward.drawing import BLUE, STYLE, svg
from onward.report.reinforcing.drawings import Drawing, short, watched
from onward.report.reinforcing.picture import WATCHED

SMOOTHED = 5
"""The line is the mean of a fifth of the drawings: a single one asks other prompts than the next."""
PANELS = 3
FEWEST = 5
"""Drawings without which there is no way to be seen."""


def overoptimisation(drawings: Sequence[Drawing]) -> str | None:
    """As SVG text; None where there are few drawings.   drawings: those with their divergence and all rewards.

    A panel for each reward, the one learned by first, since their units differ. Dots are drawings; the line is their running mean, in the
    order of the steps, so that it shows the way that the model took.
    """
    if len(drawings) < FEWEST:
        return None
    rewards = ["reward", *watched(drawings)][:PANELS]
    colours = (BLUE, *WATCHED)
    furthest = max(max(one.figures["kl"], 0.0) for one in drawings)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.7), layout="constrained")
        panels = figure.subplots(1, len(rewards), sharex=True, squeeze=False).flatten().tolist()
        for axes, name, colour in zip(panels, rewards, colours, strict=False):
            _draw(axes, drawings, name, colour)
            _nats(axes, furthest)
        figure.supxlabel("divergence from the start model (KL), nats an answer; drawn over its root", fontsize=9)
        return svg(figure)


def _draw(axes: Axes, drawings: Sequence[Drawing], name: str, colour: str) -> None:
    away = np.array([max(one.figures["kl"], 0.0) for one in drawings])  # an estimate may fall below 0
    worth = np.array([one.figures[name] for one in drawings])
    axes.plot(np.sqrt(away), worth, color=colour, marker="o", markersize=2.5, linewidth=0, alpha=0.35)
    over = max(1, len(drawings) // SMOOTHED)
    mean = np.ones(over) / over
    x, y = (np.convolve(values, mean, "valid") for values in (away, worth))
    axes.plot(np.sqrt(x), y, color=colour, linewidth=1.8)
    axes.plot(np.sqrt(x[-1:]), y[-1:], color=colour, marker="o", markersize=6)
    axes.set_title("learned by (the proxy)" if name == "reward" else f"watched: {short(name)}", fontsize=10, loc="left")
    axes.grid(visible=True, linewidth=0.6)


def _nats(axes: Axes, furthest: float) -> None:
    """Ticks at round numbers of nats, which are easier read than roots."""
    step = next(
        (step for step in (0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if furthest / step <= 6),
        furthest / 5 or 1,
    )
    at = [n * step for n in (0, *range(1, int(furthest / step) + 2))]
    axes.xaxis.set_major_locator(FixedLocator([value**0.5 for value in at]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda root, _: f"{root**2:g}" if root else "0"))
    axes.set_xlim(-0.03 * furthest**0.5, 1.06 * max(furthest, step / 10) ** 0.5)


def reading(drawings: Sequence[Drawing]) -> str:
    """One sentence how to read it."""
    if not watched(drawings):
        return (
            "To the right the model has gone further from where it began; whether what it gained there is real, this cannot show, since "
            "no other reward was watched (--watch)."
        )
    return (
        "To the right the model has gone further from where it began: where the proxy still rises and what is watched falls, the proxy is "
        "being fooled (Gao et al., arXiv 2210.10760)."
    )
