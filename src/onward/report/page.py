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

from onward.align.policy.warnings import warnings
from onward.errors import FolderError
from onward.files import COPY_AGAIN, read_json, write_bytes
from onward.lineage import Result
from onward.report.again import sameness
from onward.report.ancestry import commands, tree
from onward.report.cleaning.funnel import funnel_of
from onward.report.figures import curves
from onward.report.lead import lead
from onward.report.plans import planned
from onward.report.reinforcing.divergence import overoptimisation, reading
from onward.report.reinforcing.drawings import drawings_of, watched
from onward.report.spending import spent
from onward.report.stage import Stage, stages
from onward.train.said import SAID, early_and_late

WON = "preferred to the stage before"
WARNED = ("watched", "kl")
"""What is said of a reinforcement here: that the proxy is fooled, or that the model has gone far. The rest is on its own page."""
SEVERAL = 3
"""So many ways to measure a suite make a table of their own."""
CLEANED = Path("data", "corpus")
"""Where a road that cleans its texts itself keeps them, below the run folder."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was measured of some stages, by the suite or the metric: a result for each of them, or None.

    title: a metric, or a suite that is measured in several ways.
    """

    title: str
    stages: list[str]
    rows: dict[str, list[Result | None]]


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder, or into a single model folder; where that has a page of its own, `summary.html` beside it.

    Raises FolderError where there is no stage in it, or where something is damaged.
    """
    found = stages(run)
    single = found[0].folder == run
    file = run / ("summary.html" if single and _has_page(found[0]) else "report.html")
    roots = tree(found)
    talking = [stage for stage in found if stage.talks]
    page = filled(
        "onward.report",
        name=run.resolve().name,
        stages=found,
        lead=lead(found),
        measures=_measures(found),
        pages=[stage.name for stage in found if _has_page(stage)],
        single=single,
        pictures={stage.name: curves(stage.metrics) for stage in found if stage.metrics},
        drawings={stage.name: picture for stage in found if (picture := _overoptimised(stage))},
        said={stage.name: texts for stage in found if (texts := early_and_late(stage.folder / SAID))},
        samples=_samples(run),
        cleaning=_cleaning(run),
        verdict=_verdict(found),
        spent=spent(run, found),
        planned=[stage for stage in found if stage.history.plan],
        plans=planned([stage for stage in found if stage.history.plan]),
        tree=roots,
        commands=commands(roots),
        sameness=sameness(roots),
        last=found[-1],
        talker=talking[-1] if talking else None,
    )
    write_bytes(file, page.encode(errors="replace"))
    return file


def _has_page(stage: Stage) -> bool:
    """Whether `onward reward` or `onward rl` has written one into its folder."""
    return stage.history.verb in ("reward", "rl") and (stage.folder / "report.html").exists()


def _overoptimised(stage: Stage) -> tuple[str, str, list[str]] | None:
    """The picture, how to read it and what it warns of, where a stage was reinforced and its divergence was measured."""
    drawings = drawings_of(stage.metrics) if stage.history.verb == "rl" else []
    drawings = [one for one in drawings if {"kl", "reward", *watched(drawings)} <= one.figures.keys()]
    if (picture := overoptimisation(drawings)) is None:
        return None
    warned = warnings([one.figures for one in drawings])
    return picture, reading(drawings), [text for about, text in warned.items() if about in WARNED]


def _measures(stages: list[Stage]) -> list[Table]:
    """A table is about one metric, and has a row for each suite; but of a suite that is measured in several ways, a row for each of them.

    Only stages of which something in it was measured have a column.
    """
    keys = dict.fromkeys((r.metric, r.suite) for stage in stages for r in stage.history.results)
    ways = Counter(suite for _, suite in keys)
    rows: dict[str, dict[str, tuple[str, str]]] = {}
    for metric, suite in keys:
        title, row = (metric, suite) if ways[suite] < SEVERAL else (suite, metric)
        rows.setdefault(title, {})[row] = (metric, suite)
    return [_table(title, wanted, stages) for title, wanted in rows.items()]


def _table(title: str, wanted: dict[str, tuple[str, str]], stages: list[Stage]) -> Table:
    measured = [stage for stage in stages if any(_result(stage, *one) for one in wanted.values())]
    rows = {row: [_result(stage, *one) for stage in measured] for row, one in wanted.items()}
    return Table(title=title, stages=[stage.name for stage in measured], rows=rows)


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
    if not file.exists():
        return None
    return funnel_of(file)


def filled(room: str, **values: Any) -> str:
    """The page that the template of a room makes of the values, in the frame and style that all pages share."""
    pages = {"page": files(room) / "template.html", "frame.html": files("onward.report") / "frame.html"}
    loader = DictLoader({name: file.read_text(encoding="utf-8") for name, file in pages.items()})
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = files("onward.report").joinpath("style.css").read_text(encoding="utf-8")
    return environment.get_template("page").render(style=style, **values)
