"""Runs as HTML: a table of all, the lineage of a stage as a tree, results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from markupsafe import Markup

from onward.lineage import Lineage, Result
from onward.studio.door import PAGE
from onward.studio.places import Run, Stage
from onward.studio.shared import empty, joined


def table(runs: Sequence[Run]) -> Markup:
    """Every stage of every run, with its report where there is one."""
    if not runs:
        return empty("There are no runs here yet. Under Build, one button makes one.")
    rows = [_row(run, stage, first=stage is run.stages[0]) for run in runs for stage in run.stages]
    head = "<tr><th>run</th><th>stage</th><th>made by</th><th class='n'>minutes</th><th class='n'>steps</th><th>when</th><th></th></tr>"
    return Markup('<div class="o-scroll"><table>{}{}</table></div>').format(Markup(head), joined(rows))


def _row(run: Run, stage: Stage, *, first: bool) -> Markup:
    history, reached = stage.history(), stage.reached()
    minutes = f"{reached['seconds'] / 60:.1f}" if reached else ""
    steps = f"{int(reached['step']):,}" if reached else ""
    links = [_link(run.name, None, "report")] if first and run.page() else []
    if stage.path != run.path and run.page(stage.path.name):
        links.append(_link(run.name, stage.path.name, f"{stage.path.name}'s own"))
    return Markup(
        '<tr><td>{}</td><td>{}</td><td>{}</td><td class="n">{}</td><td class="n">{}</td><td>{}</td><td>{}</td></tr>'
    ).format(
        run.name if first else "",
        stage.path.name if stage.path != run.path else "",
        history.verb,
        minutes,
        steps,
        history.date.replace("T", " ")[:16],
        Markup(" ").join(links),
    )


def _link(run: str, stage: str | None, words: str) -> Markup:
    address = f"{PAGE}-report/{quote(run, safe='')}" + (f"/{quote(stage, safe='')}" if stage else "")
    return Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(address, words)


def tree(history: Lineage) -> Markup:
    """What a folder was made from, and those folders from what."""
    return Markup('<ul class="o-branches">{}</ul>').format(_node(history))


def _node(history: Lineage) -> Markup:
    data = ", ".join(str(source["path"]).rpartition("/")[2] for source in history.data[:3])
    data += f" and {len(history.data) - 3} more" if len(history.data) > 3 else ""
    said = " · ".join(
        part for part in (history.verb, history.date.replace("T", " ")[:16], f"from {data}" if data else "") if part
    )
    below = joined(_node(parent) for parent in history.parents)
    command = Markup('<details><summary class="o-soft o-small">the command</summary><pre>{}</pre></details>').format(
        history.command
    )
    name = history.folder.rstrip("/").rpartition("/")[2] or "?"
    return Markup('<li><b>{}</b> <span class="o-soft o-small">{}</span>{}<ul>{}</ul></li>').format(
        name, said, command if history.command else "", below
    )


def results(histories: dict[str, Lineage]) -> Markup:
    """A row for each measurement, a column for each stage; intervals in brackets."""
    keys = dict.fromkeys((r.suite, r.metric) for history in histories.values() for r in history.results)
    if not keys:
        return empty("Nothing was measured on these. onward eval FOLDER does it.")
    found = {name: {(r.suite, r.metric): r for r in history.results} for name, history in histories.items()}
    head = joined(Markup('<th class="n">{}</th>').format(name) for name in found)
    rows = joined(
        Markup("<tr><td>{}</td><td>{}</td>{}{}</tr>").format(
            suite,
            metric,
            joined(Markup('<td class="n">{}</td>').format(_value(one.get((suite, metric)))) for one in found.values()),
            _beside([one[suite, metric] for one in found.values() if (suite, metric) in one]),
        )
        for suite, metric in keys
    )
    return Markup(
        '<div class="o-scroll"><table><tr><th>suite</th><th>measured</th>{}'
        '<th class="n">chance</th><th class="n">baseline</th></tr>{}</table></div>'
    ).format(head, rows)


def _value(result: Result | None) -> Markup | str:
    if result is None:
        return ""
    if result.low is None or result.high is None:
        return f"{result.value:.3g}"
    return Markup('{} <span class="o-soft">({} to {})</span>').format(
        f"{result.value:.3g}", f"{result.low:.3g}", f"{result.high:.3g}"
    )


def _beside(found: list[Result]) -> Markup:
    """Chance and baseline, where any of them says so."""
    values = [
        next((v for v in (getattr(one, name) for one in found) if v is not None), None)
        for name in ("chance", "baseline")
    ]
    return joined(Markup('<td class="n">{}</td>').format("" if value is None else f"{value:.3g}") for value in values)
