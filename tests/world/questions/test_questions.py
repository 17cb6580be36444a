"""Questions: true, answerable, apart from what is held out, and not to be guessed. Truth is looked up here, not where they are made."""

import json
from collections import Counter

import pytest

from onward.world import World
from onward.world.grading import is_right
from onward.world.questions.asking import is_held_out
from onward.world.questions.choices import choices
from onward.world.questions.claims import claims
from onward.world.questions.comparisons import comparisons
from onward.world.questions.facts import questions
from onward.world.questions.hops import hops
from onward.world.questions.quizzes import quizzes
from onward.world.questions.unknown import missing, strangers, unknown
from onward.world.texts.biographies import biographies

KINDS = [questions, hops, claims, comparisons, unknown, missing, strangers, choices]


@pytest.fixture(scope="module")
def world():
    return World(4, people=60)


@pytest.fixture(scope="module")
def records(world):
    return {make.__name__: list(make(world)) for make in KINDS}


def texts(record):
    return " ".join(message["content"] for message in record.messages)


def test_every_rendered_answer_is_graded_as_right(records):
    for made in records.values():
        assert made
        assert all(is_right(record.messages[-1]["content"], record.truth) for record in made)


@pytest.mark.parametrize("kind", [make.__name__ for make in KINDS])
def test_the_answer_to_another_question_is_graded_as_wrong(records, kind):
    made = [record for record in records[kind] if record.truth["relation"] != "unknown"]
    wrong = [
        is_right(other.messages[-1]["content"], record.truth)
        for record in made[:200]
        for other in made[:200]
        if other.truth["answer"] not in record.truth.get("accept", [record.truth["answer"]])
    ]
    assert sum(wrong) <= 0.02 * len(wrong)


def test_naming_every_option_is_not_an_answer(records):
    for record in records["questions"]:
        if len(record.truth.get("options", [])) > 1 and len(record.truth["accept"]) < len(record.truth["options"]):
            assert not is_right(" ".join(record.truth["options"]), record.truth)


def test_nobody_who_is_held_out_is_named_in_training(world, records):
    held_out = [person.name for person in world.people if is_held_out(world, person)]
    assert held_out
    for made in records.values():
        for record in made:
            named = any(name in texts(record) for name in held_out)
            if record.split == "train":
                assert not named, record
            elif record.split in ("people", "both") and "unknown" not in record.truth["relation"]:
                assert named, record


def test_no_test_question_is_a_training_question(records):
    for made in records.values():
        trained = {record.messages[0]["content"] for record in made if record.split == "train"}
        assert not trained & {record.messages[0]["content"] for record in made if record.split != "train"}


def test_every_fact_that_is_asked_for_can_be_read_in_the_texts(world, records):
    told = {
        (fact["subject"], fact["relation"], fact["value"])
        for record in biographies(world, 1)
        for fact in record.truth["facts"]
    }
    people = {person.name for person in world.people}
    for record in records["questions"] + records["hops"] + records["claims"] + records["choices"]:
        for fact in record.truth["facts"]:
            if fact["subject"] in people:
                assert (fact["subject"], fact["relation"], fact["value"]) in told


def test_yes_and_no_are_as_frequent_and_so_are_the_letters(records):
    answers = Counter(record.truth["answer"] for record in records["claims"])
    assert answers["yes"] / answers.total() == pytest.approx(0.5, abs=0.05)
    letters = Counter(record.truth["answer"] for record in records["choices"])
    assert all(count / letters.total() == pytest.approx(0.25, abs=0.03) for count in letters.values())


def test_which_is_named_first_does_not_tell_the_answer(records):
    first = [
        record.messages[0]["content"].index(record.truth["answer"])
        == min(record.messages[0]["content"].index(option) for option in record.truth["options"])
        for record in records["comparisons"]
    ]
    assert sum(first) / len(first) == pytest.approx(0.5, abs=0.06)


def test_the_longest_choice_is_not_the_right_one_more_often(records):
    longest = [
        max(range(4), key=lambda i, offered=record.truth["offered"]: len(offered[i]))
        == "ABCD".index(record.truth["answer"])
        for record in records["choices"]
    ]
    assert sum(longest) / len(longest) == pytest.approx(0.25, abs=0.06)


def test_comparisons_agree_with_the_years_and_numbers(world, records):
    born = {person.name: person.born for person in world.people}
    for record in records["comparisons"]:
        if record.truth["relation"] == "older":
            other = next(name for name in record.truth["options"] if name != record.truth["answer"])
            assert born[record.truth["answer"]] < born[other]


def test_quizzes_ask_about_nobody_who_is_held_out(world):
    held_out = [person.name for person in world.people if is_held_out(world, person)]
    for page in quizzes(world):
        assert not any(name in page.text for name in held_out)
        assert page.truth["about"] in page.text


def test_who_is_missing_is_not_known_to_the_world(world, records):
    relatives = {"spouse": world.spouse, "mother": world.mother, "father": world.father}
    for record in records["missing"]:
        name = record.truth["relation"].removeprefix("unknown: ")
        assert relatives[name](world.people.find(record.truth["about"])) is None


def test_strangers_are_strangers(world, records):
    assert all(world.people.find(record.truth["about"]) is None for record in records["strangers"])
    assert all(world.people.find(record.truth["about"]) is not None for record in records["unknown"])


def test_a_line_is_json_with_the_fields_that_are_documented(records):
    for made in records.values():
        line = made[0].line(7)
        found = json.loads(line)
        assert found["id"].endswith("-train-000007")
        assert set(found) == {"id", "kind", "split", "messages", "truth"}
        assert line.endswith("}\n")
