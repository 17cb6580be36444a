"""The verb that checks: check."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.cli import printing
from onward.cli.arguments import Device, Json

if TYPE_CHECKING:
    from rich.console import Console

    from onward.check.row import Row
    from onward.check.subject import Subject

STYLES = {"held": "green", "failed": "bold red", "not tried": "yellow"}


def check(
    folder: Annotated[str, typer.Argument(help="a model folder, a run folder, or org/name on the hub")],
    device: Device = None,
    seed: Annotated[int, typer.Option("--seed", help="of the made-up text")] = 0,
    as_json: Json = False,
) -> None:
    """What must be equal for this folder on this machine, measured: cache = full forward, resumed = uninterrupted, and so on.

    Changes nothing. Exit code 1 where something that must be equal is not.

    Example:  onward check runs/mine/base
    """
    from onward.check.subject import open_subject
    from onward.generate.stages import furthest_stage
    from onward.model.folder import resolve

    subject = open_subject(resolve(furthest_stage(folder)), device=device, seed=seed)
    about = _about(subject)
    console = printing.messages()
    threads = f"{about['threads']} thread{'s' * (about['threads'] != 1)}"
    console.print(
        f"{about['folder']}: {about['family']}, {about['parameters']:,} parameters; {about['precision']} on "
        f"{about['device']}, {threads}; seed {seed}; memory at most about {printing.size(about['memory'])}"
    )
    rows = _with_progress(console, subject)
    failed = sum(row.state == "failed" for row in rows)
    if as_json:
        printing.print_json(about | {"held": not failed, "rows": [row.to_json() for row in rows]})
    else:
        _print(printing.results(), rows)
    if failed:
        raise typer.Exit(1)


def _about(subject: Subject) -> dict[str, Any]:
    """What was checked, and where: a check is worth something for one folder on one machine."""
    import torch

    from onward.check.table import memory_wanted
    from onward.lineage import versions

    return {
        "folder": str(subject.path),
        "family": subject.family,
        "parameters": sum(parameter.numel() for parameter in subject.model.parameters()),
        "stored": str(subject.stored).removeprefix("torch."),
        "precision": str(subject.dtype).removeprefix("torch."),
        "device": str(subject.device),
        "threads": torch.get_num_threads(),
        "seed": subject.seed,
        "memory": memory_wanted(subject),
        "versions": versions(),
    }


def _with_progress(console: Console, subject: Subject) -> list[Row]:
    """All the rows. Meanwhile a bar says on a terminal which is being tried; elsewhere, each is told when it is done."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from onward.check.table import check, equivalences

    names = [one.name for one in equivalences(subject)]
    columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    rows: list[Row] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(names[0], total=len(names))
        for row in check(subject):
            rows.append(row)
            bar.update(task, advance=1, description=(names[len(rows) :] or [""])[0])
            if not console.is_terminal:
                console.print(f"  {len(rows)}/{len(names)}  {row.name}: {row.state}")
    return rows


def _print(console: Console, rows: list[Row]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("must be equal", "", box=None, pad_edge=False, header_style="bold")
    table.add_column("largest difference", justify="right")
    table.add_column("may be", justify="right")
    table.add_column("", overflow="fold")
    table.add_column("seconds", justify="right")
    table.add_column("", overflow="fold")
    for row in rows:
        found = row.found
        figures = (_number(found.difference), _number(found.tolerance), found.unit) if found else ("", "", "")
        table.add_row(
            row.name, Text(row.state, STYLES[row.state]), *figures, f"{row.seconds:.1f}", Text(row.why, "dim")
        )
    console.print(table)
    counts = [f"{sum(row.state == state for row in rows)} {state}" for state in STYLES]
    console.print("\n" + ", ".join(counts))


def _number(value: float) -> str:
    return f"{value:g}" if not math.isfinite(value) or value == round(value) else f"{value:.1e}"
