"""What holds for exercises of every kind: splits, phrasings, form, grading."""

from __future__ import annotations

import re
from itertools import pairwise
from types import ModuleType

import pytest

from exercises import asked_in_held_out_words, held_out, question, reply, request, some, trained, working
from onward.world import World
from onward.world.exercises import arithmetic, counting, programs, spelling
from onward.world.exercises.exercise import chats
from onward.world.grading import is_right

KINDS = [arithmetic, counting, spelling, programs]
every_kind = pytest.mark.parametrize("module", KINDS, ids=lambda module: module.KIND)


@every_kind
def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(module: ModuleType) -> None:
    first, again, other = (
        [r.line(0) for r in some(module, seed=seed, amount=40, tests=4)] for seed in (1, 1, 2)
    )  # fmt: skip
    assert first == again
    assert first != other


@every_kind
def test_all_splits_are_there_in_their_amounts(module: ModuleType) -> None:
    records = some(module, amount=40, tests=5)
    assert len(trained(records)) == 40
    assert [len(held_out(records, what)) for what in ("content", "length", "phrasing")] == [5, 5, 5]
    assert {(r.split, *r.truth["held_out"]) for r in records} == {
        ("train",),
        ("content", "content"),
        ("content", "length"),
        ("phrasing", "phrasing"),
        ("both", "content", "phrasing"),
    }


@every_kind
def test_no_training_question_is_in_a_phrasing_that_is_held_out(module: ModuleType) -> None:
    for record in some(module):
        wanted = "phrasing" in record.truth["held_out"]
        assert asked_in_held_out_words(record) == wanted, question(record)
        assert not any(request(record, kind=kind, held=not wanted) for kind in ("working", "plain")), question(record)


@every_kind
def test_no_training_question_is_asked_in_a_test_of_held_out_content(module: ModuleType) -> None:
    records = some(module, amount=1500)
    tests = {question(r) for r in records if r.split in ("content", "both")}
    assert not tests & {question(r) for r in trained(records)}


@every_kind
def test_working_is_shown_where_it_is_asked_for_and_nowhere_else(module: ModuleType) -> None:
    records = some(module)
    for record in records:
        asked = any(request(record, kind="working", held=held) for held in (False, True))
        assert asked == record.truth["shown"] == bool(working(record)), question(record)
    assert 0.3 < sum(r.truth["shown"] for r in records) / len(records) < 0.6


@every_kind
def test_a_reply_is_right_and_a_reply_with_another_answer_is_wrong(module: ModuleType) -> None:
    records = some(module, amount=60, tests=0)
    for record, other in pairwise(records):
        assert is_right(reply(record), record.truth)
        assert is_right(record.truth["answer"].upper(), record.truth)
        assert not is_right(f"{reply(record)} Or not.", record.truth)
        if record.truth["answer"] != other.truth["answer"]:
            assert not is_right(reply(other), record.truth)
            assert not is_right(f"{reply(record)}\n{reply(other)}", record.truth)


@every_kind
def test_questions_are_sentences_without_slots_left_or_blanks_too_many(module: ModuleType) -> None:
    for record in some(module):
        said = question(record).partition("\n\n")[0]
        assert not re.search(r"[{}]|  | [.,?:]|\?\?|\.\.", said), said
        assert said[0].isupper(), said
        assert said[-1] in '.?"', said


def test_a_plain_number_is_judged_without_the_words_and_working_does_not_count() -> None:
    truth = {"answer": "12", "after": "The answer is"}
    assert is_right("12", truth)
    assert is_right("3 x 4 = 12\nthe answer is 12\n", truth)
    assert is_right("The answer is 11. No: The answer is 12.", truth)
    assert not is_right("3 x 4 = 12", truth)
    assert not is_right("The answer is 12 or 13.", truth)
    assert not is_right("The answer is 112.", truth)


@every_kind
def test_the_smallest_worlds_have_all_exercises_too(module: ModuleType) -> None:
    for seed in range(3):
        world = World(seed, people=20, cities=3)
        assert len(list(chats(world, module.KIND, module.drawing(world), 30, 10))) == 70
