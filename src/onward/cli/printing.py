"""What people see: the preflight, tables, and the places where output goes. Results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from onward.train.training import Preflight, Training


def messages() -> Console:
    """Where progress and remarks go."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else 120)


def results() -> Console:
    """Where the answer goes. A pipe gets whole lines; a terminal, lines of its width."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    return Console(highlight=False, markup=False, width=width)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def size(number: float) -> str:
    """Bytes as people say them, in powers of a thousand."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.3g} TB"


def pairs(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    """A heading and a column of names with their values."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"\n{title}", style="bold"))
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(f"  {name}", style="dim"), Text(value))
    console.print(table)


def preflight(console: Console, training: Training[Any]) -> None:
    """The data with its loss mask, the plan with its reasons, memory and time, before minutes are spent."""
    found = training.preflight()
    _examples(console, found)
    figures = [
        (name, f"{value:.1%}" if isinstance(value, float) else f"{value:,}") for name, value in found.data.items()
    ]
    pairs(console, "Data", figures)
    _plan(console, found)


def _examples(console: Console, found: Preflight) -> None:
    from rich.text import Text

    console.print(Text.assemble("\n", ("What will be seen, and ", "bold"), ("what is learned", "bold green"), ":"))
    for example in found.examples:
        text = Text("  ")
        for token, learned in example.tokens:
            text.append(token.replace("\n", "\n  "), style="green" if learned else "dim")
        console.print(text, Text("  ..."), "", sep="\n")


def _plan(console: Console, found: Preflight) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print("Plan", style="bold")
    table = Table.grid(padding=(0, 2))
    known = found.plan.explain()
    table.add_row("  parameters", f"{found.parameters:,}", Text(f"memory about {size(found.memory)}", style="dim"))
    for name, value, reason in known:
        table.add_row(f"  {name.replace('_', ' ')}", value, Text(reason, style="dim"))
    for name in sorted(found.plan.reasons.keys() - {name for name, _, _ in known}):
        value, _, reason = found.plan.reasons[name].partition(": ")
        table.add_row(f"  {name}", value, Text(reason, style="dim"))
    console.print(table, "")
