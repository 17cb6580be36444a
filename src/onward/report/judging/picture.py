"""Two pictures of a reward model: its confidence against how often it is right, and the rewards of better and worse answers."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onward.align.calibration import Calibration, Judgement
from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg


def picture(found: Calibration, judged: Sequence[Judgement]) -> str:
    """As SVG text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        _trust(left, found)
        _rewards(right, judged)
        return svg(figure)


def _trust(axes: Axes, found: Calibration) -> None:
    there = found.pairs > 0
    axes.plot([50, 100], [50, 100], color=GREY, linewidth=0.8, linestyle=":")
    sizes = 12 + 200 * found.pairs[there] / found.pairs.sum()
    axes.scatter(100 * found.confidence[there], 100 * found.right[there], s=sizes, color=BLUE, alpha=0.85)
    axes.set_title("right, %, by how sure it is", fontsize=10, loc="left")
    axes.set_xlabel("confidence, %")
    axes.set_ylim(0, 105)
    axes.grid(visible=True, linewidth=0.6)


def _rewards(axes: Axes, judged: Sequence[Judgement]) -> None:
    better = [one.rewards[0] for one in judged]
    worse = [one.rewards[-1] for one in judged]
    bins = np.linspace(min(better + worse), max(better + worse) + 1e-6, 25).tolist()
    axes.hist(worse, bins=bins, color=ORANGE, alpha=0.6, label="worst answers")
    axes.hist(better, bins=bins, color=BLUE, alpha=0.6, label="best answers")
    axes.set_title("rewards of held-out answers", fontsize=10, loc="left")
    axes.set_xlabel("reward")
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize=8, labelcolor=GREY)
