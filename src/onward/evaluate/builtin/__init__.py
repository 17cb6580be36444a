"""The suites that are built in, by name. A suite is one file here, with a function that makes it; it is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from onward.evaluate import worlds
from onward.evaluate.builtin import games
from onward.evaluate.suite import Suite

BUILT_IN: dict[str, Callable[[], Suite]] = {
    **{name: partial(worlds.suite, name) for name in worlds.NAMES},
    "games": games.suite,
}
