"""The verb that lets people compare models blindly: arena."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.cli import printing
from onward.cli.arguments import Device, Json
from onward.evaluate.arena.settings import Answering

if TYPE_CHECKING:
    from rich.console import Console

    from onward.evaluate.arena.bradley_terry import Standing
    from onward.evaluate.arena.collect import Collected
    from onward.evaluate.arena.votes import Battle


def arena(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="two or more: model or run folders, org/name on the hub, or http://host:port/v1#model. Without any: what the votes say",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="the votes, an SQLite file; more are added to one that is there")
    ],
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            help="what to ask: prompts as JSONL, or a .txt with one on each line; else you type them",
            show_default=False,
        ),
    ] = None,
    answering: Answering,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Vote on the answers of models whose names you do not see, and find out which of them you prefer, and how sure that is.

    Two models answer the same prompt, side by side in random order; one key says which answer is better. Every vote is on the disk as soon
    as it is made, and the same command goes on. The order that comes of it is Bradley and Terry's, with 95 % intervals.

    Example:  onward arena mine/chat mine/liked http://localhost:8000/v1#qwen --prompts prompts.txt -o votes.db
              onward arena -o votes.db
    """
    from onward.errors import DataError
    from onward.evaluate.arena.votes import Votes

    if not models and not out.is_file():
        raise DataError(f"{out} is not there. Name two models to vote on, or the file with the votes.")
    if models:
        _check(models)
    console = printing.messages()
    with Votes(out) as votes:
        if models:
            _tell(console, _sit(console, models, prompts, answering, device, votes), out)
        battles = votes.battles()
    _show(console, battles, as_json)


def _check(models: Sequence[str]) -> None:
    """Before anything is opened."""
    from onward.errors import PlanError

    if len(models) < 2 or len(set(models)) < len(models):
        raise PlanError("an arena needs at least two models, each named once. Name another one.")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PlanError(
            "voting needs a terminal, to show answers and to read keys. Without models, the votes so far are shown."
        )


def _sit(
    console: Console, models: Sequence[str], prompts: Path | None, answering: Answering, device: str | None, votes: Any
) -> Collected:
    from onward import load
    from onward.align.ranking.prompts import read_prompts
    from onward.align.ranking.terminal import Terminal
    from onward.evaluate.arena.collect import Arena, collect

    read = None if prompts is None else read_prompts(prompts)
    with console.status("opening the models"):
        opened = {name: load(name, device=device) for name in models}
    return collect(Arena(opened, answering, votes), read, Terminal(console))


def _tell(console: Console, found: Collected, out: Path) -> None:
    """What this sitting has come to."""
    console.print(f"\n{found.votes:,} votes in this sitting, in {out}. The same command goes on.", soft_wrap=True)
    if found.alike:
        console.print(f"{found.alike:,} pairs of equal answers were counted as ties.")
    if found.refused:
        console.print(f"{found.refused:,} prompts were not taken by one of the models.")
    if found.whole:
        console.print("Every prompt of the file has been shown.")


def _show(console: Console, battles: Sequence[Battle], as_json: bool) -> None:
    from onward.errors import DataError
    from onward.evaluate.arena.bradley_terry import standings
    from onward.evaluate.arena.votes import as_votes, left_chosen

    try:
        order = standings(as_votes(battles))
    except DataError as error:
        console.print(f"There is no order yet: {error}")
        order = []
    left, chosen = left_chosen(battles)
    found = {
        "standings": [asdict(one) for one in order],
        "votes": len(battles),
        "ties": Counter(one.choice for one in battles)["tie"],
        "left_chosen": left,
        "one_chosen": chosen,
    }
    if as_json:
        printing.print_json(found)
    elif order:
        _table(printing.results(), order, found)


def _table(console: Console, order: Sequence[Standing], found: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("rank", "model", box=None, pad_edge=False, header_style="bold")
    for heading in ("rating", "95 % interval", "votes"):
        table.add_column(heading, justify="right")
    for one in order:
        table.add_row(
            str(one.rank), Text(one.model), f"{one.rating:.0f}", f"{one.low:.0f} to {one.high:.0f}", f"{one.votes:,}"
        )
    console.print(table)
    console.print(f"\n{found['votes']:,} votes, {found['ties']:,} of them ties.")
    if found["one_chosen"]:
        share = found["left_chosen"] / found["one_chosen"]
        console.print(
            f"The answer shown first was chosen in {share:.0%} of the others: half, where its place does not count."
        )
    if all(one.rank == 1 for one in order):
        console.print("No model is surely better than another yet: their intervals overlap.")
