"""Classifier-free guidance: a text that follows one prompt and keeps away from what it would have been after another.

Sources: Ho and Salimans 2022 (arXiv 2207.12598); for text, Sanchez et al. 2023 (arXiv 2306.17806), section 2.2. Left out: several texts at
a time, and penalties.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from onward.errors import PlanError
from onward.generate.engine import Engine
from onward.generate.pages import Table
from onward.generate.reader import News
from onward.generate.sampling import draw
from onward.generate.settings import Sampling


@torch.inference_mode()
def guided(
    engine: Engine, prompt: Sequence[int], without: Sequence[int], scale: float, sampling: Sampling
) -> list[int]:
    """The tokens that follow, without the one that ends the text: drawn from the log-probabilities `without + scale * (prompt - without)`.

    without: a prompt that leaves out, or denies, what is wanted.   scale: 1 is the prompt alone, 0 the other one; usual is 1.25 to 3.
    Raises PlanError.
    """
    longest = max(len(prompt), len(without))
    if not prompt or not without or longest >= engine.room:
        raise PlanError(
            f"prompts of {len(prompt)} and {len(without)} tokens: 1 to {engine.room - 1} are wanted of each."
        )
    sides = [list(prompt), list(without)]
    tables = [Table(engine.pages, None) for _ in sides]
    drawn: list[int] = []
    try:
        while len(drawn) < min(sampling.max_tokens, engine.room - longest):
            news = [News(table, ids, len(ids) - table.length) for table, ids in zip(tables, sides, strict=True)]
            wanted, other = engine.reader.read(news).logits.double().log_softmax(-1)
            mixed = (other + scale * (wanted - other))[None]
            token = int(draw(mixed, [sampling], torch.tensor([len(sides[0])], device=mixed.device)))
            if token in engine.ends:
                break
            drawn.append(token)
            for ids in sides:
                ids.append(token)
    finally:
        for table in tables:
            table.release()
    return drawn
