"""Draws: from logits to a token, as a pure function of seed and position.

Left out on purpose: anything with state, such as penalties, and beams.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from onward.generate.settings import Sampling

# The constants of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"), as signed 64-bit numbers.
_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2 = 0x94D049BB133111EB - 2**64


def draw(logits: Tensor, settings: Sequence[Sampling], positions: Tensor) -> Tensor:
    """The next token of each sequence: argmax(log p + Gumbel noise); the likeliest at temperature 0.

    The noise is a hash of (seed, position, token), so a draw depends on nothing else: not on the batch, the cache or a drafter.
    Source: the Gumbel-max trick; arXiv 2408.07978.

    logits: (B, V).   settings: one a sequence.   positions: (B,) int64, the index that the new token will have.   Returns (B,) int64.
    """
    if all(s.temperature == 0 for s in settings):
        return logits.argmax(-1)
    return perturbed(logits, settings, positions).argmax(-1)


def perturbed(logits: Tensor, settings: Sequence[Sampling], positions: Tensor) -> Tensor:
    """What `draw` takes the largest of: log p + noise; at temperature 0 the logits. The largest few, in order, are draws without
    replacement (Kool et al. 2019, arXiv 1903.06059).   (B, V) float64"""
    if all(s.temperature == 0 for s in settings):
        return logits.double()
    temperature, kept = _tempered(logits, settings)
    noise = gumbel(torch.tensor([s.seed for s in settings], device=logits.device), positions, logits.shape[-1])
    return torch.where(temperature == 0, logits.double(), kept + noise)


def probabilities(logits: Tensor, settings: Sequence[Sampling]) -> Tensor:
    """The distribution from which `draw` draws, after temperature and filters; one certain token at temperature 0.   (B, V) float64"""
    temperature, kept = _tempered(logits, settings)
    certain = torch.zeros_like(kept).scatter(-1, logits.argmax(-1, keepdim=True), 1)
    return torch.where(temperature == 0, certain, kept.softmax(-1))


def _tempered(logits: Tensor, settings: Sequence[Sampling]) -> tuple[Tensor, Tensor]:
    """The temperatures, (B, 1), and the logits at these, filtered, (B, V), both float64."""
    logits = logits.double()
    temperature = _column(logits, [s.temperature for s in settings])
    return temperature, _filter(logits / temperature.clamp(min=1e-9), settings)


def _column(like: Tensor, values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None]


def _filter(logits: Tensor, settings: Sequence[Sampling]) -> Tensor:
    """Logits with everything that top-k, top-p, min-p and typical-p leave out at minus infinity; of the first three, the likeliest token
    always stays, and of the last one the most typical.   (B, V)"""
    if not any(s.filters for s in settings):
        return logits
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    size = logits.shape[-1]
    rank = torch.arange(size, device=logits.device)
    out = rank >= _column(logits, [s.top_k or size for s in settings])
    left = ordered.masked_fill(out, -torch.inf).softmax(-1)
    top_p = _column(logits, [s.top_p for s in settings])
    out |= (left.cumsum(-1) - left >= top_p) & (top_p < 1)
    left = ordered.masked_fill(out, -torch.inf).softmax(-1)
    out |= left < _column(logits, [s.min_p for s in settings]) * left[:, :1]
    out[:, 0] = False
    kept = logits.masked_fill(out.gather(-1, order.argsort(-1)), -torch.inf)
    return kept if all(s.typical_p == 1 for s in settings) else _typical(kept, settings)


def _typical(logits: Tensor, settings: Sequence[Sampling]) -> Tensor:
    """What is about as surprising as the distribution is on average, up to typical_p in all (Meister et al. 2022, arXiv 2202.00666)."""
    log_probs = logits.log_softmax(-1)
    probs = log_probs.exp()
    entropy = -(probs * log_probs.nan_to_num(neginf=0.0)).sum(-1, keepdim=True)
    order = (log_probs + entropy).abs().argsort(dim=-1, stable=True)
    ordered = probs.gather(-1, order)
    typical_p = _column(logits, [s.typical_p for s in settings])
    out = (ordered.cumsum(-1) - ordered >= typical_p) & (typical_p < 1)
    return logits.masked_fill(out.gather(-1, order.argsort(-1)), -torch.inf)


def gumbel(seeds: Tensor, positions: Tensor, vocab_size: int) -> Tensor:
    """Standard Gumbel noise for every token, from a counter-based hash.   seeds, positions: (B,) int64.   Returns (B, V) float64."""
    tokens = torch.arange(vocab_size, device=seeds.device)
    stream = _mix(_mix(seeds + _GAMMA) + positions.to(seeds.device) * _GAMMA)
    bits = _mix(stream[:, None] + (tokens + 1) * _GAMMA)
    uniform = (_shifted(bits, 12).double() + 0.5) * 2.0**-52  # exact, so never 0 and never 1
    return -torch.log(-torch.log(uniform))


def _mix(x: Tensor) -> Tensor:
    """SplitMix64's finaliser: every bit of the input moves about half the bits of the output."""
    x = (x ^ _shifted(x, 30)) * _MIX_1
    x = (x ^ _shifted(x, 27)) * _MIX_2
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, by: int) -> Tensor:
    """A logical shift to the right: torch's own keeps the sign."""
    return (x >> by) & ((1 << (64 - by)) - 1)
