"""Warnings: each speaks where its trouble is, and all are silent in a healthy training."""

import re

import numpy as np
import pytest

from onward.align.policy.warnings import CHECKS, FEWEST, warnings

SOME = np.random.default_rng(0)


def history(drawings=24, **changed):
    """A healthy training, where a figure may be replaced by a function of the time, from 0 to 1."""
    usual = {
        "reward": lambda t: 0.4 + 0.4 * t + 0.02 * SOME.normal(),
        "watched gold": lambda t: 0.3 + 0.3 * t + 0.02 * SOME.normal(),
        "entropy": lambda t: 1.5 - 0.6 * t,
        "answer_tokens": lambda t: 10 + 4 * t,
        "cut_off": lambda _: 0.02,
        "kl": lambda t: 6 * t,
        "ties": lambda t: 0.1 + 0.3 * t,
    } | changed
    times = [number / (drawings - 1) for number in range(drawings)]
    return [{name: float(figure(t)) for name, figure in usual.items() if figure} for t in times]


def test_a_healthy_training_is_left_in_peace():
    for _ in range(20):
        assert warnings(history()) == {}
    assert warnings(history(ties=None, **{"watched gold": None})) == {}


TROUBLES = [
    ("reward", {"reward": lambda _: 0.4 + 0.02 * SOME.normal()}, "does not rise"),
    ("reward", {"reward": lambda t: 0.6 - 0.3 * t, "watched gold": None}, r"0\.\d+ at first, 0\.\d+ now"),
    ("ties", {"ties": lambda t: 0.5 + 0.45 * t}, "% of the prompts have answers that are all worth the same"),
    ("entropy", {"entropy": lambda t: 1.5 * 0.01**t}, "the entropy has collapsed, from .* to .* nats a token"),
    ("length", {"answer_tokens": lambda t: 10 + 30 * t}, "the answers have grown from"),
    ("cut off", {"cut_off": lambda t: 0.5 * t}, "% of the answers are cut off .* raise --max-tokens"),
    ("watched", {"watched gold": lambda t: 0.6 - 0.3 * t}, "the reward goes on rising while gold falls"),
    ("watched", {"watched gold": lambda t: 0.6 + 0.4 * min(t, 0.8 - t)}, "it is being fooled"),
    ("kl", {"kl": lambda t: 60 * t}, "nats an answer away from where it began"),
]


@pytest.mark.parametrize(("about", "changed", "words"), TROUBLES)
def test_what_goes_wrong_is_said_and_nothing_else(about, changed, words):
    found = warnings(history(**changed))
    assert list(found) == [about]
    assert re.search(words, found[about]), found[about]
    assert "\n" not in found[about]


def test_every_rule_is_tried_above():
    assert {about for about, _, _ in TROUBLES} == set(CHECKS)


def test_of_too_few_drawings_nothing_is_said():
    everything = {name: figure for _, changed, _ in TROUBLES for name, figure in changed.items()}
    assert warnings(history(FEWEST - 1, **everything)) == {}
    assert warnings(history(FEWEST, **everything))


def test_a_reward_and_a_watched_one_that_fall_together_are_not_fooling_anybody():
    assert "watched" not in warnings(
        history(reward=lambda t: 0.6 - 0.3 * t, **{"watched gold": lambda t: 0.6 - 0.3 * t})
    )
