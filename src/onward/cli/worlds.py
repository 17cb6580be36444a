"""The verb of the built-in world: `world`, which writes it, and `world ask`, which answers from its truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Force, Json

if TYPE_CHECKING:
    from collections.abc import Callable

Seed = Annotated[int, typer.Option("--seed", help="another seed is another world")]
People = Annotated[int, typer.Option("--people", help="how many, from 20 to 115,200")]
Cities = Annotated[int, typer.Option("--cities", help="how many, from 3 to 240")]


def world(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="where to write; must not exist yet")] = None,
    seed: Seed = 0,
    people: People = 200,
    cities: Cities = 12,
    skew: Annotated[float, typer.Option("--skew", help="share of people whose job leans to their gender")] = 0.9,
    only: Annotated[list[str] | None, typer.Option("--only", help="just this kind of text; can be repeated")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """A made-up country: texts, questions, preferences and puzzles, one kind a file, and truth.json. The same options, the same bytes.

    Example:  onward world -o world --people 500
    """
    if context.invoked_subcommand is not None:
        return
    from onward.errors import WorldError
    from onward.world import World
    from onward.world.kinds import chosen
    from onward.world.progress import KindsWritten
    from onward.world.write import write

    if out is None:
        raise WorldError('Say where to write the world, with -o FOLDER; or ask it something: onward world ask "..."')
    made, kinds, began = World(seed, people=people, cities=cities, skew=skew), chosen(only or ()), time.monotonic()
    with KindsWritten(printing.messages(), list(kinds)) as progress:
        counts = write(made, out, kinds, force=force, on_record=progress)
    printing.messages().print(f"{printing.size(progress.written)} in {time.monotonic() - began:.0f} s")
    if as_json:
        printing.print_json({"out": str(out), "records": counts})
    else:
        printing.pairs(printing.results(), str(out), [(name, f"{count:,}") for name, count in sorted(counts.items())])


def ask(
    question: Annotated[str, typer.Argument(help="in English")],
    seed: Seed = 0,
    people: People = 200,
    cities: Cities = 12,
) -> None:
    """Answer a question from the truth of the world.

    Example:  onward world ask "What does Zelda Ashford's husband like to drink?"
    """
    from onward.world import World
    from onward.world.ask import ask as answer

    printing.results().print(answer(World(seed, people=people, cities=cities), question).text)


def group(wrap: Callable[..., Callable[..., None]]) -> typer.Typer:
    """`onward world`, with `ask` below it.   wrap: what the app does to every verb."""
    app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
    app.callback(invoke_without_command=True)(wrap(world))
    app.command()(wrap(ask))
    return app
