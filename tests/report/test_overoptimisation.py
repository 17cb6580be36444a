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


def test_of_few_drawings_or_without_a_divergence_there_is_none(run):
    assert overoptimisation([drawn(number) for number in range(4)]) is None
    page = write_report(run("chat", "rl", metrics=lines(12, reward=0.5))).read_text()
    assert "Over-optimisation" not in page


@pytest.mark.parametrize(("gold", "fooled"), [(-0.05, True), (0.05, False)])
def test_a_reinforced_stage_shows_it_and_says_when_the_proxy_is_fooled(run, gold, fooled):
    metrics = [
        line
        | {"reward": line["step"] / 9, "kl": line["step"] / 5, "entropy": 1.0, "answer_tokens": 9.0, "cut_off": 0.0}
        for line in lines(20)
    ]
    metrics = [line | {"watched gold": 1 + gold * line["step"]} for line in metrics]
    page = write_report(run("chat", "rl", metrics=metrics)).read_text()
    assert "<h2>Over-optimisation</h2>" in page
    assert page.count("<svg") == 2
    assert ("it is being fooled. Stop earlier" in page) == fooled
