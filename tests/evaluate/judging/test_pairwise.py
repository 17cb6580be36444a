"""Pairs are judged in both orders, and only what holds in both is a win."""

import pytest
from rich.console import Console

from onward.align.distil.asking import Asker
from onward.align.distil.journal import Journal
from onward.evaluate.judging import pairwise, single
from onward.evaluate.judging.pairwise import Duel, Judged, duels
from onward.evaluate.judging.questions import Question, answer, read_questions
from onward.evaluate.judging.verdicts import asking

QUESTION = Question("1", ("How many legs has a spider?",))


def judged(said, question="1"):
    one_first, other_first = said
    return Judged(Duel(Question(question, ("?",)), ("x",), ("y",)), one_first, other_first)


@pytest.mark.parametrize(
    ("said", "won", "swayed"),
    [
        (("A", "B"), 1.0, False),
        (("B", "A"), 0.0, False),
        (("A", "A"), 0.5, True),
        (("B", "B"), 0.5, True),
        (("A", "tie"), 0.5, False),
        (("tie", "tie"), 0.5, False),
        (("A", None), None, False),
        ((None, None), None, False),
    ],
)
def test_what_two_orders_come_to(said, won, swayed):
    assert (judged(said).won, judged(said).swayed) == (won, swayed)


def test_a_summary_by_hand():
    """Of five pairs one is not in form; the other four have won 1 + 1 + 0.5 + 0 = 2.5. Six of nine verdicts are for A."""
    all_judged = [
        judged(("A", "B"), "1"),
        judged(("A", "B"), "2"),
        judged(("A", "A"), "3"),
        judged(("B", "A"), "4"),
        judged(("A", None), "5"),
    ]
    found = pairwise.summary(all_judged)
    assert (found.wins, found.ties, found.losses, found.swayed, found.not_in_form) == (2, 1, 1, 1, 1)
    assert found.win_rate.value == 2.5 / 4
    assert found.win_rate.n == 4
    assert found.first.value == 6 / 9
    assert found.win_rate.low < 2.5 / 4 < found.win_rate.high


def test_nothing_in_form_has_no_win_rate():
    found = pairwise.summary([judged((None, None))])
    assert (found.win_rate, found.first, found.not_in_form) == (None, None, 2)


def test_a_fair_judge_sees_both_orders_and_the_right_answer(scripted):
    def fair(messages):
        text = messages[-1]["content"]
        first = text.index("Eight.") < text.index("Six.")
        return "[[A]]" if first else "[[B]]"

    judge = scripted(fair)
    question = Question("1", QUESTION.turns, references=("Eight legs {and} no more.",))
    (found,) = pairwise.judge([Duel(question, ("Eight.",), ("Six.",))], asking(judge))
    assert found.won == 1.0
    assert len(judge.asked) == 2
    assert all("Eight legs {and} no more." in asked[-1]["content"] for asked in judge.asked)


def test_a_judge_who_looks_only_at_the_place_decides_nothing(scripted):
    (found,) = pairwise.judge([Duel(QUESTION, ("Eight.",), ("Six.",))], asking(scripted(lambda _: "[[A]]")))
    assert (found.won, found.swayed) == (0.5, True)


def test_of_two_turns_each_is_judged_with_what_was_said_before(scripted):
    question = Question("1", ("First?", "Second?"))
    both = list(duels([question], [("one", "two")], [("eins", "zwei")]))
    assert [(len(d.question.turns), d.one, d.other) for d in both] == [
        (1, ("one",), ("eins",)),
        (2, ("one", "two"), ("eins", "zwei")),
    ]
    judge = scripted(lambda _: "[[C]]")
    pairwise.judge(both, asking(judge))
    assert ["Second?" in asked[-1]["content"] for asked in judge.asked] == [False, False, True, True]


def test_an_asker_with_its_journal_asks_nothing_twice(scripted, tmp_path):
    judge = scripted(lambda _: "[[A]]")
    for _ in range(2):
        asker = Asker(judge, Journal(tmp_path / "replies.jsonl"), budget=None, at_once=1, console=Console(quiet=True))
        assert pairwise.judge([Duel(QUESTION, ("Eight.",), ("Six.",))], asker.ask)[0].swayed
    assert len(judge.asked) == 2


def test_a_model_folder_can_judge(model_folder):
    """It is too small to say anything in form, and its 64 positions have no room for the prompt: that is counted, and not guessed at."""
    from onward import load

    found = pairwise.summary(pairwise.judge([Duel(QUESTION, ("Eight.",), ("Six.",))], asking(load(model_folder))))
    assert (found.win_rate, found.not_in_form) == (None, 2)


def test_marks_by_turn_and_by_kind(scripted):
    """(10 + 4) / 2 in the first turns, 6 in the only second one that is in form."""
    questions = [Question("1", ("a", "b"), kind="writing"), Question("2", ("a", "b"), kind="maths")]
    marks = iter(["[[10]]", "[[6]]", "[[4]]", "Good."])
    found = single.summary(single.judge(questions, [("x", "y"), ("x", "y")], asking(scripted(lambda _: next(marks)))))
    assert found.not_in_form == 1
    assert found.mean.value == 20 / 3
    assert {turn: one.value for turn, one in found.by_turn.items()} == {1: 7, 2: 6}
    assert {kind: one.value for kind, one in found.by_kind.items()} == {"writing": 8, "maths": 4}


def test_a_model_answers_turn_by_turn(scripted):
    model = scripted(lambda messages: f"{len(messages)} said")
    said = answer(model, Question("1", ("First?", "Second?")), temperature=0.0, seed=0, max_tokens=9)
    assert said == ("1 said", "3 said")
    assert [message["content"] for message in model.asked[1]] == ["First?", "1 said", "Second?"]


def test_questions_as_mt_bench_has_them(tmp_path):
    asked, right = tmp_path / "question.jsonl", tmp_path / "gpt-4.jsonl"
    asked.write_text(
        '{"question_id": 81, "category": "maths", "turns": ["1 + 1?", "And 1?"]}\n{"question_id": 82, "turns": ["Hi."]}\n'
    )
    right.write_text('{"question_id": 81, "choices": [{"turns": ["2", "3"]}]}\n')
    assert read_questions(asked, right) == [
        Question("81", ("1 + 1?", "And 1?"), ("2", "3"), "maths"),
        Question("82", ("Hi.",)),
    ]


def test_a_bad_line_is_named(tmp_path):
    from onward.errors import DataError

    path = tmp_path / "question.jsonl"
    path.write_text('{"question_id": 1, "turns": ["a"]}\n{"question_id": 2, "turns": "b"}\n')
    with pytest.raises(DataError, match="line 2"):
        read_questions(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="no question"):
        read_questions(path)
