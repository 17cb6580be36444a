"""How far a distillation is, for people: a bar that moves on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from onward.align.distil.filter import REFUSED
from onward.align.distil.rounds import Rounds
from onward.train.plan import clock

SECONDS_BETWEEN_LINES = 15.0


class Show:
    """Use it in a `with`, and call it after every reply."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.printed = time.monotonic()
        columns = TextColumn("distil"), BarColumn(bar_width=24), TextColumn("{task.fields[figures]}")
        self.bar = Progress(*columns, console=console, transient=True)
        self.task = self.bar.add_task("", total=1.0, figures="")

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, rounds: Rounds) -> None:
        journal, share = rounds.asker.journal, rounds.share
        left = f"  {clock(journal.seconds * (1 / share - 1))} left" if share else ""
        refused = rounds.writing[REFUSED] + rounds.answering[REFUSED]
        figures = f"{len(rounds.kept)}/{rounds.enough} kept  {refused} refused  {journal.spent:,} tokens{left}"
        if self.console.is_terminal:
            self.bar.update(self.task, completed=share, figures=figures)
        elif time.monotonic() - self.printed > SECONDS_BETWEEN_LINES:
            self.printed = time.monotonic()
            self.console.print(f"distil {figures}")
