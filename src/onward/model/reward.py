"""Reward models: a language model's trunk with a head that gives one number at every place; the last token's counts.

It has read the whole answer by then. In a folder it is the family's sequence classifier with one label, which
transformers opens as it stands.   Left out: how one learns (onward.align), and what its texts look like (onward.tokens).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from onward.errors import ConfigError
from onward.model.trunk import LanguageModel, at_least_float32, score_std


@torch.no_grad()
def with_score_head(model: LanguageModel, seed: int) -> LanguageModel:
    """A reward model that begins with a copy of a language model's embedding and trunk, and a fresh head.

    The head is normal, with `score_std`, the same for the same seed on every device. ConfigError for an encoder.
    """
    config = replace(model.config, outputs="score")
    with torch.device("meta"):
        judge = LanguageModel(config)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith("head.")}
    weight = torch.empty(1, config.width).normal_(
        0, score_std(config.width), generator=torch.Generator().manual_seed(seed)
    )
    state["head.weight"] = weight.to(model.embedding.tokens.weight)
    judge.load_state_dict(state, assign=True)
    return judge.train(model.training)


def rewards(model: LanguageModel, ids: Tensor, lengths: Tensor) -> Tensor:
    """The number at the last token of each row, (B,), float32 at least.

    ids: (B, T) int64, each row filled up on the right, with anything. lengths: (B,) int64, how many tokens of it are
    real, 1 to T. ConfigError for a model that gives words.

    transformers looks for the last token that is not config.json's pad_token_id: where a text itself ends with that
    token, it reads the number one place earlier.
    """
    if model.config.outputs != "score":
        raise ConfigError("this model gives words; only a reward model (outputs=score) has a number for a text")
    last = (lengths - 1)[:, None, None]
    hidden = model.hidden(ids).take_along_dim(last, dim=1).squeeze(1)
    hidden, weight = model.head.factors(hidden, model.embedding.tokens.weight)
    # Summed up by hand: a matrix product would be rounded to bf16 under autocast, too coarse to rank answers by.
    wide = at_least_float32(hidden.dtype)
    return (hidden.to(wide) * weight.to(wide)).sum(-1)
