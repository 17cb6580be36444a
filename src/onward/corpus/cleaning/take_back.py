"""Dropped documents taken back: they return to where they stood, and the report says so.

They come as they were dropped: repaired, and not judged by the checks that were still to come. Left out: taking back single documents;
`dropped/REASON.jsonl` is a text like any other, and can be given to a training beside the clean ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from onward import lineage
from onward.corpus.cleaning import assemble
from onward.corpus.cleaning.checks import REASONS
from onward.corpus.cleaning.clean import Page
from onward.errors import DataError, FolderError
from onward.files import COPY_AGAIN, new_folder, read_json, write_json
from onward.lineage import Lineage


def take_back(out: Path, reasons: Sequence[str], page: Page | None = None) -> dict[str, Any]:
    """Put what was dropped for these reasons back among the clean texts of an output folder, and return its report.

    The folder is made anew beside itself and changes its name at the end, so that it is whole at every moment.   Raises OnwardError.
    """
    history = lineage.read(out) if out.is_dir() else None
    if history is None or history.verb != "clean":
        raise FolderError(f"{out} was not made by `onward clean`. Give the folder that it wrote, with -o.")
    report = read_json(out / assemble.REPORT, COPY_AGAIN)
    there = {path.stem for path in (out / "dropped").glob("*.jsonl")}
    for reason in reasons:
        if reason not in there:
            known = ", ".join(name for name in REASONS if name in there) or "nothing"
            raise DataError(f"--take-back {reason}: nothing was dropped for that reason. There is {known}.")
    with new_folder(out, force=True) as folder:
        _move(out, folder, reasons, report)
        write_json(folder / assemble.REPORT, report)
        lineage.write(folder, _with(history, reasons))
        if page is not None:
            page(folder)
    return report


def _move(out: Path, folder: Path, reasons: Sequence[str], report: dict[str, Any]) -> None:
    back = [
        ({name: value for name, value in record.items() if name not in ("reason", "why")} | {"taken_back": reason})
        for reason in reasons
        for record in assemble.read_dropped(out, reason)
    ]
    back.sort(key=lambda record: record["place"])
    kept = assemble.write_clean(
        heapq.merge(assemble.read_clean(out), back, key=lambda record: record["place"]),
        folder,
        report["rules"]["format"],
    )
    for reason in REASONS:
        if reason not in reasons and (out / "dropped" / f"{reason}.jsonl").exists():
            assemble.write_dropped(assemble.read_dropped(out, reason), folder, reason)
    report["kept"] = {name: kept[name] for name in ("documents", "bytes")}
    report["changed"] = kept["changed"]
    report["taken_back"] += reasons


def _with(history: Lineage, reasons: Sequence[str]) -> Lineage:
    plan = history.plan | {"taken_back": [*history.plan.get("taken_back", []), *reasons]}
    return replace(history, plan=plan, command=f"{history.command}; {lineage.command_line()}", date=lineage.now())
