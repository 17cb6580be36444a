"""The verb that learns from another model: distil."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.align.distil.settings import Distillation
from onward.cli import printing
from onward.cli.arguments import Device, Force, Json, SkipBad
from onward.train import processes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def distil(
    teacher: Annotated[
        str, typer.Argument(help="a model or run folder, org/name on the hub, or http://host:port/v1#model")
    ],
    seeds: Annotated[Path, typer.Argument(help='conversations as JSONL, or seed tasks: {"instruction": ...} a line')],
    out: Annotated[Path, typer.Option("-o", "--out", help="the file to write, ending in .jsonl; must not exist yet")],
    wanted: Distillation,
    device: Device = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Have a teacher write instructions like the seeds and answer them: conversations that another model can learn from.

    Started again by the same command, it goes on where it stopped; nothing that was answered is asked again.

    Example:  onward distil http://localhost:8000/v1 seeds.jsonl --count 1000 --budget 1000000 -o chats.jsonl
              onward distil mine/chat questions.jsonl --answers-only -o chats.jsonl
    """
    processes.alone("distil")
    from onward.align.distil.distil import distil as carry_out

    console = printing.messages()
    found = carry_out(teacher, seeds, out, wanted, device=device, skip_bad=skip_bad, force=force, console=console)
    if as_json:
        printing.print_json(found)
        return
    _table(printing.results(), found)
    console.print(f"\nIt ended because {found['ended']}. Learn from it:  onward sft mine/base {out} -o mine/chat")


def _table(console: Console, found: dict[str, Any]) -> None:
    """What was asked, what went for each reason, what is left, and what it cost."""
    from rich.table import Table

    from onward.align.distil.filter import OF_ANSWERS, OF_INSTRUCTIONS, OF_LISTS

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    writing, answering = found["writing"], found["answering"]
    if writing["asked"]:
        table.add_row("asked for new instructions", f"{writing['asked']:,}")
        _reasons(table, writing["in_vain"], OF_LISTS)
        table.add_row("instructions written", f"{writing['instructions']:,}")
        _reasons(table, writing["dropped"], OF_INSTRUCTIONS)
    table.add_row("asked for an answer", f"{answering['asked']:,}")
    _reasons(table, answering["dropped"], OF_ANSWERS)
    table.add_row("kept", f"{found['kept']:,}")
    table.add_row("")
    table.add_row("refusals in all", f"{found['refusals']:,}")
    table.add_row("tokens that the teacher read", f"{found['prompt_tokens']:,}")
    table.add_row("tokens that it wrote", f"{found['tokens']:,}")
    table.add_row("tokens for each that is kept", f"{found['tokens_per_kept']:,.0f}")
    table.add_row("seconds", f"{found['seconds']:,.1f}")
    console.print(table)


def _reasons(table: Table, counts: dict[str, int], meaning: dict[str, str]) -> None:
    for reason, count in counts.items():
        if count:
            table.add_row(f"  {reason}", f"{count:,}", f"dropped: {meaning[reason]}")
