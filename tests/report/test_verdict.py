"""What the report says of reinforcement: better, better only as it is drawn, or not better."""

from pathlib import Path

import pytest

from onward.lineage import Lineage, Result
from onward.report.page import WON, _verdict
from onward.report.stage import Stage


def stages(*won):
    results = [Result(suite=f"suite {i}", metric=WON, value=v, low=v - 0.03, high=v + 0.03) for i, v in enumerate(won)]
    history = Lineage(verb="rl", results=results)
    return [Stage(name="chat", folder=Path("chat"), history=history, parameters=1)]


@pytest.mark.parametrize(
    ("won", "said"),
    [
        ((0.6, 0.58), "better: 60 % (57 to 63)"),
        ((0.6, 0.51), "which a lower temperature does as well"),
        ((0.52, 0.6), "has not made the answers better: 52 % (49 to 55)"),
    ],
)
def test_it_is_said_whether_the_answers_are_better_and_when(won, said):
    assert said in _verdict(stages(*won))


def test_where_nothing_was_measured_nothing_is_said():
    assert _verdict(stages()) is None
