"""The verb that fills blanks: fill."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Device, Json


def fill(
    model: Annotated[str, typer.Argument(help="a folder made with --objective masked or prefix, or any BERT")],
    text: Annotated[str, typer.Argument(help="a text with blanks: ___, or the model's mask token")],
    top: Annotated[int | None, typer.Option("--top", help="words for each blank; 5 of an encoder")] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Fill the blanks of a text, and say how likely each word is.

    Example:  onward fill mine/encoder "The cat ___ on the mat."
    """
    from rich.table import Table
    from rich.text import Text

    from onward.errors import PlanError
    from onward.generate.fill import TOP, Filler
    from onward.model.folder import resolve

    if top is not None and top < 1:
        raise PlanError(f"--top {top}: at least 1.")
    filler = Filler(resolve(model), device)
    if top is not None and top > 1 and not filler.encoder:
        raise PlanError(f"--top {top}: {model} writes one filling for each blank. Leave --top out.")
    found = filler.fill(text, top or TOP)
    if as_json:
        printing.print_json(asdict(found))
        return
    console = printing.results()
    console.print(Text(found.text), soft_wrap=True)
    for number, words in enumerate(found.blanks, 1):
        table = Table(f"blank {number}" if len(found.blanks) > 1 else "blank", "probability", box=None, pad_edge=False)
        for word in words:
            table.add_row(Text(word.text.strip() or repr(word.text)), f"{word.probability:.3f}")
        console.print("", table, sep="\n")
