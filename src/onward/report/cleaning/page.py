"""The page of a cleaning: a funnel of what each step dropped, ten examples of each reason, what was repaired, what could not be read.

It reads `report.json` and `onward.json` of the folder that `onward clean` writes, and measures nothing.
"""

from __future__ import annotations

from pathlib import Path

from onward import lineage
from onward.corpus.cleaning.assemble import REPORT
from onward.corpus.cleaning.checks import REASONS
from onward.files import COPY_AGAIN, read_json, write_bytes
from onward.report.cleaning.funnel import funnel
from onward.report.page import filled

REPAIRS = {
    "address": "street addresses masked",
    "boilerplate": "lines of web sites taken out",
    "card": "card numbers masked",
    "email": "e-mail addresses masked",
    "encoding": "broken encodings mended",
    "html": "markup taken out",
    "iban": "bank accounts masked",
    "ip": "IP addresses masked",
    "page": "pages read",
    "phone": "telephone numbers masked",
    "symbols": "runs of symbols taken out",
}
"""What `changed` counts, in words: masks one by one, everything else by documents."""


def write_page(folder: Path) -> Path:
    """Write `report.html` into a folder that `onward clean` made.   Raises FolderError."""
    report = read_json(folder / REPORT, COPY_AGAIN)
    history = lineage.read(folder)
    assert history is not None
    page = filled(
        "onward.report.cleaning",
        name=Path(history.folder).name,
        report=report,
        reasons=REASONS,
        repairs=REPAIRS,
        history=history,
        picture=funnel(report),
    )
    write_bytes(folder / "report.html", page.encode(errors="replace"))
    return folder / "report.html"
