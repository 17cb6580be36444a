"""What moves a judge besides an answer's worth: the place it stands in, its length, and that the judge wrote it itself.

A logistic regression over single verdicts, each pair being judged in both orders:

    log-odds of "A is better"  =  position  +  length * log2(characters of A / of B)  +  own * (1 if A is the judge's, -1 if B is)
                                  +  worth * (A's worth - B's)

A tie is half an "A". Longer answers may be better ones, and so may the judge's own: only where worth is known from elsewhere (the built-in
world, people, a panel of other judges) are `length` and `own` biases. Without it `length` is an association and says so; `own` is refused.
Position needs no worth: both orders are judged. Errors are by question, since verdicts about one are not independent.

Sources: Zheng et al. 2023 (arXiv 2306.05685), section 3.3; Panickssery et al. 2024 (arXiv 2404.13076) for self-preference. Left out: style,
such as lists and headings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onward.errors import DataError
from onward.evaluate.judging.logistic import fit
from onward.evaluate.judging.pairwise import Judged
from onward.evaluate.judging.verdicts import Verdict


@dataclass(frozen=True)
class Shown:
    """One verdict about two answers.   longer: log2 of A's length over B's.   own: 1 where A is the judge's and B is not, -1 where only B
    is, else 0.   worth: A's over B's, where it is known."""

    question: str
    verdict: Verdict
    longer: float
    own: int = 0
    worth: float | None = None


@dataclass(frozen=True)
class Bias:
    """coefficient: in log-odds, with its 95 % interval.   known_worth: whether worth was held fixed."""

    name: str
    coefficient: float
    low: float
    high: float
    known_worth: bool

    @property
    def found(self) -> bool:
        """Whether the interval leaves 0 out. Where there is nothing, this is so 5 times in 100."""
        return not self.low <= 0 <= self.high

    @property
    def odds(self) -> float:
        """By what the odds of winning are multiplied: in the first place, for twice the length, by the judge's own hand."""
        return math.exp(self.coefficient)


POSITION, LENGTH, OWN, WORTH = "position", "length", "own", "worth"


def shown(
    judged: Sequence[Judged],
    *,
    worth: Callable[[Judged], tuple[float, float]] | None = None,
    judge_is: tuple[bool, bool] = (False, False),
) -> list[Shown]:
    """Each verdict that is in form, as the regression needs it.

    worth: of the one's answer and of the other's, on any scale.   judge_is: whether the judge itself is the one, or the other.
    """
    found = []
    for one in judged:
        longer = math.log2((1 + len(one.duel.one[-1])) / (1 + len(one.duel.other[-1])))
        better = None if worth is None else worth(one)[0] - worth(one)[1]
        own = int(judge_is[0]) - int(judge_is[1])
        for said, sign in ((one.one_first, 1), (one.other_first, -1)):
            if said is not None:
                found.append(
                    Shown(
                        one.duel.question.key,
                        said,
                        sign * longer,
                        sign * own,
                        None if better is None else sign * better,
                    )
                )
    return found


def biases(verdicts: Sequence[Shown]) -> list[Bias]:
    """Position, length (where it differs), own (where some answers are the judge's) and worth (where it is known).

    Raises DataError where self-preference cannot be told from being better, or the verdicts do not tell the effects apart.
    """
    known = all(one.worth is not None for one in verdicts)
    columns = {POSITION: [1.0] * len(verdicts)}
    if any(one.longer for one in verdicts):
        columns[LENGTH] = [one.longer for one in verdicts]
    if any(one.own for one in verdicts):
        if not known:
            raise DataError(
                "whether a judge favours its own answers cannot be told from whether they are better, unless their worth is known "
                "from elsewhere. Give the worth of all answers, or leave out that some are the judge's own."
            )
        columns[OWN] = [float(one.own) for one in verdicts]
    if known:
        columns[WORTH] = [float(one.worth or 0) for one in verdicts]
    features = np.array([*columns.values()]).T.reshape(len(verdicts), len(columns))
    outcomes = np.array([{"A": 1.0, "B": 0.0, "tie": 0.5}[one.verdict] for one in verdicts])
    _, groups = np.unique([one.question for one in verdicts], return_inverse=True)
    fitted = fit(features, outcomes, groups=groups)
    return [
        Bias(name, float(fitted.coefficients[place]), *fitted.interval(place), known_worth=known)
        for place, name in enumerate(columns)
    ]
