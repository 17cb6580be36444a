"""The conditionals of a model that was trained by diffusion: what each hidden token of a block may be, given the others and all before.

What has been written is read once, as by a model that carries texts on, and kept in a cache; a pass reads the block alone, and its keys
are forgotten again. The tokens of a finished block are read along with the first pass over the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from onward.generate.cache import KVCache
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel


class Reader:
    """Reads several texts that are being written; row b of everything belongs to text b.

    prompts: at least one token each.   room: tokens that a text may have at most.   passes: of the model so far.
    """

    def __init__(self, model: LanguageModel, mask_id: int, prompts: Sequence[Sequence[int]], room: int) -> None:
        self.model, self.mask_id, self.passes = model, mask_id, 0
        parameter = next(model.parameters())
        self.device = parameter.device
        shown = [prompt[:1] if model.config.whole else prompt for prompt in prompts]  # the rest stands in the block
        self.last = torch.tensor([prompt[-1:] for prompt in shown], device=self.device)
        self.pending = self.last[:, :0]
        self.cache = KVCache(model.config, len(prompts), room + 1, dtype=parameter.dtype, device=self.device)
        self._read([prompt[:-1] for prompt in shown])

    def _read(self, beginnings: Sequence[Sequence[int]]) -> None:
        lengths = torch.tensor([len(ids) for ids in beginnings], device=self.device)
        if longest := int(lengths.max()):
            rows = [[*ids, *[0] * (longest - len(ids))] for ids in beginnings]
            self.model.hidden(torch.tensor(rows, device=self.device), cache=self.cache)
            self.cache.truncate(lengths)
            self.passes += 1

    def __call__(self, ids: Tensor, known: Tensor) -> Tensor:
        """The logits of each token of the block; none of them is the mask.   ids: (B, N) int64; known: (B, N) bool.   Returns (B, N, V)."""
        before, size = self.pending.shape[1], ids.shape[1]
        block = torch.cat([self.pending, self.last, torch.where(known, ids, self.mask_id)], 1)
        first = self.cache.lengths + before
        # The last token has a place of its own beside the block, which nobody sees before it is known (onward.train.diffusion).
        mask = Mask.open(first, first + size + known[:, -1])
        hidden = self.model.hidden(block, mask=mask, cache=self.cache)
        self.cache.truncate(first)
        self.pending = self.pending[:, :0]
        self.passes += 1
        logits = self.model.logits(hidden[:, before : before + size])
        return logits.index_fill(-1, torch.tensor([self.mask_id], device=self.device), -torch.inf)

    def settle(self, ids: Tensor) -> None:
        """The block is written: what comes next, comes after it.   ids: (B, N) int64."""
        written = torch.cat([self.last, ids], 1)
        self.pending, self.last = torch.cat([self.pending, written[:, :-1]], 1), written[:, -1:]

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        self.cache.keep(rows)
        self.pending, self.last = self.pending[rows], self.last[rows]
