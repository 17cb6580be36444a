"""How far a road or a training is that was started here (building.py): its stages, figures, what it says as it learns, its log, the disk.

As a value, and as HTML. It is read from the files that the command writes, so that it does not matter who started it, and when.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from onward import lineage
from onward.errors import OnwardError
from onward.files import size_below
from onward.generate.stages import STAGES
from onward.studio import pictures
from onward.studio.building import ESCAPES, Asked, Builds, check
from onward.studio.shared import empty, joined
from onward.train.callbacks import read_metrics
from onward.train.said import SAID, Said, early_and_late

TAIL = 6000
"""Bytes of a log that are shown."""
LINES = 24


@dataclass(frozen=True)
class Progress:
    """name: RUN, or RUN/STAGE.   running: whether it is at work.   whole: whether all of it is made.   stages: whether each is made.
    metrics, said: by stage, also of the one on its way: its figures, and what it said while it learned.   log: its last lines.
    command: as a person would type it.   bytes: on disk.   free: bytes that are left there."""

    name: str
    running: bool
    whole: bool
    stages: dict[str, bool]
    metrics: dict[str, list[dict[str, float]]]
    said: dict[str, list[Said]]
    log: str
    command: str
    bytes: int
    free: int


def look(builds: Builds, name: str) -> Progress:
    """Of a road all its stages, of a training its own.   Raises PlanError for a name that is none."""
    check(name)
    out, (run, _, stage) = builds.runs / name, name.partition("/")
    stages = [stage] if stage else list(STAGES)
    made = [one for one in stages if (builds.runs / run / one).is_dir()]
    places = {one: builds.runs / run / (one if one in made else f"{one}.training") for one in stages}
    return Progress(
        name=name,
        running=builds.running(name),
        whole=(out / (lineage.FILE if stage else "report.html")).exists(),
        stages={one: one in made for one in stages},
        metrics={f"{run}/{one}": found for one, place in places.items() if (found := _metrics(place))},
        said={one: heard for one, place in places.items() if (heard := _said(place))},
        log=_tail(builds.log(name)),
        command=_command(builds, name),
        bytes=sum(size_below(place) for place in (out, out.with_name(f"{out.name}.training"))),
        free=shutil.disk_usage(next(one for one in (out, *out.absolute().parents) if one.exists())).free,
    )


def _command(builds: Builds, name: str) -> str:
    try:
        return Asked(name, tuple(map(str, builds.begun(name)["words"]))).said(builds.runs)
    except OnwardError:
        return ""


def _tail(log: Path) -> str:
    try:
        if log.is_symlink():
            return ""
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rpartition("\r")[2].rstrip() for line in ESCAPES.sub("", text).split("\n")]
    return "\n".join(lines[-LINES:]).strip()


def _metrics(place: Path) -> list[dict[str, float]]:
    try:
        return read_metrics(place / "metrics.jsonl")
    except (OnwardError, OSError):
        return []


def _said(place: Path) -> list[Said]:
    try:
        return early_and_late(place / SAID)
    except (OnwardError, OSError):
        return []


# --- as HTML ----------------------------------------------------------------------------------------------------------


def page(found: Progress) -> Markup:
    if not found.running and not found.log and not any(found.stages.values()):
        return empty(
            "Nothing is being built. One button on the left builds the default; ten minutes are a good beginning."
        )
    begun = found.metrics or any(found.stages.values())
    stopped = "stopped; what is done is kept" if begun else "ended before anything was learned; the log says why"
    state = "being built" if found.running else "all is made" if found.whole else stopped
    stages = joined(
        Markup('<span><i style="--tone: {}"></i>{}</span>').format(
            "var(--o-accent)" if made else "var(--o-line)", stage + (" (made)" if made else "")
        )
        for stage, made in found.stages.items()
    )
    disk = f"{found.bytes / 1e6:,.0f} MB on disk, {found.free / 1e9:,.0f} GB free"
    heard = joined(_heard(stage, one) for stage, every in found.said.items() for one in every)
    return Markup(
        '<h2>{}: {}</h2><div class="o-key">{}<span>{}</span></div>{}{}<h3>The log</h3><pre>{}</pre>{}'
    ).format(
        found.name,
        state,
        stages,
        disk,
        Markup(pictures.compared(found.metrics)),
        Markup("<h3>What it says as it learns</h3>{}").format(heard) if heard else "",
        found.log or "nothing yet",
        Markup("<h3>The command</h3><pre>{}</pre>").format(found.command) if found.command else "",
    )


def _heard(stage: str, said: Said) -> Markup:
    """A beginning, carried on early and late."""
    rows = joined(
        Markup('<tr><td class="n">{:,}</td><td>{}</td></tr>').format(step, text.strip() or "(nothing)")
        for step, text in said.texts
    )
    return Markup(
        '<div class="o-scroll"><table><tr><th>step</th><th>{}: <span class="o-soft">{} …</span></th></tr>{}</table></div>'
    ).format(stage, said.prompt.strip(), rows)
