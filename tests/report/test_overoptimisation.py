"""The picture of over-optimisation in the report of a run."""

import pytest

from onward.report.page import write_report
from onward.report.reinforcing.divergence import overoptimisation, reading
from onward.report.reinforcing.drawings import Drawing
from steps import lines


def drawn(number, **more):
    figures = {"kl": 0.1 * number, "reward": 0.2 * number} | dict.fromkeys(more, 0.8 - 0.1 * number)
    return Drawing(number, figures)


def test_a_panel_for_each_reward():
    watched = [drawn(number, **{"watched my/gold": 1}) for number in range(12)]
    picture = overoptimisation(watched)
    assert "learned by (the proxy)" in picture
    assert "watched: gold" in picture
    assert "being fooled" in reading(watched)
    alone = [drawn(number) for number in range(12)]
    assert "watched" not in overoptimisation(alone)
    assert "--watch" in reading(alone)


@pytest.mark.parametrize("kl", [[0.0] * 5, [-0.001, -0.002] * 3, [0.0, 3e-5] * 3, [1e4, 2e4] * 3])
def test_a_model_that_has_not_moved_or_very_far_is_drawn_too(kl):
    assert "<svg" in overoptimisation([Drawing(n, {"kl": away, "reward": 1.0}) for n, away in enumerate(kl)])


def test_without_a_divergence_there_is_none(run):
    assert overoptimisation([Drawing(n, {"reward": 1.0 * n}) for n in range(12)]) is None
    assert overoptimisation([drawn(number) for number in range(4)]) is None
    page = write_report(run("chat", "rl", metrics=lines(reward=0.5))).read_text()
    assert "Over-optimisation" not in page


def test_a_reinforced_stage_shows_it(run):
    metrics = [line | {"reward": line["step"] / 9, "kl": line["step"] / 5, "watched gold": 0.5} for line in lines(9)]
    page = write_report(run("chat", "rl", metrics=metrics)).read_text()
    assert "<h2>Over-optimisation</h2>" in page
    assert page.count("<svg") == 2
