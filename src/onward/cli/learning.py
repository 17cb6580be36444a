"""`onward eval RUN --every-checkpoint`: one suite on every model that a training has kept, and what was learned when."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onward.cli import printing

if TYPE_CHECKING:
    from rich.console import Console

    from onward.evaluate.examined import Examined
    from onward.evaluate.learning import Curve, Kept

SHOWN = 12
"""Checkpoints in the table, at most; all of them are in the file and in the picture."""


def every_checkpoint(
    where: str, label: str, examined: Callable[[str], Examined], *, as_json: bool
) -> list[dict[str, Any]]:
    """Examine all, print a table, and write lines and a picture into the training's own folder. Returns the lines.

    label: what the suite's results are called.   examined: puts the suite to the model in a folder.
    """
    from onward.evaluate.learning import curves, kept, place
    from onward.evaluate.run import plain
    from onward.files import write_bytes
    from onward.report.learning import picture

    folder = place(where)
    found = curves([(one, examined(str(one.path))) for one in kept(folder)])
    lines, out = _lines(found, label), folder / "evaluations" / plain(label)
    write_bytes(out.with_name(out.name + ".jsonl"), "".join(json.dumps(line) + "\n" for line in lines).encode())
    write_bytes(out.with_name(out.name + ".svg"), picture(found).encode())
    if not as_json:
        _print(printing.results(), folder, label, found)
    printing.messages().print(f"Written: {out}.jsonl, {out}.svg", style="dim")
    return lines


def _lines(found: Sequence[Curve], label: str) -> list[dict[str, Any]]:
    """One for each checkpoint: all kinds, with their numbers."""
    from dataclasses import asdict

    from onward.lineage import command_line, now

    def line(place: int, one: Kept) -> dict[str, Any]:
        kinds = {
            curve.kind: asdict(curve.looks[place].measured)
            | {
                "p": curve.looks[place].p,
                "chance": curve.floor,
                "above_from_step": curve.since.kept.step if curve.since else None,
            }
            for curve in found
        }
        head = {"suite": label, "model": str(one.path), "step": one.step, "tokens": one.tokens}
        return head | {"kinds": kinds, "command": command_line(), "date": now()}

    return [line(place, look.kept) for place, look in enumerate(found[0].looks)]


def _print(console: Console, folder: Path, label: str, found: Sequence[Curve]) -> None:
    from rich.table import Table
    from rich.text import Text

    from onward.report.learning import told

    looks = found[0].looks
    places = sorted({round(n * (len(looks) - 1) / (SHOWN - 1)) for n in range(SHOWN)})
    console.print(Text.assemble((str(folder), "bold"), f"  {label}, {len(looks)} checkpoints"))
    for begin in range(0, len(found), 4):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("  step", "tokens"):
            table.add_column(column, justify="right", no_wrap=True)
        for curve in found[begin : begin + 4]:
            table.add_column(f"  {curve.kind}", no_wrap=True)
        for place in places if len(looks) > SHOWN else range(len(looks)):
            one = looks[place].kept
            cells = [_cell(curve, place) for curve in found[begin : begin + 4]]
            table.add_row(f"{one.step:,}", f"{one.tokens:,}", *cells)
        for name, words in (("without knowing", _floor), ("above it", told)):
            table.add_row(
                "", Text(name, "dim"), *(Text(f"  {words(curve)}", "dim") for curve in found[begin : begin + 4])
            )
        console.print(table)
    if len(looks) > SHOWN:
        console.print(f"Shown are {len(places)} of {len(looks)} checkpoints; the files have all.", style="dim")


def _cell(curve: Curve, place: int) -> str:
    measured = curve.looks[place].measured
    interval = "" if measured.low is None else f" ({measured.low:.2f} to {measured.high:.2f})"
    return f"  {measured.value:.2f}{interval}"


def _floor(curve: Curve) -> str:
    return "not known" if curve.floor is None else f"{curve.floor:.2f}"
