"""Rules: what is right, what is wrong, and what is no answer."""

from __future__ import annotations

import pytest

from onward.evaluate.items import item_of
from onward.evaluate.rules import RULES, number, option_said

CITIES = ("Oslo", "Paris", "Rome")


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("B", 1),
        ("B.", 1),
        ("B) Paris", 1),
        ("(C)", 2),
        (" A: Oslo", 0),
        ("C\nbecause it is", 2),
        ("The answer is B.", 1),
        ("I think the answer: (C)", 2),
        ("Paris", 1),
        ("paris.", 1),
        ("A city in France", None),
        ("A) Oslo or B) Paris", None),
        ("D", None),
        ("Both are right.", None),
        ("I'd say Rome or Oslo", None),
        ("", None),
    ],
)
def test_which_option_is_said(reply, place):
    assert option_said(reply, CITIES) == place


@pytest.mark.parametrize(
    ("text", "found"),
    [("so 1,234.5 in all", 1234.5), ("3 and then -7", -7), ("#### 72", 72), (".5", 0.5), ("none", None)],
)
def test_the_last_number_counts(text, found):
    assert number(text) == found


@pytest.mark.parametrize(
    ("rule", "answer", "reply", "score", "formed"),
    [
        ("exact", "Paris", " paris. ", 1, True),
        ("exact", "Paris", "It is Paris", 0, True),
        ("contains", "Paris", "It is Paris.", 1, True),
        ("contains", "Paris", "Parisian", 0, True),
        ("contains", ["Paris", "Lutetia"], "Lutetia, I think", 1, True),
        ("regex", r"^\d{4}$", "1906", 1, True),
        ("regex", r"^\d{4}$", "in 1906", 0, True),
        ("number", 72, "so it is 72.", 1, True),
        ("number", "72.0", "72", 1, True),
        ("number", 72, "seventy-two", 0, False),
        ("f1", "a black cat", "black dog", 0.5, True),
        ("wer", "a b", "a c", 0.5, True),
    ],
)
def test_rules(rule, answer, reply, score, formed):
    item = item_of({"prompt": "?", "answer": answer, "score": rule}, 1)
    found = RULES[rule](reply, item)
    assert (found.value, found.formed) == (score, formed)


def test_naming_all_options_does_not_help():
    item = item_of({"prompt": "?", "answer": "Paris", "options": list(CITIES), "score": "contains"}, 1)
    assert RULES["contains"]("Paris", item).value == 1
    assert RULES["contains"]("Paris or Rome", item).value == 0


def test_a_choice_that_is_not_made_is_no_answer():
    item = item_of({"prompt": "?", "answer": "Paris", "options": list(CITIES)}, 1)
    assert item.rule == "choice"
    assert item.chance == pytest.approx(1 / 3)
    assert RULES["choice"]("B", item).value == 1
    assert not RULES["choice"]("who knows", item).formed
