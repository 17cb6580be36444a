"""The key-value cache: what attention remembers of the tokens so far, so that each new token costs one token's work.

Slot s of a sequence holds its token s, so a mask over slots is a mask over the text, also when the sequences of a batch have different
lengths. `truncate` takes tokens back, as after a rejected draft. Left out: pages, shared prefixes, memory freed within a window.
"""

from __future__ import annotations

import torch
from torch import Tensor

from onward.model.config import TrunkConfig


class KVCache:
    """Room for `capacity` tokens of each of `batch` sequences. Sources: Shazeer 2019 (arXiv 1911.02150), section 2.4.1."""

    def __init__(
        self, config: TrunkConfig, batch: int, capacity: int, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (config.depth, batch, config.kv_heads, capacity, config.head_size)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.lengths = torch.zeros(batch, dtype=torch.int64, device=device)
        self._rows = torch.arange(batch, device=device)[:, None]

    def slots(self, tokens: int) -> Tensor:
        """(B, T) int64: where the next `tokens` tokens of each sequence go."""
        return self.lengths[:, None] + torch.arange(tokens, device=self.lengths.device)

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put the new keys and values (B, kv_heads, T, head) in their slots. Returns all up to the longest: (B, kv_heads, S, head).

        Slots past the end of a shorter sequence hold rubbish that no mask lets anyone see.
        """
        slots = self.slots(k.shape[2])
        end = int(slots.max()) + 1
        for kept, new in ((self.keys[layer], k), (self.values[layer], v)):
            kept[self._rows, :, slots] = new.transpose(1, 2).to(kept.dtype)
        return self.keys[layer, :, :, :end].to(k.dtype), self.values[layer, :, :, :end].to(v.dtype)

    def advance(self, tokens: int) -> None:
        self.lengths = self.lengths + tokens

    def truncate(self, lengths: Tensor) -> None:
        """Forget all but the first `lengths` (B,) tokens of each sequence."""
        self.lengths = torch.minimum(self.lengths, lengths.to(self.lengths))

    def keep(self, rows: Tensor) -> None:
        """Keep only these sequences of the batch, in this order."""
        self.keys, self.values, self.lengths = self.keys[:, rows], self.values[:, rows], self.lengths[rows]
        self._rows = self._rows[: len(rows)]
