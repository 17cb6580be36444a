"""How far a distillation is, for people."""

from __future__ import annotations

from rich.console import Console

from onward.align import progress
from onward.align.distil.filter import REFUSED
from onward.align.distil.rounds import Rounds
from onward.train.plan import clock


class Show(progress.Show):
    """Use it in a `with`, and hand `rounds` to it after every reply."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, "distil")

    def rounds(self, rounds: Rounds) -> None:
        journal, share = rounds.asker.journal, rounds.share
        left = f"  {clock(journal.seconds * (1 / share - 1))} left" if share else ""
        refused = rounds.writing[REFUSED] + rounds.answering[REFUSED]
        self(share, f"{len(rounds.kept)}/{rounds.enough} kept  {refused} refused  {journal.spent:,} tokens{left}")
