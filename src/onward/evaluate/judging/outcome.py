"""Verdicts as numbers and lines: what `onward judge` prints, writes down and adds to lineages.

Marks have no chance level, so the same judge marks some answers to other questions beside them: what those get, a mark is worth without
looking at the question. Of two models the chance is a half, and the judge's own likings stand beside what was won. Left out: how models
and judge are asked (asked.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from onward.errors import DataError
from onward.evaluate.examined import Row
from onward.evaluate.judging import pairwise, single
from onward.evaluate.judging.asked import Bench
from onward.evaluate.judging.biases import LENGTH, Bias, biases, shown
from onward.evaluate.judging.length_controlled import Judgements, win_rates
from onward.evaluate.judging.pairwise import Duel, Judged
from onward.evaluate.judging.questions import Answers, Question
from onward.generate.chat_model import Reply
from onward.train.measure import Measured

MARK, WON, CONTROLLED = "mark from 1 to 10", "won by the first", "won, were answers equally long"
CONTROLS = 20
"""Answers to other questions that are marked, at most."""
BY_CHANCE = 0.5


@dataclass
class Outcome:
    """questions: so many that all models have answered.   rows: numbers, the first the headline.   records: a line for each verdict.
    unformed, replies: the judge's replies that are not in form, and all.   remarks: what the numbers do not say by themselves."""

    questions: int
    rows: list[Row] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    unformed: int = 0
    replies: int = 0
    remarks: list[str] = field(default_factory=list)


def marked(questions: Sequence[Question], answers: Mapping[str, Answers], bench: Bench) -> Outcome:
    """One model.   answers: by the key of each question."""
    asked = [question for question in questions if question.key in answers]
    own = single.judge(asked, [answers[question.key] for question in asked], bench.ask)
    given = [answers[one.question.key][len(one.question.turns) - 1] for one in own]
    found = Outcome(len(asked), replies=len(own), unformed=sum(one.mark is None for one in own))
    for one, answer, reply in zip(own, given, bench.replies, strict=True):
        line = _line(one.question, reply) | {"answer": answer, "mark": one.mark}
        found.records.append(line)
    marks = single.summary(own)
    found.rows = [Row(MARK, marks.mean)] if marks.mean else []
    if len(marks.by_turn) > 1:
        found.rows += [Row(f"  turn {turn}", mean) for turn, mean in marks.by_turn.items() if mean]
    if len(marks.by_kind) > 1:
        found.rows += [Row(f"  {kind}", mean) for kind, mean in marks.by_kind.items() if mean]
    if marks.mean and len(asked) > 1 and (control := _control(asked, answers, bench)):
        found.rows.insert(1, control)
    return found


def _control(asked: Sequence[Question], answers: Mapping[str, Answers], bench: Bench) -> Row | None:
    """The first turns of some questions, each with the answer to the next question."""
    some = [question.up_to(1) for question in asked[:CONTROLS]]
    others = [answers[question.key][:1] for question in [*asked[1 : len(some)], asked[len(some) % len(asked)]]]
    mean = single.summary(single.judge(some, others, bench.ask)).mean
    return None if mean is None else Row("control: answers to other questions", mean, about="by the same judge")


def dueled(
    questions: Sequence[Question], one: Mapping[str, Answers], other: Mapping[str, Answers], bench: Bench
) -> Outcome:
    """Two models, each pair in both orders. Equal answers are a tie: nobody is asked, and nothing is learned of the judge."""
    asked = [question for question in questions if question.key in one and question.key in other]
    duels = list(
        pairwise.duels(asked, [one[question.key] for question in asked], [other[question.key] for question in asked])
    )
    alike = [Judged(duel, "tie", "tie") for duel in duels if duel.one == duel.other]
    judged = pairwise.judge([duel for duel in duels if duel.one != duel.other], bench.ask)
    told, whole = pairwise.summary(judged), pairwise.summary([*judged, *alike])
    found = Outcome(len(asked), replies=2 * len(judged), unformed=told.not_in_form)
    for place, pair in enumerate(judged):
        found.records += _lines(pair, bench.replies[2 * place : 2 * place + 2])
    if whole.win_rate is None or (judged and told.win_rate is None):
        return found
    if alike:
        found.remarks.append(f"{len(alike):,} pairs of equal answers are ties, and were not shown to the judge.")
    about = f"{whole.wins:,} won, {whole.ties:,} tied, {whole.losses:,} lost; a tie counts half"
    found.rows = [Row(WON, whole.win_rate, BY_CHANCE, about=about)]
    try:
        found.rows.append(Row(CONTROLLED, _equally_long([*judged, *alike]), BY_CHANCE, about=_lengths(duels)))
    except DataError as error:
        found.remarks.append(f"No win rate for equal lengths: {error}")
    if told.win_rate is None:
        return found
    assert told.consistent is not None  # where something was won, a pair is in form
    swayed = f"{told.swayed:,} of {len(judged):,} pairs were decided by the order alone"
    found.rows.append(Row("both orders say the same", told.consistent, about=swayed))
    if told.first is not None:
        found.rows.append(Row("the answer shown first is chosen", told.first, BY_CHANCE, about="of verdicts for one"))
    try:
        found.rows += [_odds(bias, told.win_rate.n) for bias in biases(shown(judged))]
    except DataError as error:
        found.remarks.append(f"Nothing is known of the judge's likings: {error}")
    return found


def from_the_other_side(row: Row) -> Row:
    """What was won, as the other model has it."""
    own = row.measured
    low, high = (None if end is None else 1 - end for end in (own.high, own.low))
    metric = row.metric.replace("the first", "the second")
    return replace(row, metric=metric, measured=Measured(value=1 - own.value, low=low, high=high, n=own.n))


def _equally_long(judged: Sequence[Judged]) -> Measured:
    """By length_controlled.py, of this one model beside the other.   Raises DataError."""
    there = [(pair, pair.won) for pair in judged if pair.won is not None]
    questions = {key: place for place, key in enumerate(dict.fromkeys(pair.duel.question.key for pair, _ in there))}
    rows = Judgements(
        models=np.zeros(len(there), dtype=np.int64),
        instructions=np.array([questions[pair.duel.question.key] for pair, _ in there]),
        preferences=np.array([won for _, won in there]),
        lengths=np.array([float(len(pair.duel.one[-1])) for pair, _ in there]),
        baseline_lengths=np.array([float(len(pair.duel.other[-1])) for pair, _ in there]),
    )
    return win_rates(rows)[0].controlled


def _lengths(duels: Sequence[Duel]) -> str:
    one, other = (
        np.mean([len(side[-1]) for side in sides]) for sides in zip(*[(d.one, d.other) for d in duels], strict=True)
    )
    return f"answers have {one:,.0f} and {other:,.0f} characters"


def _odds(bias: Bias, questions: int) -> Row:
    """A liking of the judge's as a factor."""
    low, high = float(np.exp(bias.low)), float(np.exp(bias.high))
    what = "odds by being twice as long" if bias.name == LENGTH else "odds by standing first"
    known = "which may be better, too" if bias.name == LENGTH else ""
    return Row(what, Measured(value=bias.odds, low=low, high=high, n=questions), 1.0, about=known)


def _lines(pair: Judged, replies: Sequence[Reply | None]) -> list[dict[str, Any]]:
    """One for each order."""
    orders = (("one", pair.one_first), ("other", pair.other_first))
    return [
        _line(pair.duel.question, reply)
        | {
            "one": pair.duel.one[-1],
            "other": pair.duel.other[-1],
            "shown_first": first,
            "verdict": said,
            "won": pair.won,
        }
        for (first, said), reply in zip(orders, replies, strict=True)
    ]


def _line(question: Question, reply: Reply | None) -> dict[str, Any]:
    return {
        "question": question.key,
        "kind": question.kind,
        "turn": len(question.turns),
        "asked": question.turns[-1],
        "judge_said": None if reply is None else reply.text,
    }
