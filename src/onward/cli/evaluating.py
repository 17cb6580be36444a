"""The verbs that say how good a model is: eval and compare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device, Json
from onward.evaluate.settings import How

if TYPE_CHECKING:
    from rich.console import Console

    from onward.evaluate.asking import Model, Respondent
    from onward.evaluate.compare import Compared
    from onward.evaluate.examined import Examined
    from onward.evaluate.suite import Suite
    from onward.generate.settings import Computed
    from onward.train.measure import Measured

MODEL = "a model or run folder, org/name on the hub, or http://host:port/v1#model"
SuiteName = Annotated[
    str,
    typer.Option(
        "--suite", help="a suite's name, as world-hop; or a .yaml, .jsonl or .csv file, or a folder of tables"
    ),
]
Most = Annotated[
    int | None,
    typer.Option("--most", help="so many items at most, drawn from all, always the same", show_default=False),
]
Budget = Annotated[
    int | None, typer.Option("--budget", help="tokens that each model may read and write", show_default=False)
]
AtOnce = Annotated[int, typer.Option("--at-once", help="connections to an endpoint", min=1)]
Place = Annotated[Path, typer.Option("-o", "--out", help="the folder for answers; what is there is not asked again")]


def eval(
    models: Annotated[list[str], typer.Argument(help=MODEL)],
    suite: SuiteName,
    how: How,
    most: Most = None,
    budget: Budget = None,
    at_once: AtOnce = 8,
    out: Place = Path("evaluations"),
    device: Device = None,
    weights: Compiled = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="show each kind of item for itself too")] = False,
    every_checkpoint: Annotated[
        bool,
        typer.Option(
            "--every-checkpoint", help="each model that a training with --keep has kept: what is learned when"
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a suite of questions to models: how much they get right, how sure that is, and what a guess or no question would get.

    Results are added to each folder's lineage, where show and report find them. What was answered is kept: the same command goes on where
    it stopped.

    Example:  onward eval runs/mine --suite world-hop
              onward eval runs/mine http://localhost:8000/v1 --suite mine.yaml
              onward eval runs/mine/sft --suite world-question --every-checkpoint
    """
    from onward.cli import learning
    from onward.evaluate.opening import open_suite
    from onward.evaluate.run import label, summary

    asked, console, told = open_suite(suite, most), printing.results(), list[dict[str, object]]()
    put = partial(
        examined, suite=asked, how=how, out=out, budget=budget, at_once=at_once, device=device, weights=weights
    )
    for where in models:
        if every_checkpoint:
            told += learning.every_checkpoint(where, label(asked, how), lambda one: put(one)[1], as_json=as_json)
            continue
        model, found = put(where)
        if as_json:
            told.append(summary(model, found, how))
        else:
            print_examined(console, model.name, found, kinds)
    if as_json:
        printing.print_json(told)


def compare(
    first: Annotated[str, typer.Argument(help=MODEL)],
    second: Annotated[str, typer.Argument(help=MODEL)],
    suite: SuiteName,
    how: How,
    most: Most = None,
    budget: Budget = None,
    at_once: AtOnce = 8,
    out: Place = Path("evaluations"),
    device: Device = None,
    weights: Compiled = None,
    as_json: Json = False,
) -> None:
    """Whether one of two models is better at a suite, item by item; "no difference seen" is an answer too.

    Example:  onward compare runs/mine/sft runs/mine/chat --suite world-hop
    """
    from dataclasses import asdict

    from onward.evaluate.compare import compare as carry_out
    from onward.evaluate.opening import open_suite

    asked = open_suite(suite, most)
    (one, before), (other, after) = (
        examined(where, asked, how, out, budget, at_once, device, weights) for where in (first, second)
    )
    found = carry_out(before, after)
    if as_json:
        printing.print_json(
            {"suite": asked.name, "first": one.name, "second": other.name, "verdict": found.verdict} | asdict(found)
        )
        return
    console = printing.results()
    _print_compared(console, found, one.name, other.name)
    for each in (before, after):
        _print_lacking(each)


def examined(
    where: str,
    suite: Suite,
    how: How,
    out: Path,
    budget: int | None,
    at_once: int,
    device: str | None,
    weights: Computed | None,
) -> tuple[Model, Examined]:
    """One model opened, asked with progress, and its results written down; for other verbs too."""
    from onward import load
    from onward.evaluate.run import evaluate, opened

    console = printing.messages()
    with console.status(f"opening {where}"):
        model = load(where, device=device, weights=weights)
    asked = opened(model, out, budget, at_once)
    with Watched(console, asked, f"{model.name}, {suite.name}"):
        found = evaluate(model, suite, how, out, asked)
    report_anew(Path(model.name))
    return model, found


def report_anew(folder: Path) -> None:
    """Where the folder is a stage of a run that has a report, it shows the new results."""
    from onward.generate.stages import STAGES
    from onward.report.page import write_report

    if folder.is_dir() and folder.name in STAGES and (folder.parent / "report.html").exists():
        write_report(folder.parent)


class Watched:
    """How many answers have come, and how many tokens they took. Use it in a `with`."""

    def __init__(self, console: Console, asked: Respondent, about: str) -> None:
        from rich.progress import Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("  {task.description}: {task.completed:,.0f} answers"), TimeElapsedColumn())
        self.console, self.asked, self.about, self.answers = console, asked, about, 0
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task(about, total=None)
        asked.told = self.told

    def told(self) -> None:
        self.answers += 1
        self.bar.update(self.task, completed=self.answers)

    def __enter__(self) -> Watched:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        spent = f"{self.answers:,} answers, {self.asked.spent:,} tokens"
        self.console.print(f"{self.about}: {spent}" if self.answers else f"{self.about}: all was known", style="dim")


def print_examined(console: Console, name: str, found: Examined, kinds: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from onward.evaluate.run import signatures

    independent = len({item.cluster for item in found.asked})
    groups = f" about {independent:,} subjects" if independent < len(found.scores) else ""
    console.print(Text.assemble((name, "bold"), f"  {found.suite.name}, {len(found.scores):,} items{groups}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    usual = any(row.baseline is not None for row in found.rows)
    for column in ("value", "95 % interval", "chance", *(["usual answer"] if usual else [])):
        table.add_column(column, justify="left" if column.startswith("95") else "right", no_wrap=True)
    table.add_column("")
    for row in found.rows:
        figures = [f"{x:.3f}" if x is not None else "" for x in (row.chance, row.baseline)[: 1 + usual]]
        value = f"{row.measured.value:.3f}"
        table.add_row(f"  {row.metric}", value, interval(row.measured), *figures, Text(row.about, "dim"))
    for kind, measured in found.by_kind().items() if kinds else ():
        table.add_row(f"    {kind or '(no kind)'}", f"{measured.value:.3f}", interval(measured))
    console.print(table)
    for signature in signatures(found):
        console.print(f"  {signature}", style="dim", soft_wrap=True)
    _print_lacking(found)


def _print_lacking(found: Examined) -> None:
    """On stderr: what is not in the numbers."""
    console = printing.messages()
    if found.unreached:
        console.print(
            f"The budget has left {found.unreached:,} of {len(found.suite.items):,} items unasked; a larger one goes on. "
            "So far nothing is added to the lineage."
        )
    if found.unasked:
        why = next(iter(found.unasked.values()))
        console.print(f"{len(found.unasked):,} items could not be asked, and are not in the numbers: {why}")


def _print_compared(console: Console, found: Compared, first: str, second: str) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(found.metric, "value", "95 % interval", box=None, pad_edge=False, header_style="bold")
    for name, measured in ((first, found.first), (second, found.second)):
        table.add_row(f"  {name}", f"{measured.value:.3f}", interval(measured))
    difference = found.difference
    table.add_row("  difference", f"{difference.value:+.3f}", interval(difference))
    console.print(table)
    counts = f"the second scores more on {difference.better:,} of {difference.n:,}, less on {difference.worse:,}"
    console.print(Text.assemble((found.verdict, "bold"), f" (p = {difference.p:.2g}; {counts})"))
    if not difference.seen:
        console.print(f"A difference of {difference.detectable:.3f} would have been seen four times in five.")


def interval(measured: Measured | object) -> str:
    low, high = getattr(measured, "low", None), getattr(measured, "high", None)
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
