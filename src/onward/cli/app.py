"""The app: every verb, in the order in which a person meets them. Importing this file must stay quick; verbs import what they need."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onward import __version__
from onward.cli import (
    aligning,
    arena,
    checking,
    cleaning,
    contamination,
    costing,
    distilling,
    drafting,
    evaluating,
    filling,
    judging,
    looking,
    making,
    ranking,
    scaling,
    serving,
    studio,
    talking,
    worlds,
)
from onward.cli.options import expanded

app = typer.Typer(
    name="onward",
    help="From raw text to a chat model of your own. A model is a folder; every verb reads one and writes one, or a report.",
    epilog="Begin with:  onward build    Errors exit with 2; --debug, anywhere, shows their traceback.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
MAKE, TALK, LOOK = "Make a model", "Talk to it", "Look at it"
for panel, verbs in {
    MAKE: (
        making.build,
        cleaning.clean,
        making.tokenizer,
        making.pretrain,
        distilling.distil,
        making.sft,
        making.merge,
        ranking.rank,
        aligning.reward,
        aligning.rl,
        drafting.train_heads,
        drafting.datastore,
    ),
    TALK: (talking.chat, talking.generate, filling.fill, serving.serve, studio.studio),
    LOOK: (
        evaluating.eval,
        evaluating.compare,
        judging.judge,
        costing.cost,
        arena.arena,
        contamination.contamination,
        looking.show,
        looking.tokens,
        looking.report,
        checking.check,
        scaling.scale,
    ),
}.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(expanded(verb))
app.add_typer(worlds.group(expanded), name="world", rich_help_panel=MAKE)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"onward {__version__}\n")
        raise typer.Exit


@app.callback()
def onward(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """The verbs share this callback only for --version."""
