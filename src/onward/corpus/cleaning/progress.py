"""How far a stage is, for people: a bar with the time left on a terminal, a line now and then elsewhere.

The parts that are done are counted from outside, by the files that datatrove leaves for each, so it is the same for every executor.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_BETWEEN_LINES = 15.0
LONG = 2.0
"""Seconds after which a stage is worth a line."""


class Watch:
    """Shows how many files are in a folder, of how many. Use it in a `with`, while others put them there."""

    def __init__(self, console: Console, title: str, folder: Path, total: int) -> None:
        # datatrove's own bars are kept off stderr while this one is shown there
        self.console = console
        self.console.file = console.file
        self.title, self.folder, self.total = title, folder, total
        self.done = self.before = self._count()
        self.began = time.monotonic()
        columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
        self.bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)
        self.task = self.bar.add_task(title, total=total, completed=self.before)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self.console.is_terminal:
            self.bar.stop()
        seconds = time.monotonic() - self.began
        if kind is None and seconds > LONG:
            self.console.print(f"{self.title}: {self.total:,} part{'s' * (self.total != 1)} in {seconds:.0f} s")

    def _count(self) -> int:
        return sum(1 for _ in self.folder.iterdir()) if self.folder.is_dir() else 0

    def _look(self) -> None:
        said = self.began
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            self.done = self._count()
            self.bar.update(self.task, completed=self.done)
            now = time.monotonic()
            if not self.console.is_terminal and now - said > SECONDS_BETWEEN_LINES:
                said = now
                self.console.print(f"{self.title}: {self.done:,} of {self.total:,} parts{self._left(now)}")

    def _left(self, now: float) -> str:
        if self.done <= self.before:
            return ""
        seconds = (now - self.began) / (self.done - self.before) * (self.total - self.done)
        return f", about {seconds:.0f} s left"
