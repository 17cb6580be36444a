"""Wording fools what compares wording, and not what compares facts."""

from __future__ import annotations

import pytest

from onward.errors import WorldError
from onward.evaluate.paraphrases import cases, fooled
from onward.world import World
from onward.world.ask import ask


@pytest.fixture(scope="module")
def found():
    return cases(World(0, people=40), 120)


def test_paraphrases_say_the_same_and_falsehoods_do_not(found):
    """By the world's own reader, where it understands a claim."""
    world, read = World(0, people=40), 0
    for case in found:
        verdicts = []
        for said in (case.statement, case.paraphrase, case.falsehood):
            try:
                verdicts.append(ask(world, f"Is it true that {said.removesuffix('.')}?").text.split(",")[0])
            except WorldError:
                break
        if len(verdicts) == 3:
            read += 1
            assert verdicts[:2] == ["Yes", "Yes"], case
            assert verdicts[2] != "Yes", case  # of friends the world says that it does not know
    assert read >= 20


def test_every_metric_of_wording_finds_the_falsehood_nearer(found):
    for row in fooled(found, ("f1", "wer", "bleu", "chrf", "ter", "rougeL")):
        assert row.fooled.low > 0.5, row
        better, worse = sorted((row.paraphrase.value, row.falsehood.value), reverse=row.metric not in ("wer", "ter"))
        assert better == row.falsehood.value != worse


def test_a_metric_that_says_no_to_both_is_half_fooled(found):
    row = fooled(found, ("exact_match",))[0]
    assert (row.paraphrase.value, row.falsehood.value, row.fooled.value) == (0, 0, 0.5)
