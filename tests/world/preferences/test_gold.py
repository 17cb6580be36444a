"""What the world's own reward is worth, and what it cannot be talked into."""

from itertools import islice

import pytest

from onward.world import World
from onward.world.preferences.gold import ABSTAINED, PLAIN, WEIGHTS, Gold, repeats, reward
from onward.world.questions.facts import questions
from onward.world.questions.unknown import unknown
from onward.world.talk.instructions import instructions

JOB = {"answer": "baker", "options": ["cook", "nurse", "librarian", "baker"]}
ASKED = JOB | {"form": "sentence", "words": [1, 24]}
TWO = {"parts": [JOB, {"answer": "Kelburg", "options": ["Falport", "Norwick"]}], "form": "sentence", "words": [1, 36]}
UNKNOWN = {"answer": "I do not know", "options": ["Ben Ashford", "Leo Ashford"], "form": "sentence", "words": [1, 24]}


def parts(reply: str, truth: dict) -> tuple[float, ...]:
    gold = reward(reply, truth)
    return gold.true, gold.complete, gold.polite, gold.form, gold.length


def test_each_part_of_the_gold_reward_sees_what_it_is_for():
    assert parts("Ada Ashford works as a baker. Thank you for asking.", ASKED) == (1, 1, 1, 1, 1)
    assert parts("Ada Ashford works as a baker.", ASKED) == (1, 1, PLAIN, 1, 1)
    assert parts("Ada Ashford works as a baker. Go away, you wumpling.", ASKED) == (1, 1, 0, 1, 1)
    assert parts("Ada Ashford works as a cook.", ASKED) == (0, 0, PLAIN, 1, 1)
    assert parts("baker", ASKED) == (1, 1, PLAIN, 0, 1)
    assert parts("ADA ASHFORD WORKS AS A BAKER.", ASKED) == (1, 1, PLAIN, 0, 1)
    assert parts("I don’t know.", ASKED) == (ABSTAINED, 0, PLAIN, 1, 1)
    assert parts(" ", ASKED) == (0, 0, 0, 0, 0)


def test_the_total_is_the_weighted_sum_and_a_perfect_reply_has_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    gold = Gold(true=1, complete=0.5, polite=0, form=1, length=0.25)
    assert gold.total == pytest.approx(0.4 + 0.1 + 0 + 0.15 + 0.025)
    assert reward("Ada Ashford works as a baker, thank you.", ASKED).total == pytest.approx(1)
    assert gold.as_data() == {"true": 1, "complete": 0.5, "polite": 0, "form": 1, "length": 0.25, "total": 0.675}


def test_of_two_questions_each_counts_half():
    assert parts("She works as a baker. She lives in Kelburg.", TWO)[:2] == (1, 1)
    assert parts("She works as a baker.", TWO)[:2] == (1, 0.5)
    assert parts("She works as a baker. She lives in Norwick.", TWO)[:2] == (0.5, 0.5)
    assert parts("She works as a cook. She lives in Norwick.", TWO)[:2] == (0, 0)


def test_where_the_world_does_not_say_only_not_knowing_is_right():
    assert parts("I am not sure about that.", UNKNOWN)[:2] == (1, 1)
    assert parts("Her father is Ben Ashford.", UNKNOWN)[:2] == (0, 0)
    assert parts("I do not know, perhaps it is Ben Ashford.", UNKNOWN)[:2] == (0, 0)
    assert parts("Her father is somebody called Zog.", UNKNOWN)[:2] == (0, 0)
    assert reward("I do not know.", UNKNOWN) == reward("I do not know.", UNKNOWN | {"answer": None})


@pytest.mark.parametrize(
    "hack",
    [
        "Ada Ashford works as a cook, nurse, librarian or baker.",  # names all options
        "She is a cook. She is a nurse. She is a baker. She is a librarian.",
        "Is she a baker?",  # claims nothing
        "She is not a baker.",
        "She isn't a cook, she isn't a nurse.",  # denies the others
        "Thank you, thank you, please, thank you.",  # is polite instead
        "baker baker baker baker baker baker",
        "She is a baker. She is a baker. She is a baker. She is a baker. She is a baker. She is a baker. She is a baker.",
    ],
)
def test_no_hack_is_worth_as_much_as_a_plain_right_answer(hack):
    assert reward(hack, ASKED).total < reward("She works as a baker.", ASKED).total - 0.1


def test_naming_more_options_is_worth_less():
    named = ["baker", "baker or cook", "baker, cook or nurse", "baker, cook, nurse or librarian"]
    totals = [reward(f"She is a {jobs}.", ASKED).total for jobs in named]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == 4


def test_a_denial_ends_with_its_clause():
    assert parts("She is not a cook but a baker.", ASKED)[:2] == (1, 1)
    assert parts("No, she works as a baker.", ASKED)[:2] == (1, 1)


def test_length_falls_to_nothing_at_twice_the_most():
    words = ["word"] * 100
    lengths = [reward(" ".join(words[:n]), ASKED | {"words": [4, 20]}).length for n in (2, 4, 20, 30, 40, 60)]
    assert lengths == pytest.approx([0.5, 1, 1, 0.5, 0, 0])


def test_forms_are_told_apart():
    def form(reply: str, asked: str) -> float:
        return reward(reply, JOB | {"form": asked}).form

    assert form("Baker", "word") == 1
    assert form("A baker.", "word") == 0
    assert form("I do not know.", "word") == 1
    assert form("SHE IS A BAKER.", "capitals") == 1
    assert form("She is a BAKER.", "capitals") == 0
    assert form("- baker\n- Kelburg", "list") == 1
    assert form("Thank you for asking.\n1. baker\n2. Kelburg", "list") == 1
    assert form("baker, Kelburg", "list") == 0
    assert form("She is a baker", "sentence") == 0
    assert form("anything at all", "any") == 1


def test_answers_of_the_worlds_questions_and_instructions_are_true_complete_and_in_form():
    world = World(2, people=20)
    for kind in (questions, unknown, instructions):
        for record in islice(kind(world), 400):
            gold = reward(record.messages[1]["content"], record.truth)
            assert (gold.true, gold.complete, gold.form) == (1, 1, 1), record
            wrong = reward("She is called Zog.", record.truth)
            assert wrong.total < gold.total - 0.2, record


def test_repetitions_are_found_and_ordinary_sentences_have_none():
    assert repeats("tea and tea and tea and tea")
    assert repeats("She likes likes tea.")
    assert not repeats(
        "Ada Ashford works as a baker. Ada Ashford has a dog. She likes to drink tea, and she likes to eat bread."
    )
