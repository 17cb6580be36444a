"""Verbs that make a model better liked: reward."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onward.align.wishes import RewardWishes
from onward.cli import printing
from onward.cli.arguments import Force, Log, Out, PlanOnly, SkipBad
from onward.cli.making import run_training
from onward.train.plan import Wishes


def reward(
    base: Annotated[Path, typer.Argument(help="the instructed model to begin with")],
    preferences: Annotated[
        Path,
        typer.Argument(
            help="which answers were found better, as JSONL: pairs (chosen, rejected), rankings, hh-rlhf or OpenAI's"
        ),
    ],
    out: Out,
    wishes: Wishes,
    asked: RewardWishes,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """A reward model: learn from which of several answers was found better to say how good an answer is.

    A tenth of the prompts is held out; how many of their pairs it puts in the right order is said beside what the length alone would
    tell, and OUT/report.html shows how far its confidence can be trusted, and where it is most wrong. The folder opens in transformers
    as a sequence classifier with one label.

    Example:  onward reward mine/chat preferences.jsonl -o mine/reward
    """
    from onward.align import reward as room

    run_training(
        out,
        lambda workspace, console: room.prepare(
            base, preferences, workspace, wishes, asked, skip_bad=skip_bad, console=console
        ),
        request=lambda: room.request(base, preferences, wishes, asked, skip_bad=skip_bad),
        force=force,
        plan=plan,
        log=log,
    )
    if not plan:
        from onward.report.judging.page import write_page

        printing.messages().print(f"\nHow it judges:  {write_page(out)}")
