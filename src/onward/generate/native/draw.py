"""Draws by compiled code, which reads the scores once: the tokens of sampling.draw, to the last bit but one of a logarithm.

Left out: filters (top-k and its like), for which sampling.py is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int64, c_void_p

import torch
from torch import Tensor

from onward.generate.native.build import library
from onward.generate.settings import Sampling


def draw(logits: Tensor, settings: Sequence[Sampling], positions: Sequence[int]) -> tuple[list[int], list[float]]:
    """A token of each row, and its log-probability in nats, without temperature; no number where a score is none, or infinite.

    logits: (B, V) float32, contiguous, on the CPU.   settings: of each row, without filters.   positions: of each row, the index that the
    new token will have.   Raises NativeError where there is no compiler.
    """
    rows, words = logits.shape
    tokens, log_probs = torch.empty(rows, dtype=torch.int64), torch.empty(rows)
    temperatures = torch.tensor([one.temperature for one in settings], dtype=torch.float64)
    seeds, places = torch.tensor([one.seed for one in settings]), torch.tensor(positions)
    parts = logits, temperatures, seeds, places, tokens, log_probs
    library().onward_draw(c_int64(rows), c_int64(words), *(c_void_p(part.data_ptr()) for part in parts))
    return tokens.tolist(), log_probs.tolist()
