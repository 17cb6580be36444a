"""Marks from 1 to 10 for single answers, by a chat model, as in MT-bench's other mode.

Source: Zheng et al. 2023 (arXiv 2306.05685), section 3.4. Marks of a judge cannot be trusted beyond the judge: they lie close together, and
no order can be swapped to see how it errs. Left out: MT-bench's own wording, so these marks compare with one another and not with
published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.align.distil.journal import Request
from onward.evaluate.judging.pairwise import share_by_question
from onward.evaluate.judging.questions import Answers, Question, told, told_references
from onward.evaluate.judging.verdicts import ROOM, Ask, mark
from onward.generate.settings import Sampling
from onward.train.measure import Measured

PROMPT = """\
An assistant has talked with a user. Judge its {which}: whether it does what was asked, is right, and is of use. Length is no merit. Where \
right answers are given, an answer that contradicts them is wrong.

{references}[Conversation]
{conversation}

[End of the conversation]

Explain your judgement in a few sentences. Then end with a mark from 1, useless, to 10, could not be better, in double brackets, exactly \
so: [[5]]."""


@dataclass(frozen=True)
class Marked:
    """An answer to the last turn of `question`, and its mark; None where the judge's reply is not in form."""

    question: Question
    mark: float | None


@dataclass(frozen=True)
class Marks:
    """mean: of all marks, its interval over questions; None without any.   by_turn, by_kind: the same for some of them."""

    mean: Measured | None
    by_turn: dict[int, Measured | None]
    by_kind: dict[str, Measured | None]
    not_in_form: int


def judge(questions: Sequence[Question], answers: Sequence[Answers], ask: Ask) -> list[Marked]:
    """A mark for each turn of each question.   Raises what `ask` raises: BudgetSpent, EndpointError."""
    shown = [
        (question.up_to(turn), said[:turn])
        for question, said in zip(questions, answers, strict=True)
        for turn in range(1, len(question.turns) + 1)
    ]
    replies = ask([_request(*one) for one in shown])
    return [Marked(question, mark(reply)) for (question, _), reply in zip(shown, replies, strict=True)]


def summary(marked: Sequence[Marked]) -> Marks:
    """Means with their 95 % intervals."""
    turns = sorted({len(one.question.turns) for one in marked})
    kinds = sorted({one.question.kind for one in marked} - {""})
    return Marks(
        mean=_mean(marked),
        by_turn={turn: _mean([one for one in marked if len(one.question.turns) == turn]) for turn in turns},
        by_kind={kind: _mean([one for one in marked if one.question.kind == kind]) for kind in kinds},
        not_in_form=sum(one.mark is None for one in marked),
    )


def _mean(marked: Sequence[Marked]) -> Measured | None:
    return share_by_question([(one.question.key, one.mark, 1.0) for one in marked if one.mark is not None])


def _request(question: Question, answers: Answers) -> Request:
    turns = len(question.turns)
    asked = PROMPT.format(
        which="answer" if turns == 1 else f"answer to turn {turns}, the last one",
        references=told_references(question),
        conversation=told(question, answers, "Assistant"),
    )
    return Request([{"role": "user", "content": asked}], Sampling(temperature=0.0, max_tokens=ROOM))
