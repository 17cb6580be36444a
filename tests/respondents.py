"""Respondents whose way to answer is known, since it is planted: a function of what they are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from onward.evaluate.asking import Answer, Cache, Respondent, Wanted
from onward.evaluate.examined import Examined
from onward.evaluate.run import examine
from onward.evaluate.settings import How
from onward.evaluate.suite import Suite


class Planted(Respondent):
    """says: what is answered to the last message."""

    def __init__(self, place: Path, says: Callable[[str], str]) -> None:
        super().__init__("planted", Cache(place))
        self.says = says

    def _answer(self, missing: Sequence[Wanted]) -> None:
        for one in missing:
            self._keep(one, Answer(self.says(one.messages[-1]["content"])))


def examined(place: Path, suite: Suite, says: Callable[[str], str]) -> Examined:
    place.unlink(missing_ok=True)
    return examine(Planted(place, says), suite, How(), chat=True)


def values(found: Examined) -> dict[str, float]:
    """Each row's number."""
    return {row.metric.strip(): row.measured.value for row in found.rows}
