"""How all pictures look, as SVG text that needs nothing else: colours that can be read on a light and on a dark page."""

from __future__ import annotations

import io
import re
from typing import Any

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


def svg(figure: Figure) -> str:
    """The figure as an `<svg>` element, without the XML declaration, its fixed size and the date."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for side in ("width", "height"):
        drawn = re.sub(rf'(<svg[^>]*?) {side}="[^"]*"', r"\1", drawn, count=1)
    return drawn
