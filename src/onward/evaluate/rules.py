"""Rules: whether a reply is right, from 0 to 1, and whether it has the form in which an answer was to come.

A reply without that form is no answer: it scores 0 and is counted apart from answers that are wrong. Left out: judging by a model, and
the log-probabilities of options (choices.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from onward.evaluate import instructed, mates, references
from onward.world.grading import final_answer, is_right
from onward.world.talk.instructions import obeys

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
_LETTER_FIRST = re.compile(r"^\W*\(?([A-Z])\)?(?:[).:]|\s*$|\s*\n)")
_LETTERED = re.compile(r"(?<![\w'])([A-Z])\)")
_LETTER_SAID = re.compile(r"(?i:\banswer|\boption|\bchoice)(?i:\s+is)?\s*:?\s*\W{0,3}([A-Z])\b(?!')")


class Asked(Protocol):
    """What a rule may look at; an Item is one."""

    @property
    def answers(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> tuple[str, ...]: ...
    @property
    def truth(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Score:
    """value: from 0 to 1; of an error rate, from 0 up.   formed: whether it is an answer at all."""

    value: float
    formed: bool = True


UNFORMED = Score(0.0, formed=False)
Rule = Callable[[str, Asked], Score]


def exact(reply: str, asked: Asked) -> Score:
    """But for case, white space, and a full stop at the end."""
    return Score(float(_plain(reply) in map(_plain, asked.answers)))


def contains(reply: str, asked: Asked) -> Score:
    """Names a right answer, as whole words, and no other option."""
    truth = {"answer": asked.answers[0], "accept": list(asked.answers), "options": list(asked.options)}
    return Score(float(is_right(reply, truth)))


def regex(reply: str, asked: Asked) -> Score:
    """One of the answers, which are regular expressions, is found in the reply."""
    return Score(float(any(re.search(pattern, reply) for pattern in asked.answers)))


def numeric(reply: str, asked: Asked) -> Score:
    """The last number of the reply is the right one. Without a number it is no answer."""
    said = number(reply)
    return UNFORMED if said is None else Score(float(any(said == number(answer) for answer in asked.answers)))


def choice(reply: str, asked: Asked) -> Score:
    """The letter of the right option, or the option itself, and nothing that could be another one. Else it is no answer."""
    chosen = option_said(reply, asked.options)
    return UNFORMED if chosen is None else Score(float(asked.options[chosen] == asked.answers[0]))


def world(reply: str, asked: Asked) -> Score:
    """As the world grades. Where the answer had to come after certain words, a reply without them is judged as a whole."""
    return Score(float(is_right(reply, asked.truth)), formed=_has_form(reply, asked.truth))


def forms(reply: str, asked: Asked) -> Score:
    """Right, and in the form that was asked for."""
    return Score(float(obeys(reply, asked.truth)))


def mate(reply: str, asked: Asked) -> Score:
    """Names a move that is mate, and no other legal one. Without anything like a move it is no answer."""
    fen = asked.truth["fen"]
    return Score(float(mates.move_said(reply, fen) in mates.mating(fen)), formed=mates.names_a_move(reply))


def instructions(reply: str, asked: Asked) -> Score:
    """Follows all of its instructions, strictly."""
    return Score(float(all(instructed.strictly(reply, asked.truth["instructions"]))))


def _by(metric: Callable[[str, Sequence[str]], float]) -> Rule:
    return lambda reply, asked: Score(metric(reply, asked.answers))


RULES: dict[str, Rule] = {
    "exact": exact,
    "contains": contains,
    "regex": regex,
    "number": numeric,
    "choice": choice,
    "world": world,
    "forms": forms,
    "mate": mate,
    "instructions": instructions,
} | {name: _by(metric) for name, metric in references.METRICS.items()}
WITH_PATTERN = ("regex",)
WRITTEN = tuple(name for name in RULES if name not in ("world", "forms", "mate", "instructions"))
"""Rules that a suite's file may name; the others want to know more than answers."""


def number(text: str) -> float | None:
    """The last number in a text; commas between thousands are passed over."""
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def option_said(reply: str, options: Sequence[str]) -> int | None:
    """Which option a reply chooses: by a letter at its beginning or after "answer", or by saying an option and nothing else."""
    plain = [_plain(option) for option in options]
    if _plain(reply) in plain:
        return plain.index(_plain(reply))
    letters = LETTERS[: len(options)]
    found = _LETTER_FIRST.match(reply.strip()) or _LETTER_SAID.search(reply)
    named = {letter for letter in _LETTERED.findall(reply) if letter in letters} | ({found[1]} if found else set())
    return letters.index(found[1]) if found and len(named) == 1 and found[1] in letters else None


def _has_form(reply: str, truth: Mapping[str, Any]) -> bool:
    if "after" in truth:
        said = final_answer(reply, truth["after"])
        return truth["after"].lower() in reply.lower() or len(said.split()) <= 3
    return bool(reply.strip())


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).removesuffix(".").rstrip()
