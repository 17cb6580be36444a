"""`report.html`: one self-contained page about a run, that one would send to a colleague.

It reads what the stages wrote, and measures nothing.
Left out: scripts, and anything fetched from elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment

from onward import lineage
from onward.errors import FolderError
from onward.files import COPY_AGAIN, read_json, write_bytes
from onward.generate.stages import STAGES
from onward.lineage import Lineage, Result
from onward.model.describe import describe
from onward.report.cleaning.funnel import funnel
from onward.report.figures import curves
from onward.train.callbacks import read_metrics

WON = "preferred to the stage before"
SEVERAL = 3
"""So many ways to measure a suite make a table of their own."""
CLEANED = Path("data", "corpus")
"""Where a road that cleans its texts itself keeps them, below the run folder."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One model folder of the run, as the page shows it."""

    name: str
    history: Lineage
    parameters: int
    picture: str | None
    minutes: float
    tokens: int
    page: bool
    """Whether it has one of its own."""


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder, or into a single model folder.   Raises FolderError where there is no stage in it."""
    stages = [_stage(path) for path in _folders(run)]
    if not stages:
        raise FolderError(
            f"{run} holds no model folder with a lineage ({lineage.FILE}), so there is nothing to report."
        )
    page = filled(
        "onward.report",
        name=run.resolve().name,
        stages=stages,
        measures=_measures(stages),
        samples=_samples(run),
        cleaning=_cleaning(run),
        verdict=_verdict(stages),
        last=stages[-1],
    )
    write_bytes(run / "report.html", page.encode(errors="replace"))
    return run / "report.html"


def _folders(run: Path) -> list[Path]:
    """The model folders in the order of the road."""
    if (run / lineage.FILE).exists():
        return [run]
    found = sorted(path.parent for path in run.glob(f"*/{lineage.FILE}") if (path.parent / "config.json").exists())
    return sorted(found, key=lambda path: STAGES.index(path.name) if path.name in STAGES else len(STAGES))


def _stage(path: Path) -> Stage:
    history = lineage.read(path)
    assert history is not None
    metrics = read_metrics(path / "metrics.jsonl")
    return Stage(
        name=path.name,
        history=history,
        parameters=describe(path)["parameters"]["total"],
        picture=curves(metrics) if metrics else None,
        minutes=metrics[-1]["seconds"] / 60 if metrics else 0.0,
        tokens=int(metrics[-1]["tokens"]) if metrics else 0,
        page=history.verb in ("reward", "rl") and (path / "report.html").exists(),
    )


def _measures(stages: list[Stage]) -> dict[str, dict[str, list[Result | None]]]:
    """Tables, by what they are about, of rows: the result of every stage, or None where it was not measured.

    A table is about one metric, and has a row for each suite; but of a suite that is measured in several ways, a row for each of them.
    """
    keys = dict.fromkeys((r.metric, r.suite) for stage in stages for r in stage.history.results)
    ways = Counter(suite for _, suite in keys)
    found: dict[str, dict[str, list[Result | None]]] = {}
    for metric, suite in keys:
        title, row = (metric, suite) if ways[suite] < SEVERAL else (suite, metric)
        found.setdefault(title, {})[row] = [_result(stage, metric, suite) for stage in stages]
    return found


def _result(stage: Stage, metric: str, suite: str) -> Result | None:
    return next((r for r in stage.history.results if (r.metric, r.suite) == (metric, suite)), None)


def _verdict(stages: list[Stage]) -> str | None:
    """Whether reinforcement has made the answers better, and if not, why not; None where that was not measured.

    It goes by how often answers are preferred to those of the stage before: drawn as in a chat, and then always the likeliest token.
    """
    found = [r for stage in stages if stage.history.verb == "rl" for r in stage.history.results if r.metric == WON]
    if len(found) != 2 or any(result.low is None or result.high is None for result in found):
        return None
    drawn, likeliest = (f"{100 * r.value:.0f} % ({100 * (r.low or 0):.0f} to {100 * (r.high or 0):.0f})" for r in found)
    better, better_at_best = ((result.low or 0) > 0.5 for result in found)
    if better and better_at_best:
        return (
            f"Reinforcement has made the answers better: {drawn} of them are preferred to those of the stage before as drawn in a chat, "
            f"and {likeliest} where always the likeliest token is taken."
        )
    if better:
        return (
            f"Reinforcement has made the answers better as they are drawn in a chat: {drawn} of them are preferred to those of the stage "
            f"before. Where always the likeliest token is taken it has not: {likeliest}. What it has learned is not to draw unlikely "
            "answers, which a lower temperature does as well."
        )
    return (
        f"Reinforcement has not made the answers better: {drawn} of them are preferred to those of the stage before. The reward model that "
        "it learned by is a proxy; how well that ranks held-out pairs is below."
    )


def _samples(run: Path) -> dict[str, Any]:
    file = run / "samples.json"
    if not file.exists():
        return {}
    found = read_json(file, COPY_AGAIN)
    groups = found.values()
    if not all(isinstance(group, list) and all(isinstance(sample, dict) for sample in group) for group in groups):
        raise FolderError(f"{file} holds no samples. Remove it, and the report is made without.")
    return found


def _cleaning(run: Path) -> str | None:
    """The funnel of the cleaning whose texts the run learned from, where it did one itself."""
    file = run / CLEANED / "report.json"
    return funnel(read_json(file, COPY_AGAIN)) if file.exists() else None


def filled(room: str, **values: Any) -> str:
    """The page that the template of a room makes of the values, in the frame and style that all pages share."""
    pages = {"page": files(room) / "template.html", "frame.html": files("onward.report") / "frame.html"}
    loader = DictLoader({name: file.read_text(encoding="utf-8") for name, file in pages.items()})
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = files("onward.report").joinpath("style.css").read_text(encoding="utf-8")
    return environment.get_template("page").render(style=style, **values)
