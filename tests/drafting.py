"""The plainest way to carry a text on with a drafter: no cache, each node of a tree through the model with its whole path."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree
from onward.generate.settings import Sampling
from onward.generate.streams import derived
from onward.generate.verify import Mode, verify
from onward.model.trunk import LanguageModel


def hidden_after(model: LanguageModel, ids: list[int], tree: Tree) -> Tensor:
    """(N + 1, width): after the text, and after each node."""
    paths = [[], *([tree.tokens[one] for one in tree.path(node)] for node in range(len(tree)))]
    return torch.stack([model.hidden(torch.tensor([[*ids, *path]]))[0, -1] for path in paths])


@torch.inference_mode()
def drafted(
    model: LanguageModel,
    drafter: Drafter,
    prompt: list[int],
    sampling: Sampling,
    *,
    k: int,
    tokens: int,
    mode: Mode = "coupled",
) -> tuple[list[int], int]:
    """So many tokens after a prompt, and how many passes of the model they took."""
    coupled = mode == "coupled"
    own = sampling if coupled else replace(sampling, seed=derived(sampling.seed, 1))
    ids, hidden, passes = list(prompt), None, 0
    while len(ids) < len(prompt) + tokens:
        tree = drafter.propose(ids, k, Aim(sampling=own, coupled=coupled, hidden=hidden))
        assert len(tree) <= k
        after = hidden_after(model, ids, tree)
        (found,) = verify([tree], model.logits(after), [sampling], [len(ids)], mode)
        drafter.observe(tree, found.path)
        hidden = after[found.path[-1] + 1 if found.path else 0]
        ids += [*(tree.tokens[node] for node in found.path), found.token]
        passes += 1
    drafter.forget(ids)
    return ids[len(prompt) : len(prompt) + tokens], passes
