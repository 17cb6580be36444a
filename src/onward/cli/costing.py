"""`onward cost`: what an answer takes, of folders and endpoints alike, and what quality that buys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device, Json
from onward.cli.evaluating import MODEL, Budget, Most, Place
from onward.evaluate.cost.settings import Measuring
from onward.evaluate.settings import How

if TYPE_CHECKING:
    from rich.console import Console

    from onward.evaluate.cost.front import Point
    from onward.evaluate.cost.memory import Peak
    from onward.evaluate.cost.prices import Price
    from onward.evaluate.examined import Row
    from onward.evaluate.items import Item
    from onward.evaluate.suite import Suite
    from onward.generate.settings import Computed


def cost(
    models: Annotated[list[str], typer.Argument(help=MODEL)],
    measuring: Measuring,
    how: How,
    suite: Annotated[
        str | None, typer.Option("--suite", help="a suite, as for eval: quality, and a picture of it against cost")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", help="what is asked: a file of prompts; by default the suite's, or the world's"),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", help="a YAML table: a model's name, and input: and output: a million tokens"),
    ] = None,
    most: Most = None,
    budget: Budget = None,
    out: Place = Path("evaluations"),
    device: Device = None,
    weights: Compiled = None,
    as_json: Json = False,
) -> None:
    """What an answer costs: time, memory, operations, energy, money; with --suite, what quality that buys.

    Results are added to each folder's lineage. Peak memory is told of the first model; what others take lies where it lay before.

    Example:  onward cost runs/mine --per-hour 0.10
              onward cost runs/small/chat runs/large/chat --suite world-question
              onward cost http://localhost:8000/v1 --prices prices.yaml --words 200
    """
    from onward.evaluate.cost import asked, memory
    from onward.evaluate.cost import prices as tables
    from onward.evaluate.cost.front import Point
    from onward.evaluate.cost.measure import costs
    from onward.evaluate.opening import open_suite

    held = open_suite(suite, most) if suite else None
    table, items = tables.read(prices) if prices else {}, asked.items(held, prompts)
    points, told, console, metric = list[Point](), list[dict[str, object]](), printing.results(), ""
    for where in models:
        peak = memory.Peak() if where == models[0] and not where.startswith("http") else None
        name, rows, quality = _measured(where, items, held, measuring, how, table, budget, out, device, weights, peak)
        told.append({"model": name} | _as_json(rows))
        if quality is not None:
            points.append(Point(_short(name), quality.measured, costs(rows)))
            metric = quality.metric
        if not as_json:
            _print(console, name, [quality, *rows] if quality else rows)
    if held is not None and points:
        _picture(points, held.name, metric, out, console if not as_json else None)
    if as_json:
        printing.print_json(told)


def _measured(
    where: str,
    items: Sequence[Item],
    suite: Suite | None,
    measuring: Measuring,
    how: How,
    table: dict[str, Price],
    budget: int | None,
    out: Path,
    device: str | None,
    weights: Computed | None,
    peak: Peak | None,
) -> tuple[str, list[Row], Row | None]:
    """Its name, its costs, and the suite's own number.   peak: begun before."""
    from onward import load
    from onward.evaluate.cost import asked
    from onward.evaluate.cost import prices as tables
    from onward.evaluate.cost.measure import measure, rows
    from onward.evaluate.run import evaluate, keep, opened, talks

    console = printing.messages()
    with console.status(f"opening {where}"):
        model = load(where, device=device, weights=weights)
    chat = talks(model, how)
    sampling = how.sampling(0, suite.max_tokens if suite else measuring.tokens, ())
    questions = asked.prompts(items, chat=chat, words=measuring.words)
    with console.status(f"{model.name}: a round that warms up") as status:

        def told(number: int) -> None:
            status.update(f"{model.name}: round {number} of {measuring.rounds} is measured")

        taken = measure(model, questions, measuring, sampling, peak=peak, told=told)
    if taken.repeated:
        console.print(f"{taken.repeated:,} answers had a prompt that had been asked before, which is quicker to read.")
    price = tables.of(table, where, model.name, getattr(model, "model", model.name))
    found = rows(model, taken, measuring, price)
    keep(model, "cost" if suite is None else f"cost, {suite.name}", found, how.seed, out)
    quality = None
    if suite is not None:
        with console.status(f"{model.name}: {suite.name}"):
            quality = evaluate(model, suite, how, out, opened(model, out, budget, measuring.at_once)).rows[0]
    return model.name, found, quality


def _as_json(rows: Sequence[Row]) -> dict[str, object]:
    from dataclasses import asdict

    return {"results": [asdict(row) for row in rows]}


def _short(name: str) -> str:
    """The last two parts of a path; an endpoint as it is called."""
    return name if name.startswith("http") else "/".join(Path(name).resolve().parts[-2:])


def _print(console: Console, name: str, rows: Sequence[Row]) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(name, "bold"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("")
    for row in rows:
        low, high = row.measured.low, row.measured.high
        interval = "" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"
        table.add_row(f"  {row.metric}", _figure(row.measured.value), interval, Text(row.about, "dim"))
    console.print(table)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _picture(points: Sequence[Point], suite: str, metric: str, out: Path, console: Console | None) -> None:
    """Write it, and say who is on the front."""
    from onward.evaluate.cost.front import front, shared
    from onward.evaluate.run import plain
    from onward.files import write_bytes
    from onward.report.costing import picture

    place = out / "cost" / f"{plain(suite)}.svg"
    write_bytes(place, picture(points, f"{metric}, {suite}").encode())
    for price in shared(points) if console else ():
        names = ", ".join(point.name for point in front(points, price))
        assert console is not None
        console.print(f"nobody is better for less, by {price}: {names}")
    printing.messages().print(f"Written: {place}", style="dim")
