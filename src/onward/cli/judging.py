"""The verb by which a model judges others: judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device, Json
from onward.cli.evaluating import MODEL, AtOnce, Budget, Place, Watched, interval, report_anew
from onward.evaluate.arena.settings import Answering

if TYPE_CHECKING:
    from onward.evaluate.judging.outcome import Outcome
    from onward.evaluate.judging.run import Asked, Case
    from onward.generate.settings import Computed


def judge(
    models: Annotated[list[str], typer.Argument(help=f"one to be marked, or two to be compared: {MODEL}")],
    by: Annotated[str, typer.Option("--by", help="who judges: a folder or an address, as the models")],
    prompts: Annotated[
        Path,
        typer.Option(
            "--prompts", help="what is asked: question_id and turns as MT-bench has them, prompts as JSONL, or a .txt"
        ),
    ],
    answering: Answering,
    budget: Budget = None,
    at_once: AtOnce = 8,
    out: Place = Path("evaluations"),
    device: Device = None,
    weights: Compiled = None,
    as_json: Json = False,
) -> None:
    """Have a model's answers marked by another model, or two models' answers compared, each pair in both orders.

    With one model: marks from 1 to 10. With two: what the first has won, also as it would be were all answers equally long, and what
    moves the judge besides. Replies that are not in form are counted, and never guessed at. What was answered is kept: the same command
    goes on where it stopped. Results are added to the lineage of the folders that were judged.

    Example:  onward judge runs/mine --by http://localhost:8000/v1#judge --prompts question.jsonl
              onward judge runs/mine/sft runs/mine/chat --by judge-model --prompts prompts.txt
    """
    from onward.errors import PlanError
    from onward.evaluate.judging.asked import answered
    from onward.evaluate.judging.questions import open_questions
    from onward.evaluate.judging.run import Case, carry_out, summary

    if len(models) > 2 or len(set(models)) < len(models):
        raise PlanError("one model is marked, or two different ones are compared. For more, judge each pair.")
    questions = open_questions(prompts)
    asked = [_opened(where, out, budget, at_once, device, weights) for where in models]
    case = Case(asked, _opened(by, out, budget, at_once, device, weights), questions, prompts.stem, answering)
    console, said = printing.messages(), []
    for model, respondent in case.models:
        with Watched(console, respondent, model.name):
            said.append(answered(respondent, questions, answering))
    with Watched(console, case.judge[1], f"{case.judge[0].name}, judging"):
        found = carry_out(case, said, out)
    for model, _ in case.models:
        report_anew(Path(model.name))
    if as_json:
        printing.print_json(summary(case, found))
    else:
        _print(case, found)


def _opened(
    where: str, out: Path, budget: int | None, at_once: int, device: str | None, weights: Computed | None
) -> Asked:
    from onward import load
    from onward.evaluate.run import opened

    with printing.messages().status(f"opening {where}"):
        model = load(where, device=device, weights=weights)
    return model, opened(model, out, budget, at_once)


def _print(case: Case, found: Outcome) -> None:
    from rich.table import Table
    from rich.text import Text

    console = printing.results()
    names, judge = " beside ".join(model.name for model, _ in case.models), case.judge[0].name
    console.print(
        Text.assemble((names, "bold"), f"  {found.questions:,} questions of {case.name}, judged by {judge}"),
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("value", "95 % interval", "chance"):
        table.add_column(column, justify="left" if column.startswith("95") else "right", no_wrap=True)
    table.add_column("")
    for row in found.rows:
        value, chance = f"{row.measured.value:.3f}", "" if row.chance is None else f"{row.chance:.3f}"
        table.add_row(f"  {row.metric}", value, interval(row.measured), chance, Text(row.about, "dim"))
    console.print(table)
    if found.unformed:
        console.print(
            f"  {found.unformed:,} of {found.replies:,} replies are not in form, and in none of these numbers."
        )
    for remark in found.remarks:
        console.print(f"  {remark}", markup=False)
