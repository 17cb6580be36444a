"""The verb that cleans: clean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.cli import printing
from onward.cli.arguments import Force, Json, Out
from onward.corpus.cleaning.rules import Rules
from onward.train import processes

if TYPE_CHECKING:
    from rich.console import Console


def clean(
    out: Out,
    rules: Rules,
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="files (.txt .md .jsonl .parquet .html .warc), folders of them, or hf:org/name"),
    ] = None,
    take_back: Annotated[
        list[str] | None,
        typer.Option("--take-back", help="a reason; what was dropped for it goes back among the clean texts"),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Raw texts in, clean documents out: repaired, judged, without duplicates, personal data masked. Nothing is deleted.

    Started again by the same command, it goes on where it stopped.

    Example:  onward clean crawl/ -o corpus      then:  onward pretrain corpus -o mine/base
    """
    processes.alone("clean")
    from onward.corpus.cleaning.clean import clean as carry_out
    from onward.corpus.cleaning.take_back import take_back as put_back
    from onward.errors import DataError
    from onward.report.cleaning.page import write_page

    console = printing.messages()
    if take_back and texts:
        raise DataError(
            "--take-back changes what was cleaned before: leave out the texts, and name the folder with -o."
        )
    if take_back:
        found = put_back(out, take_back, write_page)
    elif texts:
        found = carry_out(texts, out, rules, force=force, console=console, page=write_page)
    else:
        raise DataError("There is nothing to clean. Give texts, as in: onward clean crawl/ -o corpus")
    if as_json:
        printing.print_json(found)
        return
    _table(printing.results(), found)
    console.print(f"\nThe page is {out}/report.html. Train on it:  onward pretrain {out} -o mine/base")


def _table(console: Console, found: dict[str, Any]) -> None:
    """The funnel: what came in, what went for each reason, what is left."""
    from rich.table import Table

    from onward.corpus.cleaning.checks import REASONS

    read, kept = found["read"], found["kept"]
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=False)
    for justify in ("left", "right", "right", "left"):
        table.add_column(justify=justify)
    table.add_row("read", f"{read['documents']:,}", "", _about(read))
    for step in found["funnel"]:
        if step["documents"]:
            back = ", taken back" if step["reason"] in found["taken_back"] else ""
            share = f"{step['documents'] / read['documents']:.1%}"
            table.add_row(step["reason"], f"{step['documents']:,}", share, REASONS[step["reason"]] + back)
    table.add_row(
        "kept", f"{kept['documents']:,}", f"{kept['documents'] / read['documents']:.1%}", printing.size(kept["bytes"])
    )
    console.print(table)
    changes = ", ".join(f"{name} {times:,}" for name, times in found["changed"].items())
    console.print(f"\nRepaired in what is kept: {changes or 'nothing'}")


def _about(read: dict[str, Any]) -> str:
    passed = [f"{read[name]:,} {word}" for name, word in (("empty", "empty"), ("bad", "bad lines")) if read[name]]
    passed += [f"{len(read['broken']):,} broken"] if read["broken"] else []
    files = f"documents of {read['files']:,} file{'s' * (read['files'] != 1)}, {printing.size(read['bytes'])}"
    return f"{files}; passed over: {', '.join(passed)}" if passed else files
