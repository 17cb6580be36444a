"""By which rules a text is judged, and where the work is done. Nothing heavy is imported here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from onward.errors import PlanError

EXECUTORS = ("local", "slurm", "ray")
FORMATS = ("jsonl", "parquet")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """By what a text is judged, and how the work is done."""

    language: tuple[str, ...] = field(
        default=("en",), metadata={"help": "ISO 639 code of a language to keep; once for each, or any"}
    )
    good: tuple[str, ...] = field(default=(), metadata={"help": "texts as you want them, to learn from; needs --bad"})
    bad: tuple[str, ...] = field(default=(), metadata={"help": "texts as you do not want them; needs --good"})
    model: str | None = field(
        default=None, metadata={"help": "a model folder; drops what it finds far less likely than the rest"}
    )
    rude_words: tuple[str, ...] = field(default=(), metadata={"help": "a file with more rude words, one a line"})
    format: str = field(default="jsonl", metadata={"help": "of the clean texts: jsonl or parquet"})
    executor: str = field(default="local", metadata={"help": "where the work is done: local, slurm or ray"})
    workers: int | None = field(default=None, metadata={"help": "parts at work at the same time"})
    partition: str | None = field(default=None, metadata={"help": "of Slurm"})
    time: str = field(default="04:00:00", metadata={"help": "of Slurm, for a part"})

    def __post_init__(self) -> None:
        for name, value, known in (("format", self.format, FORMATS), ("executor", self.executor, EXECUTORS)):
            if value not in known:
                raise PlanError(f"--{name} {value}: choose {', '.join(known)}.")
        if bool(self.good) != bool(self.bad):
            raise PlanError("--good and --bad go together: a classifier needs examples of both.")
        if self.workers is not None and self.workers < 1:
            raise PlanError(f"--workers {self.workers}: give at least 1.")
        if self.executor == "slurm" and self.partition is None:
            raise PlanError("--executor slurm needs --partition NAME; `sinfo` shows the names.")

    def deciding(self) -> dict[str, Any]:
        """What decides the result; where and by how many workers it is done does not."""
        elsewhere = ("executor", "workers", "partition", "time")
        given = {name: value for name, value in asdict(self).items() if name not in elsewhere}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


STANDARD = Rules()
