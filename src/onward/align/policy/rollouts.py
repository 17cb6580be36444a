"""Rollouts: answers drawn from a policy, as tensors that a step learns from; and what a model makes of them, token by token.

Left out: how they are drawn and judged (experience.py), and what is learned from them (losses.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.model.trunk import LanguageModel


@dataclass(frozen=True)
class Rollouts:
    """Answers with their prompts: (N, T) ids, padded at the right.

    asked: (N,) tokens of the prompt.   lengths: (N,) tokens of both.
    The rest is (N, T - 1): at place t about token t + 1, and 0 where that is no token of the answer.
    old: log-probability, in nats, under the policy that drew it.   reference: under the model that the training began with.
    advantages: how much better it was than was to be expected.   returns: what the critic should have foretold before it.
    """

    ids: Tensor
    asked: Tensor
    lengths: Tensor
    old: Tensor
    reference: Tensor
    advantages: Tensor
    returns: Tensor

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], room: int) -> Rollouts:
        """Nothing but the ids yet.   room: T."""
        ids = torch.zeros(len(prompts), room, dtype=torch.int64)
        for row, prompt, answer in zip(ids, prompts, answers, strict=True):
            row[: len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        asked = torch.tensor([len(prompt) for prompt in prompts])
        lengths = asked + torch.tensor([len(answer) for answer in answers])
        nothing = torch.zeros(len(prompts), room - 1)
        return cls(ids, asked, lengths, *[nothing.clone() for _ in range(4)])

    @property
    def mask(self) -> Tensor:
        """(N, T - 1) bool: whether token t + 1 is one of the answer."""
        place = torch.arange(1, self.ids.shape[1], device=self.ids.device)[None]
        return (place >= self.asked[:, None]) & (place < self.lengths[:, None])

    @property
    def learnable(self) -> int:
        """Tokens of the answers."""
        return int((self.lengths - self.asked).sum())

    def rows(self, numbers: Tensor) -> Rollouts:
        """Some of them, no wider than the longest of these."""
        longest = int(self.lengths[numbers].max())
        return Rollouts(
            *[value[numbers] for value in (self.ids[:, :longest], self.asked, self.lengths)],
            *[value[numbers, : longest - 1] for value in (self.old, self.reference, self.advantages, self.returns)],
        )

    def split(self, rows: int) -> list[Rollouts]:
        """In parts of at most `rows` answers."""
        return [self.rows(part) for part in torch.split(torch.arange(len(self.ids)), rows)]

    def to(self, device: str) -> Rollouts:
        return replace(self, **{name: value.to(device) for name, value in vars(self).items()})


@dataclass(frozen=True)
class Read:
    """What a model makes of the M tokens of some answers, in the order of `Rollouts.mask`.

    log_probs, entropies: (M,) nats, float32 at least.   hidden: (M, width), before each token.
    """

    log_probs: Tensor
    entropies: Tensor
    hidden: Tensor


def read(model: LanguageModel, rollouts: Rollouts) -> Read:
    """With gradients, where they are wanted."""
    hidden = model.hidden(rollouts.ids[:, :-1])[rollouts.mask]
    scores = model.logits(hidden).float().log_softmax(-1)
    chosen = scores.gather(-1, rollouts.ids[:, 1:][rollouts.mask][:, None])[:, 0]
    return Read(chosen, -(scores.exp() * scores).sum(-1), hidden)
