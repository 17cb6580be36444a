"""The picture of a suite of long texts: where in a text of which length the answer is found, and what the controls get.

Left out: numbers with intervals, which are in the table; of a dozen items a cell, they are wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from onward.drawing import STYLE, svg
from onward.evaluate.examined import Examined
from onward.evaluate.items import Item

PALE = "#d5d9de"
SHADES = "Blues"
DARK = 0.55
"""From this share on, the number is white."""


def draw(found: Examined) -> str:
    """As SVG text. A cell is hatched where the model can take none of its texts, and empty where none was asked."""
    cells = [item for item in found.suite.items if "length" in item.truth]
    scores = _scores(found)
    controls = [item for item in found.suite.items if "control" in item.truth]
    rows = sorted({float(item.truth["row"]) for item in cells})
    lengths = sorted({int(item.truth["length"]) for item in cells})
    names = list(dict.fromkeys(str(item.truth["control"]) for item in controls))
    with mpl.rc_context(STYLE | {"hatch.linewidth": 0.6}):
        figure = Figure(figsize=(1.6 + 0.8 * (len(lengths) + len(names)), 1.6 + 0.45 * len(rows)), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[max(len(names), 1), max(len(lengths), 1)])
        _ready(left, names, [""], found.suite.name)
        for place, name in enumerate(names):
            _cell(left, place, 0, [item for item in controls if item.truth["control"] == name], scores, found)
        _ready(right, [f"{length:,}" for length in lengths], [f"{row:g}" for row in rows], "")
        for x, length in enumerate(lengths):
            for y, row in enumerate(rows):
                own = [item for item in cells if item.truth["length"] == length and item.truth["row"] == row]
                _cell(right, x, y, own, scores, found)
        left.set_xlabel("controls")
        right.set_xlabel("words of haystack")
        right.set_ylabel(str(cells[0].truth["side"]) if cells else "")
        figure.supxlabel(_caption(found, cells), fontsize=8.5)
        return svg(figure)


def _ready(axes: Axes, columns: Sequence[str], rows: Sequence[str], title: str) -> None:
    axes.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [name.replace(" ", "\n", 1) for name in columns])
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(title, loc="left", fontsize=11)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _cell(axes: Axes, x: int, y: int, items: Sequence[Item], scores: Mapping[str, float], found: Examined) -> None:
    """The share right; with how many it is of, where that is not all."""
    own = [scores[item.id] for item in items if item.id in scores]
    taken = [item for item in items if item.id not in found.unasked]
    if not own:
        hatch = "////" if items and not taken else None
        axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor="none", edgecolor=PALE, hatch=hatch))
        return
    share = sum(own) / len(own)
    axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, color=mpl.colormaps[SHADES](0.08 + 0.84 * share), lw=0))
    told = f"{share:.2f}" + (f"\nof {len(own)}" if len(own) < len(items) else "")
    axes.text(x, y, told, ha="center", va="center", fontsize=9, color="white" if share > DARK else "#1d2733")


def _scores(found: Examined) -> dict[str, float]:
    """Of every item that was answered, controls too: the mean over its answers."""
    values = dict[str, list[float]]()
    for record in found.records:
        values.setdefault(record["id"], []).append(record["score"])
    return {name: sum(own) / len(own) for name, own in values.items()}


def _caption(found: Examined, cells: Sequence[Item]) -> str:
    sizes, chances = Counter(item.kind for item in cells), [item.chance for item in cells if item.chance is not None]
    said = f"share right, {max(sizes.values(), default=0)} texts a cell"
    said += f", chance {sum(chances) / len(chances):.2g}" if chances else ""
    hatched = any(item.id in found.unasked for item in cells)
    return said + ("; hatched: too long for the model" if hatched else "")
