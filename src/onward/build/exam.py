"""The exam: questions of the world's tests put to a stage, each answer judged by rule from the world's truth.

Whom and what the questions are about was asked in no training question, and their wording stands in no training text. Left out: judging
by a model, and texts whose truth is not known (onward.evaluate).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from onward.generate.chat_model import FolderModel
from onward.generate.engine import Request
from onward.generate.settings import Sampling
from onward.lineage import Result
from onward.train import measure
from onward.world.grading import is_right

METRIC = "answered right"
SUBJECTS = {
    "question": "one fact",
    "hop": "two facts in a row",
    "claim": "true or not",
    "unknown": "what nobody knows",
}
"""Kinds of questions, by the name that their results have."""
MOST = 480
"""Questions of a kind: drawn from the tests, the same ones for the same world."""
LONGEST = 64
"""Tokens of an answer, at most."""
QUIZ = "Question: {question}\nAnswer:"
"""How a model is asked that was not taught to talk: as its texts ask."""


def examine(model: FolderModel, world: Path, *, talks: bool, seed: int) -> list[Result]:
    """A result for each kind of question.

    world: a folder that `onward world` wrote.   talks: whether the model has been taught to answer; else its texts are carried on.
    """
    found = []
    for kind in SUBJECTS:
        questions = drawn(world, kind)
        found.append(graded(world, kind, questions, answers(model, questions, talks=talks), seed=seed))
    return found


def drawn(world: Path, kind: str, most: int | None = None) -> list[dict[str, Any]]:
    """Up to `most` test records, else MOST, of a kind whose wording and whose subject are both held out."""
    found = [record for record in records(world / "tests" / f"{kind}.jsonl") if record["split"] == "both"]
    return Random(kind).sample(found, min(most or MOST, len(found)))


def graded(world: Path, kind: str, questions: list[dict[str, Any]], answers: list[str], *, seed: int) -> Result:
    """The share that is right, with its bootstrap interval over whom the questions are about; beside it the chance of a guess, and
    what one gets right who always gives the answer that is most often right in training."""
    usual = _usual_answers(world, kind)
    right = [is_right(answer, question["truth"]) for question, answer in zip(questions, answers, strict=True)]
    guessed = [is_right(usual(question), question["truth"]) for question in questions]
    measured = _share(right, [_subject(question) for question in questions])
    return measure.result(
        SUBJECTS[kind],
        replace(measured, n=len(questions)),
        seed=seed,
        metric=METRIC,
        chance=float(np.mean([question["truth"]["chance"] for question in questions])),
        baseline=float(np.mean(guessed)),
    )


def answers(model: FolderModel, questions: list[dict[str, Any]], *, talks: bool) -> list[str]:
    """What the model says to each, the likeliest token at a time."""
    settings = Sampling(temperature=0, max_tokens=LONGEST, stop=() if talks else ("\n",))
    prompts = [
        model.prompt(question["messages"][:1])
        if talks
        else model.text_prompt(QUIZ.format(question=question["messages"][0]["content"]))
        for question in questions
    ]
    done = model.engine.run([Request(prompt=prompt, sampling=settings) for prompt in prompts])
    return [completion.text.strip() for completion in done]


def _usual_answers(world: Path, kind: str) -> Callable[[dict[str, Any]], str]:
    """For a question, the answer that is most often right in training: on its topic, or, of a new topic, on any."""
    overall, by_topic = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for record in records(world / "chats" / f"{kind}.jsonl"):
        overall[record["truth"]["answer"]] += 1
        by_topic[_topic(record)][record["truth"]["answer"]] += 1
    return lambda question: by_topic.get(_topic(question), overall).most_common(1)[0][0]


def _topic(record: dict[str, Any]) -> str:
    return str(record["truth"].get("relation", ""))


def _subject(record: dict[str, Any]) -> str:
    """Whom a question is about: questions on one person are not independent of each other."""
    facts = record["truth"].get("facts")
    return str(facts[0]["subject"]) if facts else str(record["id"])


def _share(right: list[bool], subjects: list[str]) -> measure.Measured:
    """Of questions on one subject, which are not independent, the bootstrap takes all or none."""
    places = {subject: place for place, subject in enumerate(dict.fromkeys(subjects))}
    hits, asked = np.zeros(len(places)), np.zeros(len(places))
    for answer, subject in zip(right, subjects, strict=True):
        hits[places[subject]] += answer
        asked[places[subject]] += 1
    return measure.with_interval(hits, asked)


def records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
