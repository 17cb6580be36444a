"""Contrastive search: of the likeliest tokens the one that is least like what was said before, so that a text does not turn in circles.

Source: Su et al. 2022 (arXiv 2202.06417), section 3.2. There is no luck in it. Left out: several texts at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from onward.errors import PlanError
from onward.generate.engine import Engine
from onward.generate.pages import Table
from onward.generate.reader import News


@torch.inference_mode()
def search(
    engine: Engine, prompt: Sequence[int], max_tokens: int, *, top_k: int = 4, penalty: float = 0.6
) -> list[int]:
    """The tokens that follow, without the one that ends the text.

    Each is, of the `top_k` likeliest, the one with the highest (1 - penalty) * probability - penalty * (cosine of its hidden state and the
    most similar one before it).   Raises PlanError.
    """
    if top_k < 1 or not 0 <= penalty <= 1 or not 0 < len(prompt) < engine.room:
        raise PlanError(
            f"{top_k} tokens with a penalty of {penalty:g} after {len(prompt)}: 1 or more, 0 to 1, 1 to {engine.room - 1}."
        )
    ids, table = list(prompt), Table(engine.pages, None)
    try:
        table.reserve(len(ids))
        hidden = engine.reader.look([News(table, ids, len(ids), every=True)]).hidden
        table.read(ids, len(ids))
        said = F.normalize(hidden.double(), dim=-1)
        while len(ids) - len(prompt) < max_tokens and len(ids) < engine.room:
            likely = engine.model.logits(hidden[-1]).double().softmax(-1).topk(top_k)
            forks = [table.fork() for _ in range(top_k)]
            tried = [[*ids, token] for token in likely.indices.tolist()]
            for fork in forks:
                fork.reserve(1)
            states = engine.reader.look([News(fork, own, 1) for fork, own in zip(forks, tried, strict=True)]).hidden
            similar = (F.normalize(states.double(), dim=-1) @ said.T).amax(-1)
            best = int(((1 - penalty) * likely.values - penalty * similar).argmax())
            table.release()
            table = forks.pop(best)
            for fork in forks:
                fork.release()
            ids = tried[best]
            if ids[-1] in engine.ends:
                return ids[len(prompt) : -1]
            table.read(ids, 1)
            hidden = states[best : best + 1]
            said = torch.cat([said, F.normalize(hidden.double(), dim=-1)])
    finally:
        table.release()
    return ids[len(prompt) :]
