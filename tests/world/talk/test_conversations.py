"""Conversations: every answer is true, every reference has one reading, and nothing before a question gives its answer away.

The readings are worked out anew from the texts, by rules that know nothing of how they were made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from onward.world import World
from onward.world.entities import Person
from onward.world.grading import is_right
from onward.world.phrases import phrasings
from onward.world.record import Record
from onward.world.talk.conversations import conversation, conversations

PRONOUNS = {"he": "male", "him": "male", "his": "male", "she": "female", "her": "female", "hers": "female"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, people=60)


@pytest.fixture(scope="module")
def records(world: World) -> list[Record]:
    return list(conversations(world, copies=6))


def turns(records: list[Record]) -> Iterator[tuple[Record, int, str, str, dict[str, Any]]]:
    """Each turn with its record, the number of messages before it, what both sides say, and its truth."""
    for record in records:
        assert record.messages is not None
        for i, truth in enumerate(record.truth["turns"]):
            question, reply = record.messages[2 * i : 2 * i + 2]
            assert (question["role"], reply["role"]) == ("user", "assistant")
            yield record, 2 * i, question["content"], reply["content"], truth


def value_of(world: World, person: Person, relation: str) -> str | None:
    """From the person's fields and relatives, not from the relations."""
    if relation in ("spouse", "mother", "father"):
        found = getattr(world, relation)(person)
        return found.name if found else None
    if relation == "friend":
        return next((friend.name for friend in world.friends(person)), None)
    value = getattr(person, relation)
    return str(getattr(value, "name", value))


def named(world: World, texts: list[str]) -> list[Person]:
    """Whose full name is in the texts."""
    text = " / ".join(texts)
    return [p for p in world.people if p.name in text and re.search(rf"\b{p.name}\b", text)]


def meant(world: World, record: Record, before: int) -> Person | None:
    """Whom the pronoun or first name of a question means, by the strict rule; nobody where it has neither.   Raises AssertionError."""
    assert record.messages is not None
    question = record.messages[before]["content"]
    if named(world, [question]):
        return None
    told = named(world, [message["content"] for message in record.messages[:before]])
    words = re.findall(r"[\w']+", question.removesuffix("'s"))
    by_name = [person for person in told if person.first in [word.removesuffix("'s") for word in words]]
    genders = [PRONOUNS[word.lower()] for word in words if word.lower() in PRONOUNS]
    if by_name:
        assert len(by_name) == 1, f"{question}: which one?"
        return by_name[0]
    if not genders:
        return None
    fitting = [person for person in told if person.gender == genders[0]]
    assert len(fitting) == 1, f"{question}: {len(fitting)} people can be meant"
    return fitting[0]


def subject_of(world: World, truth: dict[str, Any]) -> Person:
    """Who stands at the beginning of what the answer is drawn from."""
    name = truth["facts"][0]["subject"] if truth["facts"] else truth["about"]
    return next(person for person in world.people if person.name == name)


def test_every_answer_is_right_by_its_truth(records: list[Record]) -> None:
    wrong = [(question, reply) for _, _, question, reply, truth in turns(records) if not is_right(reply, truth)]
    assert wrong == []


def test_a_reply_to_another_turn_is_wrong_as_a_rule(records: list[Record]) -> None:
    """Otherwise the truth of the turns would accept anything."""
    every = [(reply, truth) for _, _, _, reply, truth in turns(records)]
    shifted = [is_right(reply, truth) for (reply, _), (_, truth) in zip(every[3:], every, strict=False)]
    assert sum(shifted) < 0.25 * len(shifted)


def test_the_facts_of_people_are_those_of_the_world(world: World, records: list[Record]) -> None:
    people = {person.name: person for person in world.people}
    checked = Counter[str]()
    for _, _, question, reply, truth in turns(records):
        if truth.get("about") not in people:
            continue
        value = value_of(world, people[truth["about"]], truth["relation"])
        checked[truth["act"]] += 1
        if value is None:
            assert reply == "I do not know.", question
            assert all(fact["subject"] != truth["about"] for fact in truth["facts"])
        else:
            assert re.search(rf"(?<!\w){re.escape(value)}(?!\w)", reply), (question, reply)
    assert min(checked[act] for act in ("question", "follow-up", "correction", "relative", "claim", "sure")) > 10


def test_a_pronoun_or_a_first_name_can_mean_one_person_only(world: World, records: list[Record]) -> None:
    found = 0
    for record, before, question, _, truth in turns(records):
        if truth["act"] in ("follow-up", "correction", "relative", "claim"):
            person = meant(world, record, before)
            if person is not None:
                found += 1
                assert person == subject_of(world, truth), question
    assert found > 300


def test_the_test_above_would_notice_a_pronoun_that_two_can_be_meant_by(world: World) -> None:
    two = [person for person in world.people if person.gender == "female"][:2]
    messages = [
        {"role": "user", "content": f"Who is {two[0].name}?"},
        {"role": "assistant", "content": f"{two[0].name} is a friend of {two[1].name}'s."},
        {"role": "user", "content": "And what does she drink?"},
    ]
    with pytest.raises(AssertionError, match="2 people can be meant"):
        meant(world, Record(kind="conversation", messages=messages), 2)


def test_a_question_without_a_name_follows_an_answer(records: list[Record]) -> None:
    """Whatever needs the turns before has some: no conversation begins with a follow-up."""
    for record in records:
        on_facts = [turn for turn in record.truth["turns"] if "facts" in turn]
        assert on_facts[0]["act"] == "question"
        assert on_facts[0]["about"] == record.truth["about"]


def test_he_and_she_mean_whom_was_named_last_about_half_of_the_time(world: World, records: list[Record]) -> None:
    """Where one man and one woman have been named: to look at the gender is the only way."""
    last, total = 0, 0
    for record, before, _, _, truth in turns(records):
        assert record.messages is not None
        told = [message["content"] for message in record.messages[:before]]
        if truth["act"] not in ("follow-up", "claim") or len(named(world, told)) != 2:
            continue
        person = meant(world, record, before)
        if person is not None:
            total += 1
            end = {p.name: " ".join(told).rfind(p.name) for p in named(world, told)}
            last += max(end, key=lambda name: end[name]) == person.name
    assert total > 60
    assert 0.35 < last / total < 0.7


def test_claims_are_true_half_of_the_time_whoever_is_asked_about(records: list[Record]) -> None:
    answers = [truth["answer"] for _, _, _, _, truth in turns(records) if truth["act"] == "claim"]
    assert len(answers) > 100
    assert 0.4 < answers.count("yes") / len(answers) < 0.6


def test_the_answer_before_is_no_good_guess_and_neither_is_the_most_common_one(records: list[Record]) -> None:
    """Of what everybody has; these are asked about one person after another."""
    same, total, by_relation = 0, 0, dict[str, Counter[str]]()
    for record in records:
        for before, now in zip(record.truth["turns"], record.truth["turns"][1:], strict=False):
            if now["act"] in ("follow-up", "correction", "relative") and now["facts"]:
                by_relation.setdefault(now["relation"], Counter())[now["answer"]] += 1
                if before.get("relation") == now["relation"]:
                    total += 1
                    same += before["answer"] == now["answer"]
    assert total > 100
    assert same / total < 0.25
    for relation in ("job", "pet", "drink", "food", "hobby"):
        answers = by_relation[relation]
        assert answers.most_common(1)[0][1] < 0.4 * answers.total(), relation


def test_the_older_of_two_is_as_often_the_one_who_was_named_first(records: list[Record]) -> None:
    first = [truth["answer"] == truth["options"][0] for *_, truth in turns(records) if truth["act"] == "older"]
    assert len(first) > 20
    assert 0.3 < sum(first) / len(first) < 0.7


def test_training_says_nothing_of_those_who_are_held_out_and_tests_on_them_of_nobody_else(
    world: World, records: list[Record]
) -> None:
    for record in records:
        assert record.messages is not None
        told = named(world, [message["content"] for message in record.messages])
        held_out = {world.is_held_out(person) for person in told}
        assert held_out == {record.split in ("people", "both")}, record.split


def test_no_training_question_is_phrased_as_a_test_question_is(records: list[Record]) -> None:
    """Every phrasing of the lists that the acts draw from is looked for, whatever fills its slots."""
    lists = {
        "follow-up": ["another", "property"],
        "correction": ["meant", "meant_property"],
        "claim": ["claim"],
        "sure": ["sure"],
    }
    lists |= {"thanks": ["thanks"], "farewell": ["farewell"], "greeting": ["greeting"], "outside": ["outside"]}
    patterns = {
        act: [
            re.sub(r"\\\{\w+\\\}", ".+", re.escape(phrasing))
            for name in names
            for phrasing in phrasings("conversations", name).held_out
        ]
        for act, names in lists.items()
    }
    seen = Counter[bool]()
    for record, _, question, _, truth in turns(records):
        held_out = record.split in ("phrasing", "both")
        found = any(re.fullmatch(pattern, question) for pattern in patterns.get(truth["act"], []))
        seen[held_out] += found
        assert held_out or not found, question
    assert seen[True] > 20


def test_what_is_asked_of_the_assistant_is_answered_of_the_assistant(records: list[Record]) -> None:
    acts = Counter(truth["act"] for *_, truth in turns(records))
    assert sum(act.startswith("about") for act in acts) > 12
    for _, _, _, reply, truth in turns(records):
        if truth["act"] == "about: person":
            assert reply == "No, I am a computer program."


def test_my_name_is_known_only_if_i_have_said_it(records: list[Record]) -> None:
    known = Counter[bool]()
    for record, before, _, reply, truth in turns(records):
        if truth["act"] == "my name":
            assert record.messages is not None
            told = " ".join(message["content"] for message in record.messages[:before])
            introduced = record.truth["turns"][0]["act"] == "introduction"
            known[introduced] += 1
            assert (truth["answer"] in told) if introduced else "do not know" in reply
    assert min(known[True], known[False]) > 3


def test_who_was_asked_about_first_is_whom_the_user_named_first(world: World, records: list[Record]) -> None:
    found = 0
    for record, before, _, _, truth in turns(records):
        if truth["act"] == "first":
            assert record.messages is not None
            asked = " ".join(message["content"] for message in record.messages[:before:2])
            where = {person.name: asked.find(person.name) for person in named(world, [asked])}
            assert truth["answer"] == min(where, key=lambda name: where[name])
            found += 1
    assert found > 3


@pytest.mark.parametrize(("people", "cities"), [(20, 3), (25, 4)])
def test_the_smallest_worlds_have_conversations_too(people: int, cities: int) -> None:
    found = list(conversations(World(1, people=people, cities=cities), copies=2))
    assert {record.split for record in found} == {"train", "people", "phrasing", "both"}
    assert all(is_right(reply, truth) for _, _, _, reply, truth in turns(found))


def test_the_same_seed_gives_the_same_bytes_whatever_was_rendered_before(records: list[Record]) -> None:
    again = World(5, people=60)
    assert [r.line(0) for r in islice(conversations(again, copies=6), 80)] == [r.line(0) for r in records[:80]]
    assert conversation(again, again.people[17], 1) == records[60 + 17]
    assert list(islice(conversations(World(6, people=60)), 5)) != records[:5]


def test_conversations_fit_into_a_small_model(records: list[Record]) -> None:
    """Of 512 tokens: a word is at most some 1.5 of them, and a message has five besides."""
    for record in records:
        assert record.messages is not None
        assert 3 <= len(record.messages) + 1 <= 2 * 9 + 1
        assert sum(1.5 * len(message["content"].split()) + 5 for message in record.messages) < 512
