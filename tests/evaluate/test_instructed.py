"""Instructions on form: of each, replies that follow it and replies that do not; and strictly beside loosely."""

from __future__ import annotations

import pytest

from onward.evaluate.instructed import CHECKS, loosely, strictly, times, unwrapped

BY_HAND = {
    "words at least": ({"count": 3}, ["one two three", "a b, c d"], ["one two"]),
    "words at most": ({"count": 3}, ["one two three"], ["one two three four"]),
    "sentences": ({"count": 2}, ["It rains. Why?", "One\nline. Two"], ["It rains.", "A. B. C."]),
    "paragraphs": ({"count": 2}, ["a\n\nb", "a\nb\n \n\nc"], ["a\nb", "a\n\nb\n\nc"]),
    "bullets": ({"count": 2}, ["So:\n- a\n- b", "* a\n  * b\nend"], ["- a", "-a\n-b", "a - b\n- c"]),
    "list": ({"count": 2}, ["- a\n- b"], ["So:\n- a\n- b", "- a", "* a\n* b"]),
    "numbered": ({"count": 2}, ["1. a\n2. b"], ["1. a\n3. b", "1. a", "1) a\n2) b"]),
    "json": ({"keys": ["a", "b"]}, ['{"b": 1, "a": [2]}'], ['{"a": 1}', '{"a": 1, "b": 2, "c": 3}', "a: 1", "[]"]),
    "keyword": ({"word": "sea", "count": 2}, ["Sea, o sea!"], ["sea", "sea sea sea", "seas sea"]),
    "keywords": ({"words": ["sea", "sun"]}, ["The SUN, the sea"], ["sea, sunny", "sea"]),
    "forbidden": ({"words": ["sea", "sun"]}, ["sunny"], ["the Sun", "to sea"]),
    "letter": ({"letter": "e", "count": 3}, ["Eel, egg"], ["eel"]),
    "without": ({"letter": "e"}, ["a cat"], ["an Eel"]),
    "no commas": ({}, ["a b; c"], ["a, b"]),
    "capitals": ({}, ["A DOG, 3."], ["A Dog", "3."]),
    "lower": ({}, ["a dog"], ["a Dog", "3."]),
    "capital words": ({"count": 2}, ["A BIG BAD dog", "BIG-BAD"], ["A BIG dog", "I, A, O"]),
    "quotes": ({}, ['"a"'], ["a", '"a" b', '""']),
    "begin": ({"text": "Dear reader,"}, ["Dear reader, hello"], ["dear reader, hello", "O Dear reader,"]),
    "end": ({"text": "The end."}, ["So. The end.\n"], ["The end. So.", "the end."]),
    "title": ({}, ["<<A day>>\nIt rained.", "x <<y>>"], ["<A day>", "<<>>", "<<\nday>>"]),
    "blanks": ({"count": 2}, ["Dear [name] of [the town]"], ["Dear [name]", "[] []"]),
    "postscript": ({}, ["So.\nP.S. Bye"], ["P.S.", "He said P.S. so", "So."]),
}


def test_every_check_is_tried_here():
    assert BY_HAND.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", list(BY_HAND))
def test_checks_by_hand(name):
    args, follow, fail = BY_HAND[name]
    for reply in follow:
        assert strictly(reply, [{"name": name} | args]) == [True], reply
    for reply in [*fail, "", " \n"]:
        assert strictly(reply, [{"name": name} | args]) == [False], reply


def test_eight_variants_by_hand():
    assert unwrapped("Sure:\n*one*\ntwo\nBye") == [
        "Sure:\n*one*\ntwo\nBye",
        "*one*\ntwo\nBye",
        "Sure:\n*one*\ntwo",
        "*one*\ntwo",
        "Sure:\none\ntwo\nBye",
        "one\ntwo\nBye",
        "Sure:\none\ntwo",
        "one\ntwo",
    ]


@pytest.mark.parametrize(
    ("reply", "strict", "loose"),
    [
        ("- a\n- b", [True, True], [True, True]),
        ("Sure, here:\n- a\n- b", [False, False], [True, True]),
        ("- a\n- b\nAnything else, sir?", [False, False], [True, True]),
        ("Sure, here:\n- a, b\n- c\nBye", [False, False], [True, False]),
        ("Sure", [False, True], [False, True]),
        ("Sure, yes", [False, False], [False, False]),
        ("", [False, False], [False, False]),
    ],
)
def test_strictly_and_loosely(reply, strict, loose):
    """A list of two lines, without commas."""
    wanted = [{"name": "list", "count": 2}, {"name": "no commas"}]
    assert strictly(reply, wanted) == strict
    assert loosely(reply, wanted) == loose


def test_bold_face_is_a_wrapping():
    wanted = [{"name": "begin", "text": "Dear reader,"}]
    assert strictly("**Dear reader,** hello", wanted) == [False]
    assert loosely("**Dear reader,** hello", wanted) == [True]


def test_words_are_counted_whole():
    assert times("Sea, SEA-side, seas, the sea.", "sea") == 3
