"""Asking the world: what it answers is true, whatever the phrasing."""

import pytest

from onward.errors import WorldError
from onward.world import World
from onward.world.ask import ask
from onward.world.grading import is_right
from onward.world.questions.claims import claims
from onward.world.questions.comparisons import comparisons
from onward.world.questions.facts import questions
from onward.world.questions.hops import hops


@pytest.fixture(scope="module")
def world():
    return World(9, people=40)


@pytest.mark.parametrize("make", [questions, hops, claims, comparisons])
def test_the_world_answers_its_own_questions_in_every_phrasing(world, make):
    for record in list(make(world))[::7]:
        answer = ask(world, record.messages[0]["content"])
        assert is_right(answer.text, record.truth), (record.messages, answer)


def test_where_the_world_does_not_say_it_does_not_know(world):
    nobody = next(person for person in world.people if world.mother(person) is None)
    assert ask(world, f"Who is {nobody.name}'s mother?").text == "I do not know."


def test_a_question_on_nobody_says_so(world):
    with pytest.raises(WorldError, match="nobody and nothing in this world"):
        ask(world, "Where does Peter Pan live?")


def test_what_it_does_not_understand_is_answered_with_examples_that_it_does(world):
    with pytest.raises(WorldError, match="Ask, for example: ") as raised:
        ask(world, "Colourless green ideas sleep furiously, do they?")
    examples = str(raised.value).split("for example: ")[1]
    assert all(ask(world, f"{example}?").text for example in examples.split("?")[:-1])
