"""What is planted in a judge is shown by what `onward judge` shows; and of fair judges nothing is, as often as intervals promise."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from onward.evaluate.arena.settings import Answering
from onward.evaluate.asking import Answer, Cache, Respondent
from onward.evaluate.judging.asked import Bench, answered
from onward.evaluate.judging.outcome import CONTROLLED, MARK, WON, dueled, from_the_other_side, marked
from onward.evaluate.judging.planted import Planted, PlantedJudge
from onward.evaluate.judging.questions import Question
from speaking import ByRule

FIRST, LONGER = "odds by standing first", "odds by being twice as long"
QUESTIONS = [Question(str(number), (f"Question {number}?",)) for number in range(150)]


class Asked(Respondent):
    """Any chat model, asked one by one."""

    def __init__(self, model, place, budget=None):
        super().__init__(model.name, Cache(place / "answers.jsonl"), budget)
        self.model = model

    def _answer(self, missing):
        for one in missing:
            reply = self.model.replies(one.messages, [one.sampling])[0]
            self._keep(one, Answer(reply.text, reply.finish, [], reply.prompt_tokens, reply.tokens))


@pytest.fixture
def judged(tmp_path):
    """What a planted judge's verdicts on two models come to, by metric. longer: of the first model's answers, as a logarithm to base 2."""

    def carry_out(planted, *, longer=0.0, seed=0):
        generator = np.random.default_rng(seed)
        sizes = np.exp2(generator.normal([[7 + longer], [7]], 0.7, (2, len(QUESTIONS)))).astype(int)
        ones, others = (
            {question.key: ("x" * size,) for question, size in zip(QUESTIONS, own, strict=True)} for own in sizes
        )
        worth = defaultdict(float)
        bench = Bench(Asked(PlantedJudge(planted, worth, seed=seed), tmp_path / f"{seed}{planted}"))
        found = dueled(QUESTIONS, ones, others, bench)
        return found, {row.metric: row.measured for row in found.rows}

    return carry_out


def holds(measured, truth):
    return measured.low <= truth <= measured.high


def test_a_planted_liking_for_the_first_place_is_shown_and_wins_nothing(judged):
    found, rows = judged(Planted(position=1.2, mute=0.05))
    assert holds(rows[FIRST], math.exp(1.2))
    assert not holds(rows[FIRST], 1)
    assert holds(rows[LONGER], 1)
    assert holds(rows[WON], 0.5)
    first = 1 / (1 + math.exp(-1.2))
    assert holds(rows["the answer shown first is chosen"], first)
    assert holds(rows["both orders say the same"], 2 * first * (1 - first))
    assert found.unformed == sum(record["verdict"] is None for record in found.records) > 0
    assert found.replies == len(found.records) == 300


def test_a_planted_liking_for_length_is_shown_and_taken_out(judged):
    runs = [judged(Planted(length=1.0), longer=0.6, seed=seed)[1] for seed in range(6)]
    assert sum(holds(rows[LONGER], math.e) for rows in runs) >= 5
    assert sum(holds(rows[FIRST], 1) for rows in runs) >= 5
    assert sum(rows[WON].low > 0.5 for rows in runs) >= 5
    won, controlled = (np.mean([rows[metric].value for rows in runs]) for metric in (WON, CONTROLLED))
    assert abs(controlled - 0.5) < 0.4 * (won - 0.5)


def test_of_fair_judges_hardly_any_is_found_biased(judged):
    """The intervals are 95 %: of 24, up to 4 are left out with a chance of 99 in 100."""
    runs = [judged(Planted(), seed=seed)[1] for seed in range(12)]
    alarms = sum(not holds(rows[which], 1) for rows in runs for which in (FIRST, LONGER))
    assert alarms <= 4
    assert sum(not holds(rows[WON], 0.5) for rows in runs) <= 3


def test_equal_answers_are_ties_and_say_nothing_of_the_judge(tmp_path):
    """Of four pairs two are equal. A judge who always says A is asked about the other two, and tied there as well."""
    asked = []

    def say(messages):
        asked.append(messages)
        return "[[A]]"

    ones = {str(number): ("same" if number < 2 else f"one {number}",) for number in range(4)}
    others = {str(number): ("same" if number < 2 else f"other {number}",) for number in range(4)}
    found = dueled(QUESTIONS[:4], ones, others, Bench(Asked(ByRule(say), tmp_path)))
    rows = {row.metric: row for row in found.rows}
    assert len(asked) == found.replies == 4
    assert found.questions == 4
    assert rows[WON].measured.value == 0.5
    assert rows[WON].about.startswith("0 won, 4 tied")
    assert (rows["both orders say the same"].measured.value, rows["the answer shown first is chosen"].measured.n) == (
        0,
        2,
    )
    assert found.remarks[0].startswith("2 pairs of equal answers")
    alike = dueled(QUESTIONS[:2], ones, ones, Bench(Asked(ByRule(say), tmp_path)))
    assert alike.rows[0].measured.value == 0.5
    assert len(asked) == 4


def test_what_one_has_won_the_other_has_lost(judged):
    found, rows = judged(Planted(length=1.5), longer=0.6)
    mirrored = from_the_other_side(found.rows[0])
    assert mirrored.metric == "won by the second"
    assert mirrored.measured.value == pytest.approx(1 - rows[WON].value)
    assert mirrored.measured.low < mirrored.measured.value < mirrored.measured.high


def test_marks_stand_beside_what_answers_to_other_questions_get(tmp_path):
    """A judge that looks at the question marks these lower; one that looks at the answer alone does not."""
    questions = QUESTIONS[:30]
    answers = {question.key: (f"It is {question.key}.",) for question in questions}

    def fits(messages):
        text = messages[-1]["content"]
        number = text.split("Question ")[1].split("?")[0]
        return "[[9]]" if f"It is {number}." in text else "[[2]]"

    for place, (say, control) in enumerate(((fits, 2), (lambda _: "[[9]]", 9))):
        found = marked(questions, answers, Bench(Asked(ByRule(say), tmp_path / str(place))))
        assert [row.measured.value for row in found.rows] == [9, control]
        assert (found.rows[0].metric, found.rows[0].measured.n, found.rows[1].measured.n) == (MARK, 30, 20)
        assert len(found.records) == 30
        assert {record["mark"] for record in found.records} == {9}


def test_marks_of_turns_and_kinds_by_hand(tmp_path):
    questions = [Question("1", ("a?", "b?"), kind="writing"), Question("2", ("c?",), kind="maths")]
    answers = {"1": ("one", "two"), "2": ("three",)}

    def say(messages):
        last = messages[-1]["content"].partition("[End of")[0].strip().rpartition("Assistant:\n")[2]
        return {"one": "[[4]]", "two": "[[8]]", "three": "None."}[last]

    found = marked(questions, answers, Bench(Asked(ByRule(say), tmp_path)))
    told = {row.metric.strip(): row.measured.value for row in found.rows}
    assert (told[MARK], told["turn 1"], told["turn 2"], told["writing"]) == (6, 4, 8, 6)
    assert found.unformed == 1
    assert [record["judge_said"] for record in found.records] == ["[[4]]", "[[8]]", "None."]


def test_turns_are_asked_with_what_was_said_before(tmp_path):
    seen = []

    def say(messages):
        seen.append([one["content"] for one in messages])
        return f"{len(messages)} said"

    questions = [Question("1", ("a?", "b?")), Question("2", ("c?",))]
    found = answered(Asked(ByRule(say), tmp_path), questions, Answering(temperature=0.0))
    assert found.answers == {"1": ("1 said", "3 said"), "2": ("1 said",)}
    assert seen == [["a?"], ["c?"], ["a?", "1 said", "b?"]]
