"""How far the writing of a world is, for people: a bar of kinds with the time left on a terminal; elsewhere, a line when one begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class KindsWritten:
    """Use it in a `with`, and call it with each line's kind and size in bytes. `written` is what there is, in bytes."""

    def __init__(self, console: Console, kinds: Sequence[str]) -> None:
        self.console, self.kinds, self.written, self.kind = console, kinds, 0, ""
        columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("", total=len(kinds))

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, kind: str, size: int) -> None:
        self.written += size
        if kind != self.kind:
            self.kind = kind
            self.bar.update(self.task, completed=self.kinds.index(kind), description=kind)
            if not self.console.is_terminal:
                self.console.print(f"  {kind}")
