"""The prompts of a reinforcement, cut into tokens: learned from, and held out.

Left out: reading them (corpus/prompts.py), and the answers (experience.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.corpus.prompts import Prompt, Prompts
from onward.corpus.split import is_held_out, place
from onward.errors import BadLine, ChatError, DataError
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer
from onward.train.packing import Ints

HELD_OUT = 0.1


@dataclass(frozen=True)
class Question:
    """A prompt, and its ids up to the place where the assistant speaks."""

    prompt: Prompt
    ids: list[int]


class Questions:
    """The questions of one side, by their numbers."""

    def __init__(self, found: Sequence[Question]) -> None:
        self.all = list(found)

    @property
    def rows(self) -> int:
        return len(self.all)

    def batch(self, numbers: Ints) -> list[Question]:
        return [self.all[int(number)] for number in numbers]


@dataclass(frozen=True)
class Sides:
    """too_long: left out, since not even one token of an answer would fit behind them.   skipped: those that cannot be rendered."""

    train: Questions
    held_out: Questions
    too_long: int
    skipped: int


def encode(source: Prompts, tokenizer: Tokenizer, room: int, *, skip_bad: bool) -> Sides:
    """room: tokens of the longest prompt.

    Both sides, told apart by the text, so that copies are on one. Raises BadLine for a prompt that the model's template cannot show,
    unless `skip_bad`; DataError for fewer than two that can be used.
    """
    found: list[tuple[float, Question]] = []
    skipped = too_long = 0
    for prompt in source:
        try:
            ids = encode_chat(tokenizer, prompt.messages, add_generation_prompt=True).ids
        except ChatError as error:
            if not skip_bad:
                raise BadLine(prompt.source, prompt.number, str(error).removesuffix(".")) from error
            skipped += 1
            continue
        if len(ids) > room:
            too_long += 1
            continue
        found.append((place(prompt.text), Question(prompt, ids)))
    places = {at for at, _ in found}
    if len(places) < 2:
        raise DataError(
            f"{source.path}: at least two prompts are needed, one to learn from and one to measure on; {len(places)} can be used, "
            f"and {too_long:,} exceed {room:,} tokens."
        )
    ends = (min(places), max(places))
    sides: tuple[list[Question], list[Question]] = ([], [])
    for at, question in found:
        sides[is_held_out(at, ends, HELD_OUT)].append(question)
    return Sides(Questions(sides[0]), Questions(sides[1]), too_long, skipped)
