"""Prompts out of everything that has some."""

import json

import pytest

from onward.align.ranking.prompts import read_prompts
from onward.errors import BadLine, DataError

ASKED = {"role": "user", "content": "How many legs has a cat?"}
FOUR = {"role": "assistant", "content": "Four."}


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [ASKED, FOUR]},
        {"messages": [ASKED]},
        [ASKED],
        {"conversations": [{"from": "human", "value": ASKED["content"]}, {"from": "gpt", "value": "Four."}]},
        {"instruction": ASKED["content"], "input": "", "output": "Four."},
        {"prompt": ASKED["content"]},
        {"prompt": [ASKED], "chosen": "Four.", "rejected": "Five."},
        {"prompt": ASKED["content"], "answers": ["Four.", "Five."]},
    ],
)
def test_every_format_gives_the_same_prompt(tmp_path, record):
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(record) + "\n")
    assert [prompt.messages for prompt in read_prompts(path)] == [[ASKED]]


def test_a_text_file_has_a_prompt_on_each_line_and_copies_count_once(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("Who are you?\n\n  What is this?  \nWho are you?\n")
    assert [prompt.messages[0]["content"] for prompt in read_prompts(path)] == ["Who are you?", "What is this?"]


def test_only_the_last_answer_is_taken_away(tmp_path):
    path = tmp_path / "p.jsonl"
    system, again = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "And a bird?"}
    path.write_text(json.dumps({"messages": [system, ASKED, FOUR, again, FOUR]}) + "\n")
    assert [prompt.messages for prompt in read_prompts(path)] == [[system, ASKED, FOUR, again]]


def test_a_line_without_a_question_is_named_or_left_out(tmp_path):
    path = tmp_path / "p.jsonl"
    bad = {"messages": [{"role": "system", "content": "Be brief."}, FOUR]}
    path.write_text("".join(json.dumps(record) + "\n" for record in ({"messages": [ASKED]}, bad)))
    with pytest.raises(BadLine, match="line 2: nobody asks anything before the answer"):
        read_prompts(path)
    left_out = []
    assert len(read_prompts(path, skip_bad=True, on_skip=left_out.append)) == 1
    assert len(left_out) == 1


@pytest.mark.parametrize(("name", "data"), [("p.jsonl", '{"text": "x"}\n'), ("p.txt", " \n"), ("p.csv", "a,b\n")])
def test_what_holds_no_prompt_is_refused(tmp_path, name, data):
    (tmp_path / name).write_text(data)
    with pytest.raises(DataError):
        read_prompts(tmp_path / name)
