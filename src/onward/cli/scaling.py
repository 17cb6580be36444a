"""The verb that asks how far compute goes: scale."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onward.cli import printing
from onward.cli.arguments import Force, Json, Out, PlanOnly, SkipBad, Texts
from onward.scale.budget import Budget

if TYPE_CHECKING:
    from rich.console import Console


def scale(
    texts: Texts,
    out: Out,
    budget: Budget,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    as_json: Json = False,
) -> None:
    """Several sizes on the same texts, the law they follow, and its prediction for ten times the compute, put to the test.

    Started again by the same command, it goes on where it stopped.

    Example:  onward scale books/ --minutes 30 -o scaling
    """
    from onward.scale.runs import Study
    from onward.scale.study import plan as choose
    from onward.scale.study import scale as carry_out

    console = printing.messages()
    if plan:
        with tempfile.TemporaryDirectory() as place:
            choose(Study(out=Path(place) / "plan", texts=texts, budget=budget, skip_bad=skip_bad), console)
        return
    found = carry_out(Study(out=out, texts=texts, budget=budget, skip_bad=skip_bad, force=force), console)
    if as_json:
        printing.print_json(found)
        return
    _table(printing.results(), found)
    console.print(f"\nThe page is {out}/scale.html, the larger model {out}/largest.")


def _table(console: Console, found: dict[str, Any]) -> None:
    """Every run with what the law says of it; then the prediction beside what came."""
    from rich.table import Table

    larger, law = found["larger"], found["law"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("parameters", "tokens", "passes", "operations", "bits per byte", "by the law"):
        table.add_column(name, justify="right")
    for run in [*found["runs"], larger | {"law": larger["predicted"]}]:
        figures = (f"{run['passes']:.2g}", f"{run['flops']:.1e}", f"{run['bits_per_byte']:.3f}", f"{run['law']:.3f}")
        table.add_row(f"{run['parameters']:,}", f"{run['tokens']:,}", *figures)
    console.print(table)
    numbers = ", ".join(f"{name} {n['value']:.3g} ({n['low']:.3g} to {n['high']:.3g})" for name, n in law.items())
    console.print(f"\nL(N, D) = E + A / N^alpha + B / D^beta: {numbers}")
    console.print(
        f"{larger['times']:.1f} times the compute: foretold {larger['predicted']:.3f} "
        f"({larger['low']:.3f} to {larger['high']:.3f}), came {larger['bits_per_byte']:.3f}, "
        f"{'inside' if larger['inside'] else 'outside'} the interval"
    )
