"""Jacobi decoding: a model that carries texts on guesses many tokens at once and reads its guesses until they stand.

A pass draws every token of a window from the guesses before it. As a draw is a function of the seed and the position, what was drawn from
right guesses is right, and so at least one token more is settled in each pass: the text is that of the engine, token for token. It is
quicker where more than one is. Source: Song et al. 2021 (arXiv 2002.03629); for language models, Santilli et al. 2023 (arXiv 2305.10427).
Left out: n-grams of earlier guesses (look-ahead decoding), which are a drafter's matter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch

from onward.errors import PlanError
from onward.generate.cache import KVCache
from onward.generate.sampling import draw
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel

WINDOW = 16


@torch.inference_mode()
def jacobi(
    model: LanguageModel,
    prompt: Sequence[int],
    sampling: Sampling,
    *,
    ends: Collection[int] = (),
    window: int = WINDOW,
) -> tuple[list[int], int]:
    """The tokens after a prompt, the one that ends the text too, and how many passes they took, that over the prompt among them.

    Temperature, filters, seed and max_tokens of `sampling` count.   Raises PlanError for a prompt that is empty or too long.
    """
    room = min(sampling.max_tokens, model.config.max_positions - len(prompt))
    if not prompt or room < 1:
        raise PlanError(f"a prompt of {len(prompt)} tokens: 1 to {model.config.max_positions - 1} are wanted.")
    parameter = next(model.parameters())
    cache = KVCache(model.config, 1, len(prompt) + room + window, dtype=parameter.dtype, device=parameter.device)
    ids, guesses, read, passes = list(prompt), [prompt[-1]] * window, 0, 0
    while True:
        new = torch.tensor([[*ids[read:], *guesses]], device=parameter.device)
        logits = model.logits(model.hidden(new, cache=cache)[0, -window - 1 :])
        places = torch.arange(len(ids), len(ids) + window + 1, device=parameter.device)
        drawn = draw(logits, [sampling] * (window + 1), places).tolist()
        passes += 1
        right = next((i for i, guess in enumerate(guesses) if guess != drawn[i]), window)
        read = len(ids) + right
        cache.truncate(torch.tensor([read], device=parameter.device))
        for token in drawn[: right + 1]:
            ids.append(token)
            if token in ends or len(ids) == len(prompt) + room:
                return ids[len(prompt) :], passes
        guesses = (drawn[right + 1 :] + drawn[-1:] * window)[:window]
