"""Suites: what people write is read as they mean it, or refused in a line with its place."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from onward.errors import SuiteError
from onward.evaluate.opening import open_suite
from onward.world import World
from onward.world.kinds import chosen
from onward.world.write import write

WRITTEN = """\
name: capitals
about: What an atlas says.
max_tokens: 8
examples:
  - {prompt: "What is the capital of Italy?", answer: Rome}
items:
  - prompt: What is the capital of France?
    answer: Paris
    group: France
  - text: The capital of Norway is
    answer: [Oslo, Christiania]
  - messages:
      - {role: system, content: Answer in one word.}
      - {role: user, content: "Which is largest?"}
    options: [Oslo, Paris, Rome]
    answer: Paris
  - {prompt: "Twice two?", answer: 4, score: number, chance: 0}
"""


def test_a_suite_that_somebody_has_written(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(WRITTEN)
    suite = open_suite(str(path))
    assert (suite.name, suite.max_tokens, len(suite.items)) == ("capitals", 8, 4)
    first, second, third, fourth = suite.items
    assert (first.rule, first.answers, first.cluster) == ("contains", ("Paris",), "France")
    assert (second.text, second.answers) == ("The capital of Norway is", ("Oslo", "Christiania"))
    assert (third.rule, third.right, third.chance) == ("choice", 1, pytest.approx(1 / 3))
    assert (fourth.answers, fourth.chance) == (("4",), 0)
    assert suite.chance is None
    assert [item.answers for item in suite.shown(first, 1)] == [("Rome",)]
    with pytest.raises(SuiteError, match="--shots 2: capitals has 1 examples"):
        suite.shown(first, 2)


def test_items_may_lie_in_a_file_of_their_own(tmp_path):
    (tmp_path / "items.jsonl").write_text('{"prompt": "Twice two?", "answer": "4"}\n\n{"prompt": "?", "answer": "x"}\n')
    (tmp_path / "mine.yaml").write_text("score: exact\nitems: items.jsonl\n")
    assert [item.rule for item in open_suite(str(tmp_path / "mine.yaml")).items] == ["exact", "exact"]
    assert [item.rule for item in open_suite(str(tmp_path / "items.jsonl")).items] == ["contains", "contains"]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("items:\n  - prompt: a\n    anwser: b\n", 2, "'anwser' is no field; 'answer' is"),
        ("items:\n  - {prompt: a, answer: b}\n  - {prompt: a}\n", 3, "there is no answer"),
        ("items:\n  - {answer: b}\n", 2, "an item has one of prompt"),
        ("items:\n  - {prompt: a, text: b, answer: c}\n", 2, "an item has one of prompt"),
        ("items:\n  - {prompt: a, answer: c, options: [d, e]}\n", 2, "'c' is not one of the options"),
        ("items:\n  - {prompt: a, answer: d, options: [d, d]}\n", 2, "2 to 26 different ones"),
        ("items:\n  - {prompt: a, answer: '(', score: regex}\n", 2, "no regular expression"),
        ("items:\n  - {prompt: a, answer: b, score: number}\n", 2, "'b' is no number"),
        ("items:\n  - {prompt: a, answer: b, score: beauty}\n", 2, "'beauty' is no rule"),
        ("items:\n  - {prompt: a, answer: yes}\n", 2, "YAML reads True out of yes"),
        ("items:\n  - {prompt: a, answer: b, chance: 2}\n", 2, "no share between 0 and 1"),
        ("items:\n  - just words\n", 2, "an item is a mapping"),
        ("items:\n  - messages: [{role: nobody, content: a}]\n    answer: b\n", 2, "messages:"),
        ("items: []\nitmes: 3\n", 2, "'itmes' is no field"),
        ("name: a\n", 1, "a list of items is wanted"),
        ("max_tokens: many\nitems: []\n", 1, "max_tokens: 'many'"),
        ("score: beauty\nitems: []\n", 1, "'beauty' is no rule"),
        ("items:\n  - {prompt: [\n", 3, "no YAML"),
        ("- a\n- b\n", 1, "a suite is a mapping"),
        ("", 1, "a suite is a mapping"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, text, line, why):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError) as error:
        open_suite(str(path))
    assert str(error.value).startswith(f"{path}, line {line}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_lines_that_are_no_json_or_no_item(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"prompt": "a", "answer": "b"}\n{"prompt": \n')
    with pytest.raises(SuiteError, match=r"line 2: it is no JSON \(Expecting value, at character"):
        open_suite(str(path))
    path.write_text('{"prompt": "a", "answer": "b"}\n{"prompt": "a"}\n')
    with pytest.raises(SuiteError, match="line 2: there is no answer"):
        open_suite(str(path))


def test_suites_that_are_not_there(tmp_path):
    with pytest.raises(SuiteError, match="Do you mean world-hop"):
        open_suite("world-hops")
    with pytest.raises(SuiteError, match="Built in are: world-question"):
        open_suite("nothing/like/it")
    with pytest.raises(SuiteError, match="holds no CSV tables"):
        open_suite(str(tmp_path))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(SuiteError, match="has no items"):
        open_suite(str(tmp_path / "empty.jsonl"))


def test_two_items_of_one_id(tmp_path):
    path = tmp_path / "twice.jsonl"
    path.write_text('{"id": "x", "prompt": "a", "answer": "b"}\n' * 2)
    with pytest.raises(SuiteError, match="two items have the id 'x'"):
        open_suite(str(path))


def test_a_few_of_many_are_always_the_same(tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"prompt": "{i}", "answer": "b"}}\n' for i in range(50)))
    few = [item.id for item in open_suite(str(path), 10).items]
    assert len(set(few)) == 10
    assert few == [item.id for item in open_suite(str(path), 10).items]


def test_tables_with_and_without_headings(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "dev").mkdir()
    (tmp_path / "test" / "sums_test.csv").write_text(
        'question,choice0,choice1,answer\n"Twice\u0085two, or what?",4,5,0\nOne?,1,1,1\n'
    )
    (tmp_path / "dev" / "sums_dev.csv").write_text("Three?,2,3,B\n")
    suite = open_suite(str(tmp_path))
    assert [(item.kind, item.options, item.right, item.chance) for item in suite.items] == [
        ("sums", ("4", "5"), 0, 0.5),
        ("sums", ("1", "1"), 1, 0.5),
    ]
    assert suite.shown(suite.items[0], 1)[0].answers == ("3",)
    (tmp_path / "test" / "sums_test.csv").write_text("One?,1,2,C\n")
    with pytest.raises(SuiteError, match="line 1: 'C' is neither the letter of an option nor its place"):
        open_suite(str(tmp_path))


def test_the_worlds_own_questions():
    hops = open_suite("world-hop")
    assert all(item.rule == "world" and item.truth["facts"] for item in hops.items)
    assert len({item.cluster for item in hops.items}) < len(hops.items)
    assert 0 < hops.chance < 0.2
    choice = open_suite("world-choice")
    assert choice.chooses
    assert choice.chance == 0.25
    for item in choice.items:
        assert item.question.endswith("?")
        assert "\n" not in item.question
        assert item.options[item.right] == item.truth["facts"][0]["value"]


def test_tests_of_another_world_are_a_suite(tmp_path):
    write(World(3, people=40, cities=4), tmp_path / "world", chosen(["claim", "conversation"]))
    suite = open_suite(str(tmp_path / "world" / "tests" / "claim.jsonl"))
    first = json.loads((tmp_path / "world" / "tests" / "claim.jsonl").read_text().splitlines()[0])
    assert suite.items[0].answers == (first["truth"]["answer"],)
    assert suite.chance == 0.5
    with pytest.raises(SuiteError, match="line 1: records of the kind 'conversation' have no single answer"):
        open_suite(str(tmp_path / "world" / "tests" / "conversation.jsonl"))


def test_the_example_of_the_documentation_is_a_suite(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "evaluate.md"
    (block,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(block)
    suite = open_suite(str(tmp_path / "mine.yaml"))
    assert [item.rule for item in suite.items] == ["contains", "choice", "number", "contains"]


DATA = os.environ.get("ONWARD_REAL_DATA", "")


@pytest.mark.skipif(
    not (Path(DATA) / "eval" / "mmlu").is_dir() or not DATA, reason="ONWARD_REAL_DATA names no folder of real data"
)
def test_mmlu_is_read_whole():
    suite = open_suite(str(Path(DATA) / "eval" / "mmlu"))
    assert len(suite.items) == 14_042
    assert len({item.kind for item in suite.items}) == len(suite.examples) == 57
    assert all(len(suite.shown(item, 5)) == 5 for item in suite.items)
