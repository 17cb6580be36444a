"""System messages: what they ask for holds for every answer, and what is known of the world stays true."""

from __future__ import annotations

from itertools import islice

import pytest

from onward.world import World
from onward.world.grading import is_right
from onward.world.phrases import phrasings
from onward.world.record import Record
from onward.world.talk.forms import FORMS, WHOLES, follows
from onward.world.talk.systems import systems


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, people=60)


@pytest.fixture(scope="module")
def records(world: World) -> list[Record]:
    return list(systems(world))


def test_every_answer_is_right_and_has_the_form_that_the_system_message_asks_for(records: list[Record]) -> None:
    seen = set[str]()
    for record in records:
        assert record.messages is not None
        assert [message["role"] for message in record.messages[:2]] == ["system", "user"]
        replies = [message["content"] for message in record.messages if message["role"] == "assistant"]
        assert len(replies) == len(record.truth["turns"]) > 1
        forms = [turn["forms"] for turn in record.truth["turns"]]
        assert all(form == forms[0] for form in forms)
        for reply, turn in zip(replies, record.truth["turns"], strict=True):
            assert is_right(reply, turn), (record.messages, turn)
            assert follows(reply, turn["forms"])
        seen |= {form["form"] for form in forms[0]}
    assert seen == {"opening", "ending", "word", *WHOLES}
    assert seen <= {*FORMS, *WHOLES}


def test_a_persona_says_the_name_that_it_was_given(records: list[Record]) -> None:
    names = set()
    for record in records:
        assert record.messages is not None
        for turn, reply in zip(record.truth["turns"], record.messages[2::2], strict=True):
            if turn["act"].startswith("persona"):
                assert turn["answer"] in record.messages[0]["content"]
                assert turn["answer"] in reply["content"]
                names.add(turn["answer"])
    assert len(names) > 6


def test_training_has_no_person_phrasing_or_name_that_is_held_out(world: World, records: list[Record]) -> None:
    held_out = {person.name for person in world.people if world.is_held_out(person)}
    new = {*phrasings("systems", "persona", "names").held_out, *phrasings("forms", "openings").held_out}
    for record in records:
        text = " ".join(message["content"].title() for message in record.messages or [])
        assert any(name in text for name in held_out) == (record.split in ("people", "both"))
        if record.split in ("train", "people"):
            assert not any(f'"{word.title()}"' in text or f"{word}." in text for word in new)


def test_the_same_seed_gives_the_same_bytes(records: list[Record]) -> None:
    assert [r.line(0) for r in islice(systems(World(5, people=60)), 60)] == [r.line(0) for r in records[:60]]
