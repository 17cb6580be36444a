"""A suite: items, and how they are put to a model; and, where it has numbers or machinery of its own, these.

Left out: how one is opened by its name (opening.py), and those that are built in (builtin/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onward.errors import SuiteError
from onward.evaluate.items import CHOICE, Item
from onward.evaluate.rules import Score

if TYPE_CHECKING:
    from onward.evaluate.asking import Respondent
    from onward.evaluate.examined import Examined, Row
    from onward.evaluate.settings import How

TOKENS = 64
"""Of an answer, at most, where the suite says nothing else."""


@dataclass(frozen=True)
class Said:
    """What was answered to an item, and what that is worth."""

    item: Item
    text: str
    score: Score


@dataclass(frozen=True, kw_only=True)
class Suite:
    """name: what its results are called.   examples: items that are shown with their answers before an item is asked, by its kind; those
    under "" are shown with any.   max_tokens: of an answer.

    rows: numbers of its own about what was said; the first is then the one that the suite is known by.   further: such numbers that stand
    after the usual ones, also where options are chosen; there an item's score is its mean over all orders, and its text empty.   counted:
    the scores by an item's id, where not each answer counts for itself: of pairs of which both must be right, or beside controls, which
    get none. Models are then compared by these, `rows` is all that is told, and items of one group are drawn together.   picture: an SVG
    that is written beside the numbers.   played: puts it to a model by itself, where it is no list of questions; then its items are what
    the scores are of.
    """

    name: str
    items: Sequence[Item]
    about: str = ""
    max_tokens: int = TOKENS
    examples: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    rows: Callable[[Sequence[Said]], Sequence[Row]] | None = None
    further: Callable[[Sequence[Said]], Sequence[Row]] | None = None
    counted: Callable[[Sequence[Said]], Mapping[str, float]] | None = None
    picture: Callable[[Examined], str] | None = None
    played: Callable[[Suite, Respondent, How, bool], Examined] | None = None

    @property
    def chooses(self) -> bool:
        """Whether every item is a choice between options."""
        return all(item.rule == CHOICE for item in self.items)

    @property
    def chance(self) -> float | None:
        """What a guess gets, where it is known of every item."""
        known = [item.chance for item in self.items if item.chance is not None]
        return sum(known) / len(known) if known and len(known) == len(self.items) else None

    def shown(self, item: Item, shots: int) -> Sequence[Item]:
        """So many examples of its kind, always the same ones.   Raises SuiteError where there are fewer."""
        found = self.examples.get(item.kind) or self.examples.get("", ())
        if len(found) < shots:
            what = f" of {item.kind!r}" if item.kind else ""
            raise SuiteError(f"--shots {shots}: {self.name} has {len(found)} examples{what}. Ask for at most so many.")
        return found[:shots]
