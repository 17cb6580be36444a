"""A judge's reply is read strictly: what is not in form is told from every verdict."""

import pytest

from onward.evaluate.judging.verdicts import mark, verdict
from onward.generate.chat_model import Reply


def said(text, finish="stop"):
    return Reply(text, finish, 1, 1)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("A is right about the capital. [[A]]", "A"),
        ("[[ B ]]", "B"),
        ("Both are wrong.\n[[C]]\n", "tie"),
        ("[[A]], so my verdict is [[A]].", "A"),
        ("<think>[[B]]? No, [[A]].</think> [[A]]", "A"),
        ("A is better.", None),
        ("[A]", None),
        ("[[a]]", None),
        ("[[A]] at first sight, but [[B]].", None),
        ("[[A]] or rather [[assistant A]]", None),
        ("[[7]]", None),
        ("", None),
        ("<think>It must be [[A]] because [[B]]", None),
    ],
)
def test_verdicts(text, meant):
    assert verdict(said(text)) == meant


def test_a_reply_that_was_cut_off_or_never_came_is_no_verdict():
    assert verdict(said("[[A]]", "length")) is None
    assert verdict(None) is None
    assert mark(None) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Fine. [[7]]", 7),
        ("[[7.5]]", 7.5),
        ("[[10]]", 10),
        ("[[0]]", None),
        ("[[11]]", None),
        ("[[7/10]]", None),
        ("7", None),
    ],
)
def test_marks(text, meant):
    assert mark(said(text)) == meant
