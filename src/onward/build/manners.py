"""Manners: requests of the world's tests put to a stage, each answer judged by gold for what it says and for how it says it.

Each asks about people whom no training question was about, and half of them for a form: in capital letters, as a list. Left out: which
facts are known (exam.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from onward.build.exam import QUIZ, records
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Request
from onward.generate.settings import Sampling
from onward.lineage import Result
from onward.train import measure
from onward.world.preferences.gold import Gold, abstains, reward

SUITE = "requests"
GOLD = "gold reward"
MOST = 320
"""Requests: drawn from the tests, the same ones for the same world."""
LONGEST = 48
"""Tokens of an answer, at most."""
SPLITS = ("people", "both")
"""Those about people whom no training question is about."""


def examine(
    model: FolderModel, world: Path, *, talks: bool, seed: int, before: Sequence[float] = ()
) -> tuple[list[Result], list[float]]:
    """What the answers are worth, and each part of it; and the worth of every answer.

    before: the worth of the answers of the stage before, to the same requests.   talks: whether the model has been taught to answer.
    """
    asked = drawn(world)
    texts = said(model, asked, talks=talks, seed=seed)
    golds = [reward(text, request["truth"]) for text, request in zip(texts, asked, strict=True)]
    worth = [gold.total for gold in golds]
    known = [any(part["answer"] is not None for part in request["truth"]["parts"]) for request in asked]
    abstained = [abstains(text) for text in texts]

    def share(words: str, values: Sequence[float], chance: float | None = None) -> Result:
        found = measure.with_interval(np.array(values), np.ones(len(values)))
        return measure.result(SUITE, found, seed=seed, baseline=None, metric=words, chance=chance)

    found = [share(GOLD, worth), *(share(words, [part(gold) for gold in golds]) for words, part in PARTS.items())]
    refused = {yes: [float(a) for a, k in zip(abstained, known, strict=True) if k == yes] for yes in (False, True)}
    found.append(share("refused rightly: the world does not say", refused[False]))
    found.append(share("refused wrongly: the world says", refused[True]))
    if before:
        won = [(new > old) + 0.5 * (new == old) for new, old in zip(worth, before, strict=True)]
        found.append(share("preferred to the stage before", won, chance=0.5))
    return found, worth


PARTS: dict[str, Callable[[Gold], float]] = {
    "true": lambda gold: gold.true,
    "in the form that was asked for": lambda gold: gold.form,
    "courteous": lambda gold: float(gold.polite == 1),
    "rude": lambda gold: float(gold.polite == 0),
}


def drawn(world: Path) -> list[dict[str, Any]]:
    found = [record for record in records(world / "tests" / "preference.jsonl") if record["split"] in SPLITS]
    return Random(SUITE).sample(found, min(MOST, len(found)))


def said(model: FolderModel, asked: Sequence[dict[str, Any]], *, talks: bool, seed: int) -> list[str]:
    """What the model says to each, drawn as in a chat."""
    prompts = [
        model.prompt(request["prompt"])
        if talks
        else model.text_prompt(QUIZ.format(question=request["prompt"][-1]["content"]))
        for request in asked
    ]
    stop = () if talks else ("\n",)
    done = model.engine.run(
        [
            Request(prompt=prompt, sampling=Sampling(max_tokens=LONGEST, stop=stop, seed=seed + number))
            for number, prompt in enumerate(prompts)
        ]
    )
    return [completion.text.strip() for completion in done]
