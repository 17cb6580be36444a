"""The verb that asks whether a test was in the training data: contamination."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from onward.cli import evaluating, printing
from onward.cli.arguments import Compiled, Device, Json


def contamination(
    models: Annotated[list[str], typer.Argument(help=evaluating.MODEL)],
    suite: Annotated[
        str,
        typer.Option(
            "--suite", help="a suite's name or file, as for eval; or a .jsonl of texts, in the published order"
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="the same, of unseen texts of the same sort: newer than the model", show_default=False
        ),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--most", help="only the first so many texts of each", show_default=False)
    ] = None,
    ask: Annotated[
        Literal["auto", "chat", "text"],
        typer.Option(
            "--ask", help="as a chat, or as a text to carry on; auto: a text for models that were only pretrained"
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="of shuffled orders, made-up texts and bootstraps")] = 0,
    budget: evaluating.Budget = None,
    at_once: evaluating.AtOnce = 8,
    out: evaluating.Place = Path("evaluations"),
    device: Device = None,
    weights: Compiled = None,
    as_json: Json = False,
) -> None:
    """Was this test in the training data? Four questions to the model, each with its interval, its chance level and a control.

    How it completes halves of the texts, whether it says to know them, how likely they are beside unseen ones (Min-K%), and whether their
    published order is likelier than others. The last two want a folder. Results are added to its lineage; the same command goes on.

    Example:  onward contamination mine/base --suite test.jsonl --against newer.jsonl
              onward contamination http://localhost:8000/v1 --suite world-hop
    """
    from dataclasses import replace

    from onward.evaluate.contamination.documents import open_texts
    from onward.evaluate.contamination.examination import lacking, verdict
    from onward.evaluate.contamination.examination import suite as made
    from onward.evaluate.contamination.gathering import P
    from onward.evaluate.run import summary
    from onward.evaluate.settings import How

    name, texts = open_texts(suite, most)
    asked, how = made(name, texts, open_texts(against, most)[1] if against else ()), How(ask=ask, seed=seed)
    console, told = printing.results(), []
    for where in models:
        model, found = evaluating.examined(where, asked, how, out, budget, at_once, device, weights)
        if as_json:
            told.append(summary(model, found, how) | {"verdict": verdict(found), "lacking": lacking(found)})
            continue
        shown = [row for row in found.rows if not row.metric.startswith(P)]  # their p stands beside what they are of
        evaluating.print_examined(console, model.name, replace(found, rows=shown), kinds=False)
        console.print(verdict(found), soft_wrap=True)
        for why in lacking(found):
            printing.messages().print(f"Not in it: {why}", soft_wrap=True)
    if as_json:
        printing.print_json(told)
