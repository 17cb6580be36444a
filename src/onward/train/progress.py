"""How long work goes on, for people: a bar that moves on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from onward.corpus.read import Document
from onward.train.fit import Step
from onward.train.measure import Metric
from onward.train.plan import clock


def reading(console: Console, title: str, documents: Iterable[Document], size: int) -> Iterator[Document]:
    """The documents, while a bar shows how far into their `size` bytes the reading is. Without a terminal, just the title."""
    console.print(title)
    columns = (
        TextColumn("  reading"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=size or None)
        for document in documents:
            yield document
            bar.advance(task, len(document.text))


SHOWN = ("balance", "reward", "kl")
"""What is shown of a step, beside its loss, where it has been measured."""


class Learned(Protocol):
    """What of the data shows in its progress; the rest is in training.py."""

    @property
    def metric(self) -> Metric: ...
    @property
    def counted(self) -> str: ...


class Show:
    """Progress for people: a bar that moves on a terminal, a line now and then elsewhere. Use it in a `with`; it is a callback."""

    SECONDS_BETWEEN_LINES = 15.0

    def __init__(self, console: Console, title: str, plan_steps: int, start: int, data: Learned) -> None:
        self.console = console
        self.data = data
        self.title = title
        self.began = time.monotonic()
        self.start = start
        self.printed = 0.0
        self.held_out = ""
        text = TextColumn("{task.description} {task.completed:>{task.fields[digits]}}/{task.total}")
        self.bar = Progress(text, BarColumn(bar_width=24), TextColumn("{task.fields[figures]}"), console=console)
        self.task = self.bar.add_task(title, total=plan_steps, completed=start, figures="", digits=len(str(plan_steps)))

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def __call__(self, step: Step) -> None:
        metric = self.data.metric
        if metric.name in step.measured:
            self.held_out = f"  held-out {step.measured[metric.name]:.3f} {metric.short}"
        elapsed = time.monotonic() - self.began
        left = elapsed / (step.number - self.start) * (step.plan.steps - step.number)
        speed = step.tokens / max(step.seconds, 1e-9)
        known = (f"  {name} {step.measured[name]:.2f}" for name in SHOWN if name in step.measured)
        figures = f"loss {step.loss:.3f}{self.held_out}{''.join(known)}  {speed:,.0f} {self.data.counted}/s  {clock(left)} left"
        if self.console.is_terminal:
            self.bar.update(self.task, completed=step.number, total=step.plan.steps, figures=figures)
        elif step.last or elapsed - self.printed > self.SECONDS_BETWEEN_LINES or step.number == self.start + 1:
            self.printed = elapsed
            self.console.print(f"{self.title} {step.number}/{step.plan.steps}  {figures}", highlight=False)
