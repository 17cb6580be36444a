"""The page of a reward model: how many held-out pairs it ranks right, how far its confidence can be trusted, what it is most wrong about.

It reads `held_out.jsonl` and `onward.json` of the folder that `onward reward` writes, and measures nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from onward import lineage
from onward.align.calibration import Judgement, calibration
from onward.files import write_bytes
from onward.report.judging.picture import picture
from onward.report.page import filled

SHOWN = 8
"""Pairs that it is most wrong about."""


def write_page(folder: Path) -> Path:
    """Write `report.html` into a folder that `onward reward` made."""
    lines = (folder / "held_out.jsonl").read_text(encoding="utf-8").splitlines()
    judged = [Judgement(**json.loads(line)) for line in lines]
    history = lineage.of(folder)
    found = calibration(judged)
    page = filled(
        "onward.report.judging",
        name=folder.name,
        history=history,
        calibration=found,
        picture=picture(found, judged),
        worst=[one for one in judged if one.rewards[0] < one.rewards[-1]][:SHOWN],
    )
    write_bytes(folder / "report.html", page.encode(errors="replace"))
    return folder / "report.html"
