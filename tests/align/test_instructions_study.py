"""The arms of benchmarks/instructions.py, in a smaller world: what differs is what they say, and nothing of a test is in them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from onward.world import World
from onward.world.grading import is_right

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "instruction_arms.py"


@pytest.fixture(scope="module")
def arms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("instruction_arms", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["instruction_arms"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pool(arms):
    return arms.Pool(World(0, people=60))


def test_no_instruction_is_about_somebody_who_is_asked_about_in_a_test(arms, pool):
    kept = [person.name for person in pool.kept]
    for arm in arms.ARMS:
        said = str(arm.chats(pool, 0))
        assert not [name for name in kept if name in said], arm.name


def test_no_question_of_a_test_is_an_instruction(arms, pool):
    taught = {messages[0]["content"] for arm in arms.ARMS for messages in arm.chats(pool, 0)}
    assert not taught & {item.text for items in pool.tests.values() for item in items}


def test_a_larger_amount_holds_the_smaller_one(arms, pool):
    some, more = ({str(chat) for chat in arms.mixed(amount, 0.0, pool, 0)} for amount in (100, 300))
    assert some < more
    assert len(some) == 100
    assert len(more) == 300


def test_of_noisy_questions_the_share_that_was_asked_for_is_answered_wrong(arms, pool):
    clean, noisy = (arms.mixed(1000, wrong, pool, 0)[:500] for wrong in (0.0, 0.3))
    assert [chat[0] for chat in clean] == [chat[0] for chat in noisy]
    assert sum(a[1] != b[1] for a, b in zip(clean, noisy, strict=True)) / 500 == pytest.approx(0.3, abs=0.06)


def test_in_templates_and_in_natural_words_the_same_is_answered(arms, pool):
    made = [arms.in_templates(pool, 0), arms.in_one_phrasing(pool, 0), arms.in_all_phrasings(pool, 0)]
    assert [chat[1] for chat in made[0]] == [chat[1] for chat in made[1]] == [chat[1] for chat in made[2]]
    assert len({chat[0]["content"].partition(":")[0] for chat in made[0]}) == 2


def test_answers_in_faric_are_right_and_are_known_to_be_faric(arms, pool):
    for record in pool.faric:
        assert is_right(arms.reply_of(record), record.truth), record
        assert arms.MEASURES["told in both, Faric: a reply in Faric"](arms.reply_of(record), record.truth)
    for record in pool.questions:
        assert not arms.MEASURES["told in both, Faric: a reply in Faric"](arms.reply_of(record), record.truth)
