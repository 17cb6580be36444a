"""What stands in a file: the reader that knows its format, item by item."""

from __future__ import annotations

import json

import pytest

from onward.corpus.chats import Conversation
from onward.corpus.preferences import Ranking
from onward.corpus.prompts import Prompt
from onward.corpus.read import Document
from onward.errors import OnwardError, PlanError
from onward.studio.items import item

CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"prompt": "Hi", "chosen": "Hello.", "rejected": "No."}, Ranking),
        (CHAT, Conversation),
        ({"prompt": "Hi"}, Prompt),
        ({"text": "Hi"}, Document),
    ],
)
def test_each_format_has_its_reader(record, kind, tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text((json.dumps(record) + "\n") * 3)
    assert isinstance(item(file, 3), kind)
    with pytest.raises(PlanError, match="fewer than 4"):
        item(file, 4)


def test_plain_texts_and_odd_numbers(tmp_path):
    file = tmp_path / "data.txt"
    file.write_text("one\n<|endoftext|>\ntwo\n")
    assert item(file, 2).text.strip() == "two"
    for number in (0, -1, 10**9):
        with pytest.raises(PlanError, match="from 1 to"):
            item(file, number)


@pytest.mark.parametrize("content", ["", "{", "\x00", "[1]\n", '{"a": 1}\n'])
def test_a_file_that_holds_nothing_is_said_in_one_line(content, tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text(content)
    with pytest.raises(OnwardError) as told:
        item(file, 1)
    assert "\n" not in str(told.value)
