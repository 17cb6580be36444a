"""What comes together while a model is examined: answers, rows of the table, and a line for each text.

Left out: what is asked, and what answers are worth (parts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from onward.errors import SuiteError
from onward.evaluate.asking import Answer, Respondent, Wanted
from onward.evaluate.contamination.separation import Contrast
from onward.evaluate.examined import Examined, Row
from onward.evaluate.items import Item
from onward.evaluate.settings import How
from onward.train.measure import Measured

P = "p: "
"""Begins the name of a row that is the p-value of the row so named."""
AGAINST = "against-"
"""Begins the id of an unseen text."""


@dataclass
class Asking:
    """One examination on its way.   records: of each text, by its id.   late: ids for which the budget did not suffice."""

    found: Examined
    respondent: Respondent
    how: How
    chat: bool
    records: dict[str, dict[str, object]] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)

    def ask(self, items: Sequence[Item], wanted: Sequence[Wanted]) -> list[tuple[Item, Answer]]:
        """The items that were answered, with their answers. Where none can be, as all are too long, other parts go on without it."""
        try:
            answers = self.respondent.ask(wanted)
        except SuiteError as error:
            self.found.unasked.update({item.id: str(error) for item in self.found.suite.items})
            return []
        return [(item, one) for item, one in zip(items, answers, strict=True) if self.there(item, one) and one]

    def there(self, item: Item, answer: Answer | None) -> bool:
        if answer is None:
            self.late.add(item.id)
        elif answer.refused and not item.id.startswith(AGAINST):
            self.found.unasked[item.id] = answer.refused
        return answer is not None and not answer.refused

    def note(self, items: Sequence[Item], name: str, values: Sequence[object]) -> None:
        for item, value in zip(items, values, strict=True):
            own = self.records.setdefault(item.id, {"id": item.id, "kind": item.kind, "text": item.text})
            own[name] = value

    def add(self, metric: str, measured: Measured, chance: float | None = None, about: str = "") -> None:
        self.found.rows.append(Row(metric, measured, chance, about=about))

    def tested(self, metric: str, contrast: Contrast, chance: float, about: str) -> None:
        """A row, and its p as one of its own, so that it is in the lineage too."""
        self.add(metric, contrast.measured, chance, f"p = {contrast.p:.2g}" + (f": {about}" if about else ""))
        self.add(P + metric, Measured(value=contrast.p, low=None, high=None, n=contrast.measured.n), about="one-sided")
