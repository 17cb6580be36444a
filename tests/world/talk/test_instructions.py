"""Instructions: every reply has its form and says what is true, a reply in another form fails, and held-out pairs are never trained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from onward.world import World
from onward.world.phrases import phrasings
from onward.world.questions.asking import is_held_out
from onward.world.record import Record
from onward.world.relations import BY_NAME, Fact, name_of
from onward.world.talk.forms import ALL, ALL_WHOLE, FORMS, WHOLES, follows
from onward.world.talk.instructions import NEW, TRAINED, instructions, obeys, says
from onward.world.words import words


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, people=40)


@pytest.fixture(scope="module")
def records(world: World) -> list[Record]:
    return list(instructions(world))


def reply_of(record: Record) -> str:
    assert record.messages is not None
    return record.messages[-1]["content"]


def names(record: Record) -> tuple[str, ...]:
    return tuple(form["form"] for form in record.truth["forms"])


def test_every_reply_has_its_form_and_says_what_it_has_to(records: list[Record]) -> None:
    assert {name for record in records for name in names(record)} == {*FORMS, *WHOLES}
    for record in records:
        truth = json.loads(record.line(0))["truth"]  # as a checker reads it
        assert follows(reply_of(record), truth["forms"]), (record.messages, truth)
        assert says(reply_of(record), truth), (record.messages, truth)


# For each form, what is easily taken for it: made of a right reply and the form's arguments.
BROKEN: dict[str, list[Callable[[str, Any], str]]] = {
    "word": [lambda reply, _: f"A {reply}", lambda *_: ""],
    "words": [lambda reply, _: f"Well, {reply}", lambda reply, _: " ".join(reply.split()[1:])],
    "without": [lambda reply, args: f"{reply} {args['letter']}", lambda reply, args: args["letter"].upper() + reply, lambda *_: ""],
    "yes or no": [lambda reply, _: f"{reply} It is.", lambda *_: "Maybe.", lambda *_: "Yes or no."],
    "name first": [lambda reply, _: f"The {reply}", lambda _, args: args["name"], lambda *_: "She does."],
    "colon": [
        lambda reply, _: reply.replace(":", ""),
        lambda reply, _: f"Here: {reply}",
        lambda _, args: f"{args['name']}:",
    ],
    "opening": [lambda reply, args: reply.removeprefix(args["text"]), lambda _, args: args["text"]],
    "ending": [lambda reply, args: reply.removesuffix(args["text"]), lambda reply, _: f"{reply} And more."],
    "question": [lambda reply, _: reply.replace("?", "."), lambda *_: "Who is it?", lambda reply, _: f"I ask. {reply}"],
    "sentences": [lambda reply, _: f"{reply} That is all.", lambda reply, _: reply.rstrip("."), lambda *_: "One. Two. Three."],
    "list": [lambda reply, _: f"{reply}\n- more", lambda reply, _: reply.replace("- ", ""), lambda reply, _: f"List:\n{reply}"],
    "numbered": [lambda reply, _: reply.replace("2.", "3."), lambda reply, _: reply.replace("\n", " "), lambda *_: "1. \n2. "],
    "commas": [lambda reply, _: reply.replace(", ", " and "), lambda reply, _: f"{reply}, x", lambda reply, _: f"{reply}\nx"],
    "json": [lambda reply, _: reply[:-1], lambda *_: "{}", lambda reply, _: f"[{reply}]", lambda reply, _: f"Here: {reply}"],
    "repeat": [lambda reply, _: reply.upper(), lambda reply, _: reply[:-1], lambda reply, _: f"{reply} {reply}"],
    "repeat twice": [lambda _, args: args["text"], lambda reply, args: f"{reply} {args['text']}"],
    "sorted": [lambda _, args: ", ".join(args["words"]), lambda reply, _: reply.split(", ")[0], lambda reply, _: f"{reply}, zebra"],
    "reversed": [lambda _, args: ", ".join(args["words"]), lambda _, args: ", ".join(sorted(args["words"]))],
}  # fmt: skip


def test_a_reply_that_breaks_its_form_fails(records: list[Record]) -> None:
    tried = Counter[str]()
    for record in records:
        if len(names(record)) == 1 and (name := names(record)[0]) in BROKEN:
            for broken in BROKEN[name]:
                reply = broken(reply_of(record), record.truth["forms"][0])
                allowed = name == "reversed" and reply == reply_of(record)  # words that came in reverse order
                assert allowed or not follows(reply, record.truth["forms"]), (name, reply, record.truth)
            tried[name] += 1
    assert tried.keys() == FORMS.keys() == BROKEN.keys()


def test_what_is_done_to_the_whole_is_seen_from_the_whole(records: list[Record]) -> None:
    undone = {"capitals": str.swapcase, "lower": str.swapcase, "quotes": lambda reply: reply[1:]}
    seen = Counter[str]()
    for record in records:
        if (last := names(record)[-1]) in WHOLES:
            assert not follows(undone[last](reply_of(record)), record.truth["forms"]), reply_of(record)
            seen[last] += 1
    assert min(seen[whole.name] for whole in ALL_WHOLE) > 20


def test_a_wrong_answer_in_the_right_form_is_wrong(records: list[Record]) -> None:
    """The value of each is put in the place of another one's, of the same relation."""
    values: dict[str, str] = {}
    tried = 0
    for record in records:
        truth = record.truth
        if names(record) in (("colon",), ("word",)):
            other = values.get(truth["relation"])
            values[truth["relation"]] = truth["answer"]
            if other not in (None, truth["answer"]) and (" " not in str(other) or names(record) == ("colon",)):
                tried += 1
                reply = f"{truth['forms'][0]['name']}: {other}." if names(record) == ("colon",) else f"{other}."
                assert follows(reply, truth["forms"])
                assert not obeys(reply, truth)
    assert tried > 10


def test_the_usual_answer_does_not_do_where_a_form_is_asked_for(world: World, records: list[Record]) -> None:
    """Otherwise a model that does not listen would be counted as one that does."""
    subjects = {name_of(subject): subject for subject in world.subjects()}
    by_chance = ("name first", "words")
    for record in records:
        truth = record.truth
        if "relation" in truth and "claimed" not in truth and names(record)[0] in FORMS:
            (fact,) = truth["facts"]
            usual = Fact(subjects[fact["subject"]], BY_NAME[fact["relation"]], fact["value"]).answer()
            assert names(record)[0] in by_chance or not follows(usual, truth["forms"]), names(record)


def test_all_facts_are_true(world: World, records: list[Record]) -> None:
    subjects = {name_of(subject): subject for subject in world.subjects()}
    for record in records:
        for fact in record.truth.get("facts", []):
            assert fact["value"] in BY_NAME[fact["relation"]].values(world, subjects[fact["subject"]])
        if "some" in record.truth:
            country = record.truth["about"]
            assert sorted(record.truth["some"]) == sorted(city.name for city in world.cities if city.country == country)


def test_yes_and_no_are_in_balance(records: list[Record]) -> None:
    answers = [record.truth["answer"] for record in records if "claimed" in record.truth]
    assert len(answers) > 40
    assert 0.35 < answers.count("yes") / len(answers) < 0.65


def test_each_form_is_asked_for_about_as_often(records: list[Record]) -> None:
    """A form that few facts can have would be drawn, and then left out."""
    counts = Counter(name for record in records for name in names(record) if record.split == "train")
    alone = [counts[form.name] for form in ALL]
    assert max(alone) < 6 * min(alone)  # JSON is in no pair


def test_pairs_that_are_held_out_are_never_trained_and_each_of_their_forms_is(records: list[Record]) -> None:
    held_out = {(plan.form.name, plan.whole.name) for plan in NEW if plan.form and plan.whole}
    trained = {names(record) for record in records if record.split != "content"}
    assert not held_out & trained
    assert {plan.form.name for plan in TRAINED if plan.form and plan.whole} >= {form for form, _ in held_out}
    tested = {names(record) for record in records if record.split == "content"}
    assert len(tested & held_out) > 10


def test_words_that_are_held_out_are_never_trained(records: list[Record]) -> None:
    new = {*phrasings("forms", "openings").held_out, *phrasings("forms", "endings").held_out}
    trade = set(words("trade"))
    seen = Counter[str]()
    for record in records:
        for form in record.truth["forms"]:
            held_out = form.get("text", "").lower() in {text.lower() for text in new}
            ordered = {word.lower() for word in form.get("words", [])}
            held_out = held_out or bool(ordered and ordered <= trade)
            assert not held_out or record.split == "content", form
            seen[form["form"]] += held_out
    assert min(seen[name] for name in ("opening", "ending", "sorted", "reversed")) > 0


def test_training_asks_about_nobody_who_is_held_out(world: World, records: list[Record]) -> None:
    held_out = {person.name for person in world.people if is_held_out(world, person)}
    for record in records:
        assert record.messages is not None
        told = any(name in message["content"] for name in held_out for message in record.messages)
        asked = record.truth.get("about") in held_out
        assert asked == (record.split in ("people", "both"))
        assert asked or not told or record.split not in ("train", "content", "phrasing")


def test_no_training_record_asks_for_a_form_as_a_test_does(records: list[Record]) -> None:
    for whole in ALL_WHOLE:
        for phrasing in phrasings("forms", "whole", whole.name).held_out:
            splits = {r.split for r in records if r.messages and phrasing in r.messages[0]["content"]}
            assert splits <= {"phrasing", "both"}
            assert splits


@pytest.mark.parametrize(("people", "cities"), [(20, 3), (25, 4)])
def test_the_smallest_worlds_have_instructions_too(people: int, cities: int) -> None:
    found = list(instructions(World(1, people=people, cities=cities)))
    assert {record.split for record in found} == {"train", "people", "phrasing", "both", "content"}
    assert all(obeys(reply_of(record), record.truth) for record in found)


def test_the_same_seed_gives_the_same_bytes(records: list[Record]) -> None:
    again = [record.line(0) for record in islice(instructions(World(5, people=40)), 60)]
    assert again == [record.line(0) for record in records[:60]]
    assert [record.line(0) for record in islice(instructions(World(6, people=40)), 60)] != again
