"""What models answer to questions, and what a judge says of it, by the machinery of examinations (evaluate/asking.py).

So a folder answers many at a time, nothing is asked twice, a kill loses nothing, and a budget holds. Left out: what verdicts come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from onward.align.distil.journal import Request
from onward.errors import SuiteError
from onward.evaluate.arena.settings import Answering
from onward.evaluate.asking import Answer, Respondent, Wanted
from onward.evaluate.judging.questions import Answers, Question
from onward.generate.chat_model import Message, Reply
from onward.generate.engine import Finish


@dataclass(frozen=True)
class Answered:
    """By the key of each question its answers; or why the model could not be asked."""

    answers: dict[str, Answers] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def answered(respondent: Respondent, questions: Sequence[Question], answering: Answering) -> Answered:
    """All questions together, turn by turn, each turn with what was said before.   Raises SuiteError, EndpointError, FolderError."""
    said = dict[str, Answers]((question.key, ()) for question in questions)
    refused = dict[str, str]()
    for turn in range(max(len(question.turns) for question in questions)):
        due = [one for one in questions if len(one.turns) > turn and one.key not in refused]
        wanted = [Wanted(messages=_so_far(one, said[one.key]), sampling=answering.sampling) for one in due]
        for question, answer in zip(due, _all(respondent, wanted), strict=True):
            if answer.refused:
                refused[question.key] = answer.refused
            said[question.key] += (answer.text,)
    return Answered({key: own for key, own in said.items() if key not in refused}, refused)


class Bench:
    """A judge whose replies are kept as they came.   `ask` is what pairwise.py and single.py take."""

    def __init__(self, judge: Respondent) -> None:
        self.judge = judge
        self.replies: list[Reply | None] = []

    def ask(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Raises SuiteError where the budget does not suffice, or no request can be taken; EndpointError, FolderError."""
        wanted = [Wanted(messages=tuple(one.messages), sampling=one.sampling) for one in requests]
        found = [_reply(answer) for answer in _all(self.judge, wanted)]
        self.replies += found
        return found


def _all(respondent: Respondent, wanted: Sequence[Wanted]) -> list[Answer]:
    found = respondent.ask(wanted)
    there = [answer for answer in found if answer is not None]
    if len(there) < len(found):
        raise SuiteError(
            f"the budget has left {len(found) - len(there):,} of {len(found):,} answers of {respondent.name} unasked. "
            "The same command with a larger one goes on."
        )
    return there


def _so_far(question: Question, said: Answers) -> tuple[Message, ...]:
    """The turns up to the one that is to be answered."""
    messages = [{"role": "user", "content": question.turns[0]}]
    for answer, turn in zip(said, question.turns[1:], strict=False):
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": turn}]
    return tuple(messages)


def _reply(answer: Answer) -> Reply | None:
    if answer.refused:
        return None
    return Reply(answer.text, cast(Finish, answer.finish), answer.prompt_tokens, answer.tokens)
