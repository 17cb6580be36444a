"""The funnel of a cleaning: a bar a step, what was left after it, and what it dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.errors import FolderError
from onward.files import COPY_AGAIN, read_json


def funnel_of(file: Path) -> str:
    """The funnel of a `report.json`, as SVG text.   Raises FolderError."""
    report = read_json(file, COPY_AGAIN)
    try:
        return funnel(report)
    except (KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{file} is no report of a cleaning ({error!r}). {COPY_AGAIN}") from error


def funnel(report: dict[str, Any]) -> str:
    """As SVG text.   report: what stands in the `report.json` of a cleaning."""
    steps = [step for step in report["funnel"] if step["documents"]]
    read, left = report["read"]["documents"], report["read"]["documents"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.8 + 0.29 * (len(steps) + 2)), layout="constrained")
        axes = figure.subplots()
        _bar(axes, 0, "read", left, 0, f"{left:,}")
        for row, step in enumerate(steps, start=1):
            left -= step["documents"]
            share = 100 * step["documents"] / max(read, 1)
            back = ", taken back" if step["reason"] in report["taken_back"] else ""
            _bar(axes, row, step["reason"], left, step["documents"], f"−{step['documents']:,} ({share:.1f} %{back})")
        kept = report["kept"]["documents"]
        _bar(axes, len(steps) + 1, "kept", kept, 0, f"{kept:,} ({100 * kept / max(read, 1):.1f} %)")
        axes.invert_yaxis()
        axes.set_xlim(0, 1.28 * max(read, 1))
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        axes.set_yticks(range(len(steps) + 2), ["read", *(step["reason"] for step in steps), "kept"])
        return svg(figure)


def _bar(axes: Any, row: int, name: str, left: int, gone: int, told: str) -> None:
    whole = name in ("read", "kept")
    axes.barh(row, left, color=BLUE, alpha=0.9 if whole else 0.35, height=0.72)
    axes.barh(row, gone, left=left, color=ORANGE, height=0.72)
    axes.annotate(told, (left + gone, row), (5, 0), textcoords="offset points", va="center", color=GREY, fontsize=9)
