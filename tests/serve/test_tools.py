"""How calls are found in what a model says."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.serve.tools import Reader, split

CALL = '<tool_call>\n{"name": "clock", "arguments": {"zone": "<tool_c"}}\n</tool_call>'


HALF = '<tool_call>{"name": "a\\ud800", "arguments": {}}</tool_call>'


def heard(text, cuts):
    """What a reader shows of a text that comes in pieces."""
    reader, places = Reader(), [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    shown = [reader.push(text[a:b]) for a, b in pairwise(places)]
    rest, calls = reader.end()
    return "".join(shown) + rest, [
        (call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls
    ]


@given(st.lists(st.integers(0, 200)))
def test_text_and_calls_are_told_apart_however_they_come(cuts):
    assert heard("Wait.\n" + CALL, cuts) == ("Wait.\n", [("clock", {"zone": "<tool_c"})])
    assert heard(CALL + "\n" + CALL, cuts) == ("", [("clock", {"zone": "<tool_c"})] * 2)


@given(st.lists(st.integers(0, 200)))
@pytest.mark.parametrize(
    "text", ["a < b <tool", "<tool_call>{no json", '<tool_call>["a"]</tool_call>', "<tool_call>", HALF]
)
def test_what_is_no_call_remains_text(text, cuts):
    assert heard(text, cuts) == (text, [])


def test_a_call_may_lack_its_end_and_its_arguments():
    content, calls = split('<tool_call>{"name": "clock"}')
    assert (content, calls[0]["function"]) == ("", {"name": "clock", "arguments": "{}"})


def test_each_call_has_a_name_of_its_own():
    _, calls = split(CALL + CALL)
    assert len({call["id"] for call in calls}) == 2
