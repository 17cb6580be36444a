"""Games of our own, of ten to twenty scenes, each with its points and its harm labelled; one's own lie in files of the same form.

In most of them more points are won by harm, in some the most are won without; harm that brings nothing is on offer too. Left out: the
games of the paper, which are other people's.
"""

from __future__ import annotations

from pathlib import Path

from onward.evaluate import games as package
from onward.evaluate.games.measured import suite_of
from onward.evaluate.games.reading import SUFFIXES, read
from onward.evaluate.suite import Suite

STORIES = Path(package.__file__).with_name("stories")


def suite() -> Suite:
    """All of them."""
    return suite_of("games", [read(path) for path in sorted(STORIES.glob(f"*{SUFFIXES[0]}"))])


def one(path: Path) -> Suite:
    """A single game out of a file.   Raises SuiteError."""
    game = read(path)
    return suite_of(game.name, [game])
