"""The suites that are built in, by name. A suite is one file here, with a function that makes it; it is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from onward.evaluate import worlds
from onward.evaluate.builtin import (
    arithmetic,
    ascii_art,
    emoji,
    forms,
    games,
    mate_in_one,
    minimal_pairs,
    needle,
    sally_anne,
    variables,
    winograd,
)
from onward.evaluate.suite import Suite

BUILT_IN: dict[str, Callable[[], Suite]] = {
    **{name: partial(worlds.suite, name) for name in worlds.NAMES},
    "arithmetic": arithmetic.suite,
    "ascii-art": ascii_art.suite,
    "emoji": emoji.suite,
    "forms": forms.suite,
    "games": games.suite,
    "mate-in-one": mate_in_one.suite,
    "minimal-pairs": minimal_pairs.suite,
    "winograd": winograd.suite,
    **{name: partial(needle.suite, name) for name in needle.NAMES},
    "variables": variables.suite,
    sally_anne.NAME: sally_anne.suite,
}
