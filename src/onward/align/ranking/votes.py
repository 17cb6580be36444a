"""The votes on disk: a line for each prompt that was judged, synced as it comes, in a form that `onward reward` and other tools read.

Two answers become {"prompt", "chosen", "rejected"}, more become {"prompt", "answers"} with their "scores" or "ranks", the best first.
A prompt that is judged without a vote (a tie, say) goes into a second file, so that it is not asked about again. A last line that a
crash has left unfinished is taken away. Left out: who has won how often.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from onward.align.ranking.prompts import Prompt, key_of
from onward.errors import DataError
from onward.files import append_line, explained, whole_lines

VOTE, TIE, SKIPPED, UNJUDGED, ALIKE, UNTAKEN = "vote", "tie", "skipped", "unjudged", "alike", "untaken"
OF_PROMPTS = {
    VOTE: "one answer was found better than another",
    TIE: "none was found better",
    SKIPPED: "passed over by hand",
    UNJUDGED: "too long for the judge, or its template cannot show it",
    ALIKE: "the model has not given two different answers that can be used",
    UNTAKEN: "the model takes no such prompt: too long, or against its rules",
}
"""What becomes of a prompt."""
BY_HAND = (VOTE, TIE, SKIPPED)


@dataclass(frozen=True)
class _Entry:
    """A line.   longer, unequal: pairs whose better answer is the longer one, and pairs of different length.   before: bytes of the
    file without it; None where it was there when we began."""

    key: str
    became: str
    longer: int
    unequal: int
    asked: dict[str, int]
    file: Path
    before: int | None


class Votes:
    """The votes in `path`, begun or gone on with, and in `passed` the prompts without one.   Raises DataError where a file is damaged.

    pairs: whether votes are written as chosen and rejected.   scores: whether worth is a score, and not only an order.
    """

    def __init__(self, path: Path, passed: Path, *, judge: str, pairs: bool, scores: bool) -> None:
        self.path, self.passed = path, passed
        self.judge, self.pairs, self.scores = judge, pairs, scores
        self._entries = [self._read(file, *line) for file in (path, passed) for line in enumerate(whole_lines(file), 1)]

    def _read(self, file: Path, number: int, line: bytes) -> _Entry:
        try:
            return _entry(json.loads(line), file, None)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{file}, line {number}, is damaged ({error!r}). Mend it, or take it away.") from error

    @property
    def judged(self) -> set[str]:
        """The keys of the prompts that need not be asked about again."""
        return {entry.key for entry in self._entries}

    def add(self, prompt: Prompt, answers: Sequence[str], worth: Sequence[float], asked: dict[str, int]) -> str:
        """A judgement. Returns what became of the prompt.   Raises OutputError where the disk is full."""
        if len(set(worth)) == 1:
            return self.pass_over(prompt, TIE, asked)
        order = sorted(range(len(answers)), key=lambda place: -worth[place])
        ordered, values = [answers[place] for place in order], [worth[place] for place in order]
        record: dict[str, Any] = {"prompt": prompt.messages}
        if self.pairs:
            record |= dict(zip(("chosen", "rejected"), ordered, strict=True))
            record |= dict(zip(("score_chosen", "score_rejected"), values, strict=True)) if self.scores else {}
        else:
            ranks = [sorted(set(values), reverse=True).index(value) + 1 for value in values]
            record |= {"answers": ordered} | ({"scores": values} if self.scores else {"ranks": ranks})
        self._append(self.path, record | {"judge": self.judge} | ({"asked": asked} if asked else {}))
        return VOTE

    def pass_over(self, prompt: Prompt, became: str, asked: dict[str, int] | None = None) -> str:
        """A prompt without a vote, and why."""
        self._append(self.passed, {"prompt": prompt.messages, "became": became, "asked": asked or {}})
        return became

    def _append(self, file: Path, record: dict[str, Any]) -> None:
        before = file.stat().st_size if file.exists() else 0
        append_line(file, record)
        self._entries.append(_entry(record, file, before))

    def undo(self) -> str | None:
        """Take back the last judgement of this sitting that a person has made, and what came after it. Returns its prompt's key."""
        if not any(entry.before is not None and entry.became in BY_HAND for entry in self._entries):
            return None
        while True:
            entry = self._entries.pop()
            with explained(entry.file), entry.file.open("r+b") as opened:
                opened.truncate(entry.before)
                os.fsync(opened.fileno())
            if entry.became in BY_HAND:
                return entry.key

    # --- what came of it ----------------------------------------------------------------------------------------------

    def found(self) -> dict[str, Any]:
        """All counts, as data.   longer: share of the pairs of different length whose longer answer was found better."""
        became = Counter(entry.became for entry in self._entries)
        asked = Counter[str]()
        for entry in self._entries:
            asked.update(entry.asked)
        unequal = sum(entry.unequal for entry in self._entries)
        longer = sum(entry.longer for entry in self._entries) / unequal if unequal else None
        return {
            "prompts": {name: became[name] for name in OF_PROMPTS},
            "longer": longer,
            "of_different_length": unequal,
            "asked": dict(asked),
        }


def _entry(record: dict[str, Any], file: Path, before: int | None) -> _Entry:
    answers = [record["chosen"], record["rejected"]] if "chosen" in record else record.get("answers", [])
    worth = record.get("scores") or [-rank for rank in record.get("ranks", range(len(answers)))]
    better = [
        len(answers[one]) > len(answers[other])
        for one, other in combinations(range(len(answers)), 2)
        if worth[one] != worth[other] and len(answers[one]) != len(answers[other])
    ]
    return _Entry(
        key=key_of(record["prompt"]),
        became=record.get("became", VOTE),
        longer=sum(better),
        unequal=len(better),
        asked=record.get("asked", {}),
        file=file,
        before=before,
    )
