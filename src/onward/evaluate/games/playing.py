"""Games played by a model: all plays take a step together, so that an engine answers many at once.

The choices of a scene are shown in an order that is drawn for each play: who always says the same number, or looks at none of the words,
plays at random. All three players see the same orders. A reply that names no choice is counted, and a choice is drawn in its place.
Left out: what the plays are worth (measured.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from onward.errors import SuiteError
from onward.evaluate.asking import Answer, Respondent, Wanted
from onward.evaluate.games.game import COUNTED, Choice, Game
from onward.evaluate.games.prompts import number_said, prompt
from onward.evaluate.items import Item
from onward.evaluate.prompts import Prompt
from onward.evaluate.settings import How
from onward.generate.settings import Sampling

TOKENS = 16
"""Of a reply: a number, and a few words around it."""


@dataclass(frozen=True)
class Step:
    """order: the places of the choices, as shown.   number: of the one that was taken, from 1, among those shown.   formed: whether the
    model named it; else it was drawn."""

    scene: str
    order: tuple[int, ...]
    number: int
    formed: bool
    choice: Choice


@dataclass
class Play:
    """One game, once through.   seed: of the orders.   ended: "" while it goes on; "unreached" where the budget was spent; or why it cannot
    be asked."""

    item: Item
    game: Game
    seed: int
    steps: list[Step] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""

    @property
    def player(self) -> str:
        return str(self.item.truth["player"])

    @property
    def scene(self) -> str:
        return self.steps[-1].choice.to if self.steps else self.game.start

    @property
    def is_on(self) -> bool:
        return not self.ended and bool(self.game.scenes[self.scene].choices)

    def total(self, what: str) -> int:
        return sum(COUNTED[what](step.choice) for step in self.steps)


def plays(respondent: Respondent, games: Mapping[str, Game], items: list[Item], how: How, *, chat: bool) -> list[Play]:
    """Each item played through, or as far as the budget went.   Raises as `Respondent.ask`."""
    found = [Play(item, games[item.group], how.seed + int(item.truth["play"])) for item in items]
    while going := [play for play in found if play.is_on]:
        orders = [shuffled(play.game, play.scene, play.seed) for play in going]
        asked = [
            prompt(play.game, play.scene, order, play.player, chat=chat, scored=how.mode == "letter")
            for play, order in zip(going, orders, strict=True)
        ]
        wanted = [_wanted(one, how, play) for one, play in zip(asked, going, strict=True)]
        answers = _answers(respondent, wanted, begun=any(play.steps for play in found))
        for play, order, one, answer in zip(going, orders, asked, answers, strict=True):
            if answer is None or answer.refused:
                play.ended = answer.refused if answer else "unreached"
            else:
                _take(play, order, one, answer)
    return found


def _answers(respondent: Respondent, wanted: list[Wanted], *, begun: bool) -> list[Answer | None]:
    """Where none at all can be answered, that is an error at the first scene; later only these plays end by it."""
    try:
        return respondent.ask(wanted)
    except SuiteError:
        if not begun:
            raise
        return [respondent.cache.get(one) for one in wanted]


def shuffled(game: Game, scene: str, seed: int) -> tuple[int, ...]:
    """An order of the choices of a scene, as likely as any other, always the same for a seed."""
    places = list(range(len(game.scenes[scene].choices)))
    Random(f"{game.name}/{scene}/{seed}").shuffle(places)
    return tuple(places)


def _wanted(one: Prompt, how: How, play: Play) -> Wanted:
    """Where nothing is drawn, plays that show the same ask but once."""
    sampling = Sampling(
        temperature=how.temperature,
        seed=play.seed if how.temperature else how.seed,
        max_tokens=TOKENS,
        stop=one.stop,
    )
    return Wanted(one.messages, one.text, sampling, one.options)


def _take(play: Play, order: tuple[int, ...], one: Prompt, answer: Answer) -> None:
    choices = play.game.scenes[play.scene].choices
    if one.options:
        number: int | None = max(range(len(order)), key=lambda place: answer.log_probs[place]) + 1
    else:
        number = number_said(answer.text.strip(), [choices[place].text for place in order])
    drawn = Random(f"{play.item.id}/{play.scene}/{play.seed}").randint(1, len(order))
    step = Step(play.scene, order, number or drawn, number is not None, choices[order[(number or drawn) - 1]])
    play.records.append(_record(play, step, one, answer))
    play.steps.append(step)


def _record(play: Play, step: Step, one: Prompt, answer: Answer) -> dict[str, Any]:
    return {
        "id": play.item.id,
        "kind": play.player,
        "seed": play.seed,
        "scene": step.scene,
        "prompt": one.words,
        "answer": answer.text,
        "log_probs": answer.log_probs,
        "formed": step.formed,
        "taken": step.choice.text,
        "points": step.choice.points,
        "harm": list(step.choice.harm),
        "power": list(step.choice.power),
        "prompt_tokens": answer.prompt_tokens,
        "tokens": answer.tokens,
    }
