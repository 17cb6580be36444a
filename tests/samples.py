"""Small data that tests make for themselves: stories, conversations, and weights that are all random."""

from __future__ import annotations

import random

import torch

from onward.model.trunk import LanguageModel

NOUNS = ("cat", "dog", "fox", "hen", "owl")
PLACES = ("mat", "hill", "roof", "road", "boat")


def story(number: int) -> str:
    """A few sentences that a small model can learn, different for every number."""
    chance = random.Random(number)
    return " ".join(
        f"The {chance.choice(NOUNS)} sat on the {chance.choice(PLACES)}." for _ in range(chance.randint(3, 12))
    )


def conversation(number: int) -> dict[str, list[dict[str, str]]]:
    noun, place = NOUNS[number % 5], PLACES[number // 5 % 5]
    question = {"role": "user", "content": f"Question {number}: where does the {noun} sit, by the {place}?"}
    return {"messages": [question, {"role": "assistant", "content": f"The {noun} sits on the {place}."}]}


def randomised(model: LanguageModel, seed: int = 0) -> LanguageModel:
    """Every parameter random, the zero-initialised ones too, so that every part of the model matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.empty(parameter.shape).normal_(0, 0.08, generator=generator))
    return model
