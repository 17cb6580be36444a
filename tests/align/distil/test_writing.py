"""The parser on what teachers write when they are asked for a list."""

import pytest

from onward.align.distil.writing import instructions, prompt

BOTH = ["Name three fish.", "Sort these words: pear, fig."]


@pytest.mark.parametrize(
    "text",
    [
        "1. Name three fish.\n2. Sort these words: pear, fig.",
        "1) Name three fish.\n\n2) Sort these words: pear, fig.\n",
        "Sure! Here are two:\n\n1. Name three fish.\n2. Sort these words: pear, fig.\n\nLet me know if you want more!",
        "9. Name three fish.\n10. Sort these words: pear, fig.",
        "1. Name three fish.\n1. Sort these words: pear, fig.",
        "**1.** Name three fish.\n**2.** Sort these words: pear, fig.",
        "Task 1: Name three fish.\nTask 2: Sort these words: pear, fig.",
        "### Instruction 1: Name three fish.\n### Instruction 2: Sort these words: pear, fig.",
        '1. "Name three fish."\n2. **Instruction:** Sort these words: pear, fig.',
        "- Name three fish.\n- Sort these words: pear, fig.",
        "Name three fish.\nSort these words: pear, fig.",
        "<think>\n1. Let me see.\n</think>\n\n1. Name three fish.\n2. Sort these words: pear, fig.",
        '["Name three fish.", "Sort these words: pear, fig."]',
        'Here:\n```json\n[{"instruction": "Name three fish."}, {"task": "Sort these words: pear, fig."}]\n```\nDone.',
        '{"tasks": ["Name three fish.", {"prompt": "Sort these words: pear, fig.", "input": ""}]}',
        '{"instruction": "Name three fish."}\n{"instruction": "Sort these words: pear, fig."}',
    ],
)
def test_a_list_is_read_in_every_form(text):
    assert instructions(text) == BOTH


@pytest.mark.parametrize("first", [1, 2, 4])
def test_an_item_may_hold_a_list_of_its_own_and_the_text_it_is_about(first):
    text = f"{first}. Sort these:\n1. pear\n2. fig\n{first + 1}. Shorten this text:\n\nThe fox ran.\n\nIt was late."
    assert instructions(text) == ["Sort these:\n1. pear\n2. fig", "Shorten this text:\n\nThe fox ran.\n\nIt was late."]


def test_json_inside_an_item_belongs_to_it():
    text = '1. Sort these:\n["pear", "fig"]\n2. Name three fish.'
    assert instructions(text) == ['Sort these:\n["pear", "fig"]', "Name three fish."]


def test_an_input_in_json_follows_its_instruction():
    assert instructions('[{"instruction": "Sort these.", "input": "pear, fig"}]') == ["Sort these.\n\npear, fig"]


def test_the_last_one_goes_where_the_reply_was_cut_off():
    assert instructions("1. Name three fish.\n2. Sort these wo", cut_off=True) == ["Name three fish."]
    assert instructions('["Name three fish.", "Sort these wo', cut_off=True) == []


@pytest.mark.parametrize("text", ["", "   \n", "[]", "{}", "[1, 2]", "1.\n2.\n"])
def test_nothing_is_found_in_nothing(text):
    assert instructions(text) == []


def test_deep_nesting_is_no_end_of_the_world():
    assert instructions("[" * 100_000) == []
    assert instructions('{"a":' * 100_000 + "\n1. Name three fish.") == ["Name three fish."]


def test_the_prompt_shows_the_examples():
    asked = prompt(["Name three fish.", "Sort {these}."])
    assert "2 instructions" in asked
    assert "Instruction 2:\nSort {these}." in asked
    assert "an instruction that" in prompt(["Name three fish."])
