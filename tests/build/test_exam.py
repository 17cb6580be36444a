"""The exam on a small world: what is right counts as right, and beside it stands what a guess gets."""

import json

import pytest

from onward.build import exam
from onward.generate.load import open_folder
from onward.world import World
from onward.world.kinds import chosen
from onward.world.write import write


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    out = tmp_path_factory.mktemp("exam") / "world"
    write(World(1, people=60, cities=6), out, chosen(list(exam.SUBJECTS)))
    return out


@pytest.mark.parametrize("kind", exam.SUBJECTS)
def test_who_gives_the_answers_of_the_data_has_everything_right(world, kind):
    questions = exam.drawn(world, kind)
    found = exam.graded(world, kind, questions, [q["messages"][1]["content"] for q in questions], seed=0)
    assert (found.value, found.low, found.high, found.n) == (1.0, 1.0, 1.0, len(questions))
    assert found.chance < 0.6
    assert found.baseline < 1 or kind == "unknown"


def test_who_always_gives_the_usual_answer_is_the_baseline(world):
    """Computed here in another way: by counting."""
    questions = exam.drawn(world, "claim")
    chats = [json.loads(line)["truth"] for line in (world / "chats" / "claim.jsonl").read_text().splitlines()]
    said = []
    for question in questions:
        told = [t["answer"] for t in chats if t["relation"] == question["truth"]["relation"]]
        said.append(max(dict.fromkeys(told), key=told.count))
    found = exam.graded(world, "claim", questions, said, seed=0)
    assert found.value == found.baseline
    assert 0.3 < found.value < 0.7


def test_nobody_who_is_examined_on_was_asked_about_in_training(world):
    truth = json.loads((world / "truth.json").read_text())
    held_out = {person["name"] for person in truth["people"] if person["held out"]}
    asked = [json.loads(line) for line in (world / "chats" / "question.jsonl").read_text().splitlines()]
    assert {q["truth"]["facts"][0]["subject"] for q in exam.drawn(world, "question")} <= held_out
    assert not {q["truth"]["facts"][0]["subject"] for q in asked} & held_out


@pytest.mark.parametrize("talks", [False, True])
def test_a_model_that_knows_nothing_fails(world, model_folder, talks):
    model = open_folder(model_folder)
    questions = exam.drawn(world, "question", most=4)
    model.engine.room = 512
    found = exam.graded(world, "question", questions, exam.answers(model, questions, talks=talks), seed=0)
    assert found.value == 0
