"""Small data that tests make for themselves: stories, conversations, random weights; and the plainest way to carry a text on."""

from __future__ import annotations

import copy
import random

import torch

from onward.generate.engine import Engine, Request
from onward.generate.native.packing import rounded
from onward.generate.sampling import draw
from onward.generate.settings import Weights
from onward.model.trunk import Head, LanguageModel

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


@torch.no_grad()
def with_weights(model: LanguageModel, weights: Weights) -> LanguageModel:
    """A model whose matrices are what a format makes of them, and in bf16 and int4 what they are multiplied by is rounded too."""
    model = copy.deepcopy(model)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            parameter.copy_(rounded(parameter, weights))
    if weights in ("bf16", "int4"):
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | Head):
                module.register_forward_pre_hook(lambda _, given: (given[0].bfloat16().float(), *given[1:]))
    return model


def carried_on_one_by_one(engine: Engine, request: Request) -> list[int]:
    """The oracle: no cache, no batch; the whole text through the model for every token."""
    ids = list(request.prompt)
    while len(ids) - len(request.prompt) < request.sampling.max_tokens and len(ids) < engine.room:
        logits = engine.model(torch.tensor([ids]))[:, -1]
        token = int(draw(logits, [request.sampling], torch.tensor([len(ids)])))
        if token in engine.tokenizer.eos_ids:
            break
        ids.append(token)
    return ids[len(request.prompt) :]
