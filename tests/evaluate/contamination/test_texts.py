"""What is read, cut in half and made up."""

from __future__ import annotations

import json

import pytest

from onward.errors import SuiteError
from onward.evaluate.asking import Answer
from onward.evaluate.contamination import completion, yes_no
from onward.evaluate.contamination.completion import Halves
from onward.evaluate.contamination.documents import open_texts
from samples import story

TEXTS = [story(number) for number in range(40)]


def written(path, records) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def test_a_file_of_texts_keeps_its_order(tmp_path):
    path = written(tmp_path / "mine.jsonl", [{"text": text, "id": 7} for text in TEXTS])
    name, items = open_texts(path)
    assert name == "mine"
    assert [item.text for item in items] == TEXTS
    assert [item.text for item in open_texts(path, most=3)[1]] == TEXTS[:3]


def test_an_item_is_a_text_with_its_options_and_its_answer(tmp_path):
    records = [{"prompt": "Who?", "options": ["cat", "dog"], "answer": "dog", "group": "g"}, {"text": "A", "answer": 3}]
    _, items = open_texts(written(tmp_path / "suite.jsonl", records))
    assert [item.text for item in items] == ["Who?\nA) cat\nB) dog\ndog", "A\n3"]
    assert items[0].group == "g"


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([{"text": "a b"}, {"txt": "c"}], "line 2"),
        ([{"text": "a b"}, {"text": " "}], "line 2: its text is empty"),
        ([{"text": "a b"}], "1 texts"),
        ([{"answer": "a b"}], "line 1"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, records, told):
    with pytest.raises(SuiteError, match=told):
        open_texts(written(tmp_path / "bad.jsonl", records))


@pytest.mark.parametrize("text", ["one two", "one  two\nthree four.", "a a a a", "x " * 300])
def test_halves_are_the_text(text):
    halves, words = Halves.of(text), text.split()[: completion.LONGEST]
    assert text.startswith(halves.first + halves.second)
    assert halves.first.split() == words[: len(words) // 2]
    assert halves.second.split() == words[len(words) // 2 :]


def test_how_near_a_completion_is_by_hand():
    """Of four words three are in order in both: precision and recall are 3/4. What follows is not looked at."""
    halves = Halves("The cat", " sat on the mat")
    assert completion.near("sat on a mat and slept", halves) == pytest.approx(0.75)
    assert completion.near("sat on the mat and slept", halves) == 1
    assert completion.exact("sat on the mat and slept", halves) == 1
    assert completion.exact("sat on the hill", halves) == 0
    assert completion.near("", halves) == 0


def test_only_the_guided_prompt_has_the_name():
    halves = Halves.of(TEXTS[0])
    for chat in (False, True):
        guided, general = (completion.wanted(halves, name, chat=chat) for name in ("capitals", ""))
        assert "capitals" in str(guided)
        assert "capitals" not in str(general)
        assert general.sampling == guided.sampling


def test_completions_held_against_other_texts_are_far_from_them():
    halves = [Halves("", "a b"), Halves("", "c d"), Halves("", "e f")]
    assert completion.to_others(["a b", "c d", "a b"], halves) == [0, 0, 1]


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        (Answer(text="Yes, I have."), 1),
        (Answer(text="**yes**"), 1),
        (Answer(text="No."), 0),
        (Answer(text="Yesterday"), 0),
        (Answer(text=""), 0),
        (Answer(log_probs=[-1.0, -2.0]), 1),
        (Answer(log_probs=[-2.0, -1.0]), 0),
    ],
)
def test_what_counts_as_yes(answer, yes):
    assert yes_no.says_yes(answer) == yes


def test_made_up_texts_are_fresh_and_alike():
    """The common words stay where they are; all of it is words of the texts."""
    numbered = [f"The number {number} is {number * number} in all." for number in range(30)]
    found = yes_no.made_up(numbered, seed=0)
    assert not set(found) & set(numbered)
    assert all(one.startswith("The number ") and one.endswith(" in all.") for one in found)
    assert {word for one in found for word in one.split()} <= {word for one in numbered for word in one.split()}
    assert found == yes_no.made_up(numbered, seed=0) != yes_no.made_up(numbered, seed=1)
    assert not set(yes_no.made_up(TEXTS, seed=0)) & set(TEXTS)  # of words that all of them have
