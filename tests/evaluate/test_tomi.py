"""ToMi: a story a question becomes pairs, what is no ToMi is told with its line, and the real file is read whole."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from onward.errors import SuiteError
from onward.evaluate.opening import open_suite
from respondents import examined, values

STORY = """\
1 Ana entered the shed.
2 Bo entered the shed.
3 The nut is in the red_tin.
4 Bo dislikes the hall
"""
FALSE = STORY + "5 Ana exited the shed.\n6 Bo moved the nut to the old_jar.\n"
TRUE = STORY + "5 Bo moved the nut to the old_jar.\n6 Ana exited the shed.\n"


def write(tmp_path, told):
    """told: stories, each with a question, its answer and its type."""
    (tmp_path / "t_test.txt").write_text("".join(f"{story}7 {asks}\t{right}\t1\n" for story, asks, right, _ in told))
    (tmp_path / "t_test.trace").write_text("".join(f"a,b,{kind},story\n" for *_, kind in told))
    return tmp_path / "t_test.txt"


TOLD = [
    (FALSE, "Where will Ana look for the nut?", "red_tin", "first_order_0_tom"),
    (FALSE, "Where will Bo look for the nut?", "old_jar", "first_order_1_no_tom"),
    (FALSE, "Where is the nut really?", "old_jar", "reality"),
    (TRUE, "Where will Ana look for the nut?", "old_jar", "first_order_0_no_tom"),
    (TRUE, "Where was the nut at the beginning?", "red_tin", "memory"),
]


def test_tomi_is_read_and_paired(tmp_path):
    suite = open_suite(str(write(tmp_path, TOLD)))
    asked = [(item.truth["asks"], item.kind, item.answers, item.chance) for item in suite.items]
    assert asked == [
        ("false", "first order", ("red tin",), 0.5),
        ("reality", "reality", ("old jar",), 0.5),
        ("true", "first order", ("old jar",), 0.5),
        ("memory", "memory", ("red tin",), 0.5),
    ]
    assert suite.items[0].question.startswith(
        "Ana entered the shed. Bo entered the shed. The nut is in the red tin. Bo dis"
    )
    assert suite.items[0].question.endswith(
        "hall. Ana exited the shed. Bo moved the nut to the old jar. Where will Ana look for the nut?"
    )
    got = values(examined(tmp_path / "said", suite, lambda _: "old jar"))
    assert (got["both beliefs right"], got["true belief"]) == (0, 1)


def test_what_is_no_tomi_is_told(tmp_path):
    path = write(tmp_path, TOLD)
    path.with_suffix(".trace").write_text("a,reality,story\n")
    with pytest.raises(SuiteError, match=r"line 14: its trace has no line for this question"):
        open_suite(str(path))
    path.write_text("Once upon a time.\n")
    with pytest.raises(SuiteError, match=r"line 1: 'Once upon a time.' is no numbered sentence"):
        open_suite(str(path))
    path.with_suffix(".trace").unlink()
    with pytest.raises(SuiteError, match="cannot be read as ToMi"):
        open_suite(str(path))
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(SuiteError, match="cannot be read as ToMi"):
        open_suite(str(tmp_path / "a.zip"))


DATA = Path(os.environ.get("ONWARD_REAL_DATA") or "no folder") / "eval" / "tomi_balanced_story_types.zip"


@pytest.mark.skipif(not DATA.is_file(), reason="ONWARD_REAL_DATA names no folder of real data with ToMi")
def test_tomi_is_read_whole(tmp_path):
    suite = open_suite(str(DATA))
    assert Counter(item.truth["asks"] for item in suite.items) == {
        "false": 954,
        "true": 954,
        "memory": 808,
        "reality": 808,
    }
    assert all(len(item.options) == 2 for item in suite.items)

    def real(asked):
        return next(item.options[-1] for item in suite.items if item.question == asked)

    got = values(examined(tmp_path / "said", replace(suite, items=suite.items[:400]), real))
    assert got["both beliefs right"] < 0.1
    assert got["control: reality"] > 0.9
