"""Verbs that look and change nothing: show, tokens, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.cli import printing
from onward.cli.arguments import Json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree

    from onward.lineage import Lineage
    from onward.tokens.statistics import Statistics


def show(
    folder: Annotated[str, typer.Argument(help="a model folder, or org/name on the hub")], as_json: Json = False
) -> None:
    """What is in a model folder, or an adapter's: architecture, parameters, memory, vocabulary, where it comes from, what was measured.

    Example:  onward show runs/mine/sft
    """
    from onward import lineage
    from onward.model.describe import describe, describe_adapter
    from onward.model.folder import is_adapter, resolve

    path = resolve(folder)
    found, history = describe_adapter(path) if is_adapter(path) else describe(path), lineage.read(path)
    console = printing.results()
    if as_json:
        printing.print_json(found | {"lineage": history.to_json() if history else None})
        return
    if is_adapter(path):
        _print_adapter(console, path, found)
    else:
        _print_model(console, path, found)
    printing.pairs(console, "Files", [(name, printing.size(value)) for name, value in found["files"].items()])
    if history is not None:
        console.print("\nLineage", style="bold")
        console.print(_tree(history))
        _print_results(console, history)


def _print_adapter(console: Console, path: Path, found: dict[str, Any]) -> None:
    from rich.text import Text

    figures = f"an adapter ({found['method']}) of {sum(found['stored'].values()):,} weights, beside {found['base']}"
    console.print(Text.assemble((str(path), "bold"), "  ", figures))
    settings = {
        name: ", ".join(value) if isinstance(value, list) else value for name, value in found["settings"].items()
    }
    printing.pairs(console, "Settings", [(_spaced(name), _worded(value)) for name, value in settings.items()])


def _print_model(console: Console, path: Path, found: dict[str, Any]) -> None:
    from rich.text import Text

    figures = f"{found['family']}, {found['parameters']['total']:,} parameters, {found['vocabulary']:,} tokens"
    console.print(Text.assemble((str(path), "bold"), "  ", figures))
    architecture = {name: value for name, value in found["architecture"].items() if value not in (None, False, 0)}
    printing.pairs(console, "Architecture", [(_spaced(name), _worded(value)) for name, value in architecture.items()])
    printing.pairs(
        console, "Parameters", [(_spaced(name), f"{value:,}") for name, value in found["parameters"].items() if value]
    )
    printing.pairs(console, "Memory", [(_spaced(name), _sizes(value)) for name, value in found["memory"].items()])


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{_spaced(name)} {_worded(v)}" for name, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sizes(value: Any) -> str:
    """Bytes, or bytes by precision."""
    if isinstance(value, dict):
        return ", ".join(f"{printing.size(number)} in {precision}" for precision, number in value.items())
    return printing.size(value)


def _tree(history: Lineage, tree: Tree | None = None) -> Tree:
    """The folder, and under it what it was made from."""
    from rich.text import Text
    from rich.tree import Tree

    data = ", ".join(Path(str(source["path"])).name for source in history.data[:3]) + (
        " ..." if len(history.data) > 3 else ""
    )
    line = Text.assemble(
        (history.folder or "?", "bold"), f"  {history.verb}  ", (history.date, "dim"), f"  from {data}" if data else ""
    )
    branch = Tree(line) if tree is None else tree.add(line)
    for parent in history.parents:
        _tree(parent, branch)
    return branch


def _print_results(console: Console, history: Lineage) -> None:
    from rich.table import Table

    if not history.results:
        return
    table = Table(
        "measured", "value", "95 % interval", "baseline", "chance", "n", box=None, pad_edge=False, header_style="bold"
    )
    for result in history.results:
        interval = "" if result.low is None or result.high is None else f"{result.low:.3f} to {result.high:.3f}"
        figures = [f"{x:.3g}" if x is not None else "" for x in (result.baseline, result.chance)]
        table.add_row(
            f"{result.suite}, {result.metric}", f"{result.value:.3f}", interval, *figures, f"{result.n or ''}"
        )
    console.print("", table)


def tokens(
    folder: Annotated[str, typer.Argument(help="a folder with a tokenizer")],
    text: Annotated[str, typer.Argument(help="the text to cut")],
    as_json: Json = False,
) -> None:
    """How a text is cut into tokens, in colour.

    Example:  onward tokens runs/mine/base "The cat sat on the mat."
    """
    from rich.text import Text

    from onward.model.folder import resolve
    from onward.tokens.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(resolve(folder))
    ids = tokenizer.encode(text)
    pieces = [tokenizer.token_bytes(i).decode("utf-8", errors="replace") for i in ids]
    if as_json:
        printing.print_json({"ids": ids, "tokens": pieces})
        return
    console, cut = printing.results(), Text()
    for number, piece in enumerate(pieces):
        colour = ("black on cyan", "black on yellow", "black on green", "black on magenta")[number % 4]
        cut.append(piece.replace("\n", "⏎\n"), style=colour)
        cut.append("" if console.is_terminal else "│")
    console.print(cut)
    size = len(text.encode())
    figures = f"{len(ids)} tokens, {size / max(len(ids), 1):.2f} bytes a token: "
    console.print(Text.assemble((figures, "dim"), " ".join(map(str, ids))))


def print_statistics(console: Console, found: Statistics) -> None:
    """Bytes per token by kind of text, the longest tokens, the unused ones."""
    printing.pairs(
        console, "Bytes per token", [(kind, f"{value:.2f}") for kind, value in found.bytes_per_token.items()]
    )
    rows = [
        ("vocabulary", f"{found.vocab_size:,}"),
        ("longest", "  ".join(map(repr, found.longest))),
        ("never used here", f"{found.unused:,}"),
    ]
    printing.pairs(console, "Tokens", rows)


def report(run: Annotated[Path, typer.Argument(help="a run folder, or one model folder")]) -> None:
    """Write report.html: one page about a run, that needs nothing else to be read.

    Example:  onward report runs/mine
    """
    from onward.report.page import write_report

    printing.messages().print(f"written: {write_report(run)}")
