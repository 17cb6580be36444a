"""Random streams in numpy: uniform noise as a pure function of a seed, the name of a stream and counters.

Speculative decoding by ratio needs chance in three places that must know nothing of one another: to draft, to accept, and to draw from what
a rejection leaves. Each is a stream of its own from the same seed. The target's own draws (sampling.py) are a fourth, apart from these.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Stream = Literal["draft", "accept", "residual", "explore"]
_NUMBERS: dict[Stream, int] = {"draft": 1, "accept": 2, "residual": 3, "explore": 4}
_ALL = 2**64 - 1

# The constants of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

Whole = int | NDArray[np.integer]


def uniform(seeds: Whole, stream: Stream, *counters: Whole) -> NDArray[np.float64]:
    """Uniform noise strictly between 0 and 1 for every (seed, counters), which broadcast against one another."""
    return ((bits(seeds, stream, *counters) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52  # exact: 53 bits


def bits(seeds: Whole, stream: Stream, *counters: Whole) -> NDArray[np.uint64]:
    """64 bits for every (seed, counters): SplitMix64's finaliser, once for the seed and the stream and once for each counter."""
    with np.errstate(over="ignore"):  # the sums and products are meant modulo 2**64
        state = _mix(_mix(_unsigned(seeds) + _GAMMA) + np.uint64(_NUMBERS[stream]) * _GAMMA)
        for counter in counters:
            state = _mix(state + (_unsigned(counter) + np.uint64(1)) * _GAMMA)
    return state


def derived(seed: int, number: int) -> int:
    """Another seed, for a part that has a number, as one of several drafters has; in the range of signed 64 bits."""
    return int(bits(seed, "draft", number).astype(np.int64))


def _unsigned(x: Whole) -> NDArray[np.uint64]:
    return np.asarray(x & _ALL if isinstance(x, int) else x.astype(np.uint64), dtype=np.uint64)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every bit of the input moves about half the bits of the output."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return np.asarray(x ^ (x >> np.uint64(31)))
