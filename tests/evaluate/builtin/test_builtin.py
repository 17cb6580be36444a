"""What holds for all built-in suites but the world's."""

from __future__ import annotations

import pytest

from onward.evaluate.builtin import BUILT_IN
from onward.evaluate.opening import open_suite

NAMES = ("arithmetic", "ascii-art", "emoji", "forms", "minimal-pairs", "winograd")
"""Mate in one has a file of its own; it takes seconds."""


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_is_the_same_each_time_and_says_what_it_is(name):
    suite = open_suite(name)
    assert suite.name == name
    assert suite.about
    assert suite.items == BUILT_IN[name]().items
    assert all(item.kind and item.answers[0] for item in suite.items)
    assert all(item.chance is None or 0 < item.chance <= 0.5 for item in suite.items)
