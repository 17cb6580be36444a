"""Who answers as planned: what it says, and what sentences are worth to it, is a function of what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from onward.evaluate.asking import Answer, Cache, Respondent, Wanted
from onward.evaluate.run import examine
from onward.evaluate.settings import How
from onward.evaluate.suite import Suite

CHAT = How()


class Planted(Respondent):
    """say: the reply to what is asked last.   worth: of an option, in nats; who has none gives no log-probabilities."""

    def __init__(self, path, say: Callable[[str], str], worth: Callable[[str], float] | None = None) -> None:
        super().__init__("planted", Cache(path))
        self.say, self.worth = say, worth

    @property
    def scores(self) -> bool:
        return self.worth is not None

    def _answer(self, missing: Sequence[Wanted]) -> None:
        for one in missing:
            worths = [self.worth(option) for option in one.options] if self.worth else []
            self._keep(one, Answer(text="" if one.options else self.say(one.messages[-1]["content"]), log_probs=worths))


@pytest.fixture
def planted(tmp_path):
    """An examination of a planted respondent, as rows by their names."""

    def carried_out(suite: Suite, say, worth=None, how=CHAT, place: str = "answers"):
        found = examine(Planted(tmp_path / f"{place}.jsonl", say, worth), suite, how, chat=True)
        return {row.metric: row for row in found.rows}

    return carried_out


@pytest.fixture
def knowing():
    """Whoever knows the first right answer to every question of a suite, and says it."""

    def of(suite: Suite) -> Callable[[str], str]:
        return lambda asked: next(
            (item.answers[0] for item in suite.items if asked.startswith(item.question)), "I do not know."
        )

    return of
