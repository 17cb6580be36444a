"""Two models' answers beside one another, judged by a chat model in both orders, as in MT-bench.

A model wins a pair only if it wins in both orders; all else is a tie (Zheng et al. 2023, arXiv 2306.05685, section 3.4). A pair with a
reply that is not in form has no outcome and is counted apart. Left out: more than two answers at once, and the wording of MT-bench's
prompts: the numbers here compare with one another, and not with published ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from onward.align.distil.journal import Request
from onward.evaluate.judging.questions import Answers, Question, told, told_references
from onward.evaluate.judging.verdicts import ROOM, Ask, Verdict, verdict
from onward.generate.settings import Sampling
from onward.train.measure import Measured, with_interval

FIRST, SECOND, END = "[Conversation with assistant A]", "[Conversation with assistant B]", "[End of the conversations]"
PROMPT = """\
Two assistants have talked with the same user. Judge which of them did better in its {which}: whether it does what was asked, is right, \
and is of use. In which order they stand, how long an answer is, and who may have written it are no merits. Where right answers are given, \
an answer that contradicts them is wrong.

{references}{first}
{a}

{second}
{b}

{end}

Explain in a few sentences how they compare. Then end with your verdict in double brackets, exactly so: [[A]] if assistant A did better, \
[[B]] if assistant B did, [[C]] if neither did."""


@dataclass(frozen=True)
class Duel:
    """A question, and the answers of one model and of the other. It is the last answer that is judged."""

    question: Question
    one: Answers
    other: Answers


@dataclass(frozen=True)
class Judged:
    """A duel's verdicts.   one_first: where the one's answers were assistant A's.   other_first: where they were assistant B's."""

    duel: Duel
    one_first: Verdict | None
    other_first: Verdict | None

    @property
    def in_form(self) -> bool:
        return None not in (self.one_first, self.other_first)

    @property
    def swayed(self) -> bool:
        """Whether the order alone has decided: the same place was chosen twice."""
        return self.one_first == self.other_first and self.one_first in ("A", "B")

    @property
    def consistent(self) -> bool:
        """Whether both orders say the same: one answer twice, or twice a tie."""
        return (self.one_first, self.other_first) in (("A", "B"), ("B", "A"), ("tie", "tie"))

    @property
    def won(self) -> float | None:
        """What the one has won: 1, 0, or 0.5 for a tie; None where a reply is not in form."""
        if not self.in_form:
            return None
        return {("A", "B"): 1.0, ("B", "A"): 0.0}.get((str(self.one_first), str(self.other_first)), 0.5)


@dataclass(frozen=True)
class Found:
    """What came of many duels.   win_rate: of the one, ties counting half.   first: how often the answer shown first was chosen, of all
    verdicts that chose one; a half where order does not count.   consistent: pairs of which both orders say the same.   Intervals are over
    questions."""

    win_rate: Measured | None
    first: Measured | None
    consistent: Measured | None
    wins: int
    ties: int
    losses: int
    swayed: int
    not_in_form: int


def duels(questions: Sequence[Question], one: Sequence[Answers], other: Sequence[Answers]) -> Iterator[Duel]:
    """For each turn of each question a duel about the answer to it, what was said before being shown."""
    for question, ours, theirs in zip(questions, one, other, strict=True):
        for turn in range(1, len(question.turns) + 1):
            yield Duel(question.up_to(turn), ours[:turn], theirs[:turn])


def judge(all_duels: Sequence[Duel], ask: Ask) -> list[Judged]:
    """Have each duel judged in both orders.   Raises what `ask` raises: BudgetSpent, EndpointError."""
    requests = [
        request
        for duel in all_duels
        for request in (
            _request(duel.question, duel.one, duel.other),
            _request(duel.question, duel.other, duel.one),
        )
    ]
    said = [verdict(reply) for reply in ask(requests)]
    return [Judged(*row) for row in zip(all_duels, said[::2], said[1::2], strict=True)]


def summary(judged: Sequence[Judged]) -> Found:
    """Counts, and shares with their 95 % intervals."""
    won = [one.won for one in judged]
    wins_read = [
        (one.duel.question.key, share, 1.0) for one, share in zip(judged, won, strict=True) if share is not None
    ]
    chosen = [
        (one.duel.question.key, float(said == "A"), 1.0)
        for one in judged
        for said in (one.one_first, one.other_first)
        if said in ("A", "B")
    ]
    agreed = [(one.duel.question.key, float(one.consistent), 1.0) for one in judged if one.in_form]
    return Found(
        win_rate=share_by_question(wins_read),
        first=share_by_question(chosen),
        consistent=share_by_question(agreed),
        wins=won.count(1.0),
        ties=won.count(0.5),
        losses=won.count(0.0),
        swayed=sum(one.swayed for one in judged),
        not_in_form=sum(said is None for one in judged for said in (one.one_first, one.other_first)),
    )


def share_by_question(rows: Sequence[tuple[str, float, float]]) -> Measured | None:
    """The sum of values over the sum of sizes, (question, value, size) a row; a bootstrap over questions. None without rows."""
    if not rows:
        return None
    parts = [np.array([row[1:] for row in own]).sum(axis=0) for _, own in groupby(sorted(rows), key=lambda row: row[0])]
    values, sizes = np.stack(parts, axis=1)
    return with_interval(values, sizes)


def _request(question: Question, a: Answers, b: Answers) -> Request:
    turns = len(question.turns)
    asked = PROMPT.format(
        which="answer" if turns == 1 else f"answer to turn {turns}, the last one",
        references=told_references(question),
        first=FIRST,
        second=SECOND,
        end=END,
        a=told(question, a, "Assistant A"),
        b=told(question, b, "Assistant B"),
    )
    return Request([{"role": "user", "content": asked}], Sampling(temperature=0.0, max_tokens=ROOM))
