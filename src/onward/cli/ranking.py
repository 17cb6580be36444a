"""The verb that finds out which answers are better: rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.align.ranking.settings import Wanted
from onward.cli import printing
from onward.cli.arguments import Device, Force, Json, SkipBad
from onward.train import processes

if TYPE_CHECKING:
    from rich.console import Console


def rank(
    model: Annotated[
        str,
        typer.Argument(help="whose answers: a model or run folder, org/name on the hub, or http://host:port/v1#model"),
    ],
    prompts: Annotated[
        Path,
        typer.Argument(help="what to ask: conversations or prompts as JSONL, or a .txt with a prompt on each line"),
    ],
    judge: Annotated[
        str,
        typer.Option(
            "--judge", help="who ranks: a reward model's folder, http://host:port/v1#model, or me, at the terminal"
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="the file to write, ending in .jsonl")],
    wanted: Wanted,
    device: Device = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Have a model answer each prompt several times, and a judge say which answer is better: preferences for onward reward.

    With --judge me you are the judge: two answers, and one key for the better one. A chat model behind a URL is asked about each pair in
    both orders, and an answer is better only if it wins in both. Every vote is on the disk as soon as it is made. Started again by the same
    command, it goes on where it stopped.

    Example:  onward rank mine/chat prompts.txt --judge me -o votes.jsonl
              onward rank mine/chat prompts.jsonl --judge mine/reward --answers 4 -o votes.jsonl
    """
    processes.alone("rank")
    from onward.align.ranking.rank import STOPPED
    from onward.align.ranking.rank import rank as carry_out

    console = printing.messages()
    found = carry_out(
        model, prompts, judge, out, wanted, device=device, skip_bad=skip_bad, force=force, console=console
    )
    if as_json:
        printing.print_json(found)
        return
    _table(printing.results(), found)
    console.print(f"\nIt ended because {found['ended']}.")
    if found["left"]:
        console.print(f"{found['left']:,} prompts are left: the same command goes on{_with_more(found, STOPPED)}.")
    if found["prompts"]["vote"]:
        base = model if Path(model).is_dir() else "mine/chat"
        console.print(f"Learn from the votes:  onward reward {base} {out} -o mine/reward", soft_wrap=True)


def _with_more(found: dict[str, Any], stopped: str) -> str:
    return "" if found["ended"] == stopped else ", with a larger --budget"


def _table(console: Console, found: dict[str, Any]) -> None:
    """What became of the prompts, what the votes agree with, and what it cost."""
    from rich.table import Table

    from onward.align.ranking.votes import OF_PROMPTS

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, count in found["prompts"].items():
        if count or name == "vote":
            table.add_row("votes" if name == "vote" else f"  {name}", f"{count:,}", OF_PROMPTS[name])
    if found["longer"] is not None:
        pairs = f"of {found['of_different_length']:,} pairs of different length; 50 % where length does not count"
        table.add_row("the longer answer is better", f"{found['longer']:.0%}", pairs)
    asked = found["asked"]
    if chosen := asked.get("first", 0) + asked.get("second", 0):
        table.add_row(
            "the answer shown first is better", f"{asked['first'] / chosen:.0%}", f"{chosen:,} times one was chosen"
        )
    if asked.get("pairs"):
        table.add_row("pairs asked about in both orders", f"{asked['pairs']:,}", "")
        table.add_row("  decided by the order alone", f"{asked['swayed']:,}", "the judge chose the same place twice")
        table.add_row("replies that name no answer", f"{asked['unread']:,}", f"of {asked['asked']:,}")
    table.add_row("tokens that were read", f"{found['prompt_tokens']:,}")
    table.add_row("tokens that were written", f"{found['tokens']:,}")
    table.add_row("seconds", f"{found['seconds']:,.1f}")
    console.print(table)
