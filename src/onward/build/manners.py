"""Manners: requests of the world's tests put to a stage, each answer judged by gold for what it says and for how it says it.

Each asks about people whom no training question was about, and half of them for a form: in capital letters, as a list. Left out: which
facts are known (exam.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from onward.build.exam import QUIZ, records
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Request
from onward.generate.settings import Sampling
from onward.lineage import Result
from onward.report.page import WON
from onward.train import measure
from onward.world.preferences.gold import Gold, abstains, reward

SUITES = {"requests": 0.7, "requests, the likeliest answers": 0.0}
"""How the answers are drawn, as temperatures: as in a chat; and always the likeliest token, which shows what is left of a gain that could
be had by drawing more carefully."""
SUITE = "requests"
GOLD = "gold reward"
MOST = 320
"""Requests: drawn from the tests, the same ones for the same world."""
LONGEST = 48
"""Tokens of an answer, at most."""
SPLITS = ("people", "both")
"""Those about people whom no training question is about."""

Worth = dict[str, list[float]]
"""What each answer is worth, by suite."""


def examine(
    model: FolderModel, world: Path, *, talks: bool, seed: int, before: Worth | None = None
) -> tuple[list[Result], Worth]:
    """What the answers are worth, and each part of it; and the worth of every answer.

    before: of the answers of the stage before, to the same requests.   talks: whether the model has been taught to answer.
    """
    asked, found, worth = drawn(world), list[Result](), Worth()
    for suite, temperature in SUITES.items():
        texts = said(model, asked, Sampling(temperature=temperature, max_tokens=LONGEST, seed=seed), talks=talks)
        golds = [reward(text, request["truth"]) for text, request in zip(texts, asked, strict=True)]
        worth[suite] = [gold.total for gold in golds]
        measures: dict[str, list[float]] = {GOLD: worth[suite]}
        if suite == SUITE:
            measures |= _parts(asked, texts, golds)
        found += [_share(suite, words, values, seed) for words, values in measures.items()]
        if before:
            won = measure.preferred(worth[suite], before[suite])
            found.append(_share(suite, WON, won, seed, chance=0.5))
    return found, worth


def _parts(asked: Sequence[dict[str, Any]], texts: Sequence[str], golds: Sequence[Gold]) -> dict[str, list[float]]:
    """What gold is made of, and how often it is said that it is not known, where that is so and where it is not."""
    known = [any(part["answer"] is not None for part in request["truth"]["parts"]) for request in asked]
    refused = {
        words: [float(abstains(text)) for text, known_here in zip(texts, known, strict=True) if known_here == yes]
        for yes, words in (
            (False, "refused rightly: the world does not say"),
            (True, "refused wrongly: the world says"),
        )
    }
    return {words: [part(gold) for gold in golds] for words, part in PARTS.items()} | refused


def _share(suite: str, words: str, values: Sequence[float], seed: int, chance: float | None = None) -> Result:
    return measure.result(suite, measure.mean(values), seed=seed, baseline=None, metric=words, chance=chance)


PARTS: dict[str, Callable[[Gold], float]] = {
    "true": lambda gold: gold.true,
    "in the form that was asked for": lambda gold: gold.form,
    "courteous": lambda gold: float(gold.polite == 1),
    "rude": lambda gold: float(gold.polite == 0),
}


def drawn(world: Path) -> list[dict[str, Any]]:
    found = [record for record in records(world / "tests" / "preference.jsonl") if record["split"] in SPLITS]
    return Random(SUITE).sample(found, min(MOST, len(found)))


def said(model: FolderModel, asked: Sequence[dict[str, Any]], sampling: Sampling, *, talks: bool) -> list[str]:
    """What the model says to each."""
    prompts = [
        model.prompt(request["prompt"])
        if talks
        else model.text_prompt(QUIZ.format(question=request["prompt"][-1]["content"]))
        for request in asked
    ]
    stop = () if talks else ("\n",)
    done = model.engine.run(
        [
            Request(prompt=prompt, sampling=replace(sampling, stop=stop, seed=sampling.seed + number))
            for number, prompt in enumerate(prompts)
        ]
    )
    return [completion.text.strip() for completion in done]
