"""Exercise sheets: what stands on them is what their truth says, and all is as in training."""

from __future__ import annotations

import re
from itertools import islice

from onward.world import World
from onward.world.exercises.sheets import sheets
from onward.world.phrases import phrasings

SHEETS = list(islice(sheets(World(0, people=40)), 300))


def test_the_same_seed_gives_the_same_sheets() -> None:
    again = islice(sheets(World(0, people=40)), 20)
    assert [r.line(i) for i, r in enumerate(again)] == [r.line(i) for i, r in enumerate(SHEETS[:20])]
    assert next(sheets(World(1, people=40))).text != SHEETS[0].text


def test_every_answer_stands_on_its_sheet() -> None:
    for sheet in SHEETS:
        assert sheet.text is not None
        assert sheet.truth["exercises"]
        at = 0
        for exercise in sheet.truth["exercises"]:
            found = re.compile(rf"(?<!\w){re.escape(exercise['answer'])}(?!\w)").search(sheet.text, at)
            assert found, sheet.text
            at = found.end() if exercise["task"] != "output" else at


def test_programs_stand_on_their_sheets_whole_with_a_lesson_before_them() -> None:
    found = [sheet for sheet in SHEETS if sheet.truth["about"] == "programs"]
    assert found
    for sheet in found:
        assert sheet.text is not None
        assert sheet.truth["lessons"]
        assert all(f"{exercise['program']}\n" in f"{sheet.text}\n" for exercise in sheet.truth["exercises"])


def test_all_kinds_and_both_forms_are_there_and_nothing_is_left_unfilled() -> None:
    assert {sheet.truth["about"] for sheet in SHEETS} == {"arithmetic", "counting", "spelling", "programs"}
    asked = sum("The answer is" in (sheet.text or "") for sheet in SHEETS)
    assert 0.35 < asked / len(SHEETS) < 0.65
    assert not any(re.search(r"[{}]|\n\n\n", sheet.text or "") for sheet in SHEETS)


def test_every_block_of_a_sheet_begins_with_a_capital_or_a_number() -> None:
    for sheet in SHEETS:
        if sheet.truth["about"] != "programs":
            first = [block[0] for block in (sheet.text or "").split("\n\n")]
            assert all(letter.isupper() or letter.isdigit() for letter in first), sheet.text


def test_no_statement_or_title_on_a_sheet_is_in_a_held_out_phrasing() -> None:
    said = [*phrasings("exercises", "working").held_out, *phrasings("exercises", "plain").held_out]
    assert not any(phrase in (sheet.text or "") for phrase in said for sheet in SHEETS)
