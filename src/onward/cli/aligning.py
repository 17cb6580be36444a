"""Verbs that make a model better liked: reward, rl."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.align.wishes import RewardWishes, RolloutWishes
from onward.cli import printing
from onward.cli.arguments import Force, Log, Out, PlanOnly, SkipBad
from onward.cli.making import run_training
from onward.train.plan import Wishes

if TYPE_CHECKING:
    from onward.train.training import Training


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


def rl(
    base: Annotated[Path, typer.Argument(help="the instructed model to begin with")],
    data: Annotated[
        Path,
        typer.Argument(
            help="as JSONL, what is to be answered: prompts, conversations or preferences; for dpo, ipo and kto preferences"
        ),
    ],
    out: Out,
    wishes: Wishes,
    asked: RolloutWishes,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="ppo, grpo, rloo, best-of-n, rejection; or, from preferences without a reward, dpo, ipo, kto",
        ),
    ] = "ppo",
    reward: Annotated[
        list[str] | None,
        typer.Option(
            "--reward",
            help="what an answer is worth: a reward model's folder, FILE.py:FUNCTION, gold or right (by the world's truth); of several "
            "the sum, as in 0.5*gold",
        ),
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            "--watch", help="a reward that is looked at beside, and not learned by: does what is wanted rise, too?"
        ),
    ] = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """Reinforcement: let a model answer, say what each answer is worth, and let it learn to give the better ones.

    A tenth of the prompts is held out, answered before and after, and both are judged. What goes wrong on the way is said in words: a
    reward that does not rise, or that is fooled; answers that become all the same, or ever longer. OUT/report.html shows all of it.
    dpo, ipo and kto learn from preferences as they are: no answer is drawn, and none is judged.

    Example:  onward rl mine/chat questions.jsonl --reward mine/reward -o mine/liked
              onward rl mine/chat sums.jsonl --method grpo --reward rules.py:right -o mine/right
              onward rl mine/chat preferences.jsonl --method dpo -o mine/liked
    """
    from onward.align.direct.direct import METHODS as DIRECT
    from onward.align.policy.methods import METHODS
    from onward.errors import PlanError

    if method not in (*METHODS, *DIRECT):
        raise PlanError(f"--method {method}: choose {', '.join((*METHODS, *DIRECT))}.")
    prepare: Callable[..., Training[Any]]
    request: Callable[..., dict[str, Any]]
    if method in DIRECT:
        from onward.align.direct import direct

        prepare, request = direct.prepare, direct.request
        given: dict[str, Any] = {"method": method, "beta": _beta(method, asked, reward, watch), "skip_bad": skip_bad}
    else:
        from onward.align.policy import reinforce

        prepare, request = partial(reinforce.prepare, asked=asked), partial(reinforce.request, asked=asked)
        given = {"method": method, "skip_bad": skip_bad, "rewards": reward or [], "watched": watch or []}
    run_training(
        out,
        lambda workspace, console: prepare(base, data, workspace, wishes, console=console, **given),
        request=lambda: request(base, data, wishes, **given),
        force=force,
        plan=plan,
        log=log,
    )
    if plan:
        return
    if method in METHODS:
        from onward.report.reinforcing.page import write_page

        printing.messages().print(f"\nWhat happened:  {write_page(out)}")
    printing.messages().print(f"\nTalk to it:  onward chat {out}")


BETA = 0.1
"""Of dpo, ipo and kto where --kl says nothing, as in Rafailov et al. 2023 (arXiv 2305.18290), appendix B."""


def _beta(method: str, asked: RolloutWishes, reward: list[str] | None, watch: list[str] | None) -> float:
    """The price of divergence, the one thing that can be set.   PlanError for what belongs to drawing answers."""
    from onward.errors import PlanError

    drawing = [field.name for field in fields(asked) if getattr(asked, field.name) != field.default]
    given = [name for name, value in (("reward", reward), ("watch", watch)) if value]
    if strange := [*given, *(name for name in drawing if name != "kl")]:
        option = f"--{strange[0].replace('_', '-')}"
        raise PlanError(f"{option}: {method} learns from preferences as they are, and draws no answers. Leave it out.")
    return BETA if asked.kl is None else asked.kl
