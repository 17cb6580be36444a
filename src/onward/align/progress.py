"""How far long work is, for people: a bar that moves on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

SECONDS_BETWEEN_LINES = 15.0


class Show:
    """Use it in a `with`, and call it now and then with the share that is done, from 0 to 1, and with figures in words."""

    def __init__(self, console: Console, verb: str) -> None:
        self.console, self.verb = console, verb
        self.printed = time.monotonic()
        columns = TextColumn(verb), BarColumn(bar_width=24), TextColumn("{task.fields[figures]}")
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

    def __call__(self, share: float, figures: str) -> None:
        if self.console.is_terminal:
            self.bar.update(self.task, completed=share, figures=figures)
        elif time.monotonic() - self.printed > SECONDS_BETWEEN_LINES:
            self.printed = time.monotonic()
            self.console.print(f"{self.verb} {figures}")
