"""The verb of the built-in world: `world`, which writes it, and `world ask`, which answers from its truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Force, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    from onward.world.kinds import KINDS
    from onward.world.write import write

    if out is None:
        raise WorldError('Say where to write the world, with -o FOLDER; or ask it something: onward world ask "..."')
    made, kinds, began = World(seed, people=people, cities=cities, skew=skew), only or list(KINDS), time.monotonic()
    with _Progress(kinds) as progress:
        counts = write(made, out, only=kinds, force=force, on_record=progress)
    printing.messages().print(f"{printing.size(progress.written)} in {time.monotonic() - began:.0f} s")
    if as_json:
        printing.print_json({"out": str(out), "records": counts})
    else:
        printing.pairs(printing.results(), str(out), [(name, f"{count:,}") for name, count in sorted(counts.items())])


class _Progress:
    """On a terminal a bar of kinds; elsewhere, a line when one begins. Use it in a `with`; it is called with each line's kind and size."""

    def __init__(self, kinds: Sequence[str]) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.console, self.kinds, self.written, self.kind = printing.messages(), kinds, 0, ""
        columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("", total=len(kinds))

    def __enter__(self) -> _Progress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, kind: str, size: int) -> None:
        self.written += size
        if kind != self.kind:
            self.kind = kind
            self.bar.update(self.task, completed=list(self.kinds).index(kind), description=kind)
            if not self.console.is_terminal:
                self.console.print(f"  {kind}")


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
