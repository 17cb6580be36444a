"""Rewards for single steps of an answer: what it had earned by the time that so many of its characters were said.

A reward may give, instead of a number, pairs of (characters of the answer, worth): `[(14, 0.5), (26, 0.5)]` pays half for the first 14
characters, and half when 26 have been said. Such a reward is a number all the same, the sum, for whatever asks for no more: PPO alone,
whose critic foretells token by token, learns from where it was earned. (Process supervision: Uesato et al. 2022, arXiv 2211.14275;
Lightman et al. 2023, arXiv 2305.20050.)   Left out: reward models that judge steps.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from onward.align.policy.rollouts import Rollouts
from onward.generate.engine import Completion
from onward.tokens.tokenizer import Tokenizer

END = sys.maxsize
"""Characters: more than any answer has."""


class Stepwise(float):
    """The sum of what the steps have earned, and the steps: (characters of the answer up to which, worth)."""

    steps: tuple[tuple[int, float], ...]

    def __new__(cls, steps: Iterable[tuple[int, float]]) -> Stepwise:
        found = tuple((int(characters), float(worth)) for characters, worth in steps)
        made = super().__new__(cls, sum(worth for _, worth in found))
        made.steps = found
        return made


def steps_of(worth: float) -> tuple[tuple[int, float], ...]:
    """A plain number is earned at the end."""
    return worth.steps if isinstance(worth, Stepwise) else ((END, worth),)


def weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    """What an answer is worth by several rewards: the sum; step by step where one of them is."""
    if not any(isinstance(value, Stepwise) for value in values):
        return sum(w * value for w, value in zip(weights, values, strict=True))
    pairs = zip(weights, values, strict=True)
    return Stepwise((characters, w * part) for w, value in pairs for characters, part in steps_of(value))


def over_tokens(
    worth: Sequence[float], drawn: Sequence[Completion], rollouts: Rollouts, tokenizer: Tokenizer
) -> Tensor:
    """What each token has earned: the one that says the last of a step's characters; beyond them all, the last token.   (N, T - 1)"""
    table = torch.zeros(rollouts.mask.shape)
    for row, value, completion, asked in zip(table, worth, drawn, rollouts.asked.tolist(), strict=True):
        for characters, part in steps_of(value):
            row[asked - 1 + _token(completion, characters, tokenizer)] += part
    return table


def _token(completion: Completion, characters: int, tokenizer: Tokenizer) -> int:
    """The first token, from 0, with which so many characters have been said."""
    if characters > len(completion.text):
        return len(completion.drawn) - 1
    ids = completion.drawn
    return bisect_left(range(len(ids) - 1), characters, key=lambda token: len(tokenizer.decode(ids[: token + 1])))
