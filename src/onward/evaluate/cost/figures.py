"""Numbers of answers on the clock: percentiles, tokens a second, and what one answer takes, each with its interval.

What is drawn again for an interval are whole answers, or whole rounds where several were asked for at once: the pauses within one answer
are alike (bootstrap, Efron and Tibshirani 1993, chapter 13). Left out: anything but time (memory.py, energy.py, prices.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from onward.evaluate.cost.pacing import Timed
from onward.train.measure import Measured

T = TypeVar("T")
ROUNDS = 1000


def bootstrapped(of: Sequence[T], number: Callable[[Sequence[T]], float]) -> Measured:
    """A number of these, with its 95 % interval; none of fewer than two."""
    if len(of) < 2:
        return Measured(value=number(of) if of else float("nan"), low=None, high=None, n=len(of))
    generator = np.random.default_rng(0)
    found = [number([of[place] for place in generator.integers(0, len(of), len(of))]) for _ in range(ROUNDS)]
    low, high = np.percentile(found, [2.5, 97.5])
    return Measured(value=number(of), low=float(low), high=float(high), n=len(of))


def percentile(groups: Sequence[Sequence[float]], share: float) -> Measured:
    """The value below which `share` per cent of all are, between two of them in a straight line.   groups: answers."""
    return bootstrapped(
        [group for group in groups if group], lambda drawn: float(np.percentile(np.concatenate(drawn), share))
    )


def first(answers: Sequence[Timed], share: float) -> Measured:
    """Seconds to the first token."""
    return percentile([one.moments[:1] for one in answers], share)


def between(answers: Sequence[Timed], share: float) -> Measured:
    """Seconds from a token to the next."""
    return percentile([one.gaps for one in answers], share)


def per_second(rounds: Sequence[Sequence[Timed]]) -> Measured:
    """Tokens of a round over its seconds, which end with its last answer; an answer that is asked for alone is a round of its own."""
    return bootstrapped(
        rounds,
        lambda drawn: sum(one.tokens for answers in drawn for one in answers) / max(sum(map(wall, drawn)), 1e-12),
    )


def per_answer(rounds: Sequence[Sequence[Timed]]) -> Measured:
    """Seconds that the machine was at work for an answer."""
    return bootstrapped(rounds, lambda drawn: sum(map(wall, drawn)) / sum(map(len, drawn)))


def wall(answers: Sequence[Timed]) -> float:
    """Seconds of a round."""
    return max(one.seconds for one in answers)
