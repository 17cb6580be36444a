"""What a run cost: of each stage the minutes, what it learned from, the operations of its learning and the room on the disk, and the sum.

Operations are counted by TrunkConfig.flops_per_token, three times for a step (forward, and twice that back). Rows of texts and of chats are
full, so there the count is exact; rankings are padded to the longest, so it is a most; of reinforcement only the answers' own tokens are
known, so it is a least. Left out: what measuring, drawing answers and judging them cost, energy (nothing measures it while training), and
all that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onward.files import size_below
from onward.model.folder import read_config
from onward.report.stage import Stage

MEASURED = re.compile(r"^(?P<name>.+): (?P<speed>[\d,]+) GFLOP/s measured in \w+$")
"""The plan's reason for its device (train/size.py), where the machine was measured."""
DATA = "data"
"""Where a road keeps its texts and token shards, below the run folder."""
Bounds = tuple[float, float | None]
"""At least, and at most; None: nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """A row. What is not known is None.   operations: of the learning.   share: of the speed of the machine's matrix products.   machine:
    in words."""

    name: str
    minutes: float | None = None
    learned_from: str = ""
    operations: Bounds | None = None
    share: float | None = None
    bytes: int = 0
    machine: str = ""

    @property
    def told(self) -> tuple[str, float] | None:
        """The operations: with which words before the number, "" where it is exact."""
        if self.operations is None:
            return None
        least, most = self.operations
        if most is None:
            return "at least", least
        return ("", least) if least == most else ("at most", most)


def spent(run: Path, stages: Sequence[Stage]) -> list[Spent]:
    """A row a stage, one of the run's own data, and, where there are several, their sum last."""
    rows = [_row(stage) for stage in stages]
    if (run / DATA).is_dir() and len(stages) > 1:
        rows.append(Spent(name="its data", bytes=size_below(run / DATA)))
    return [*rows, _sum(rows)] if len(rows) > 1 else rows


def _row(stage: Stage) -> Spent:
    operations, seconds = _operations(stage), 60 * (stage.minutes or 0)
    name, speed = _measured(stage)
    exact = operations is not None and operations[0] == operations[1]
    plan = stage.history.plan
    return Spent(
        name=stage.name,
        minutes=stage.minutes,
        learned_from=f"{stage.tokens:,} {stage.counted}" if stage.metrics else "",
        operations=operations,
        share=operations[0] / seconds / speed if operations and exact and speed and seconds else None,
        bytes=stage.bytes,
        machine=", ".join(str(part) for part in (plan.get("device"), name, plan.get("precision")) if part),
    )


def _operations(stage: Stage) -> Bounds | None:
    """Not of an adapter, whose base may be elsewhere, nor of one that writes in blocks, which reads its rows twice."""
    plan, length = stage.history.plan, stage.history.plan.get("length")
    batch = plan.get("batch_tokens")
    if stage.adapter or not stage.metrics or not (isinstance(length, int) and isinstance(batch, int) and length > 0):
        return None
    config = read_config(stage.folder, outputs=None)[1]
    if config.block is not None:
        return None
    most = 3 * config.flops_per_token(length) * (batch // length) * length * stage.metrics[-1]["step"]
    if stage.counted == "rankings":
        return 0.0, most
    return (3 * config.flops_per_token(1) * stage.tokens, None) if stage.history.verb == "rl" else (most, most)


def _measured(stage: Stage) -> tuple[str, float | None]:
    """The machine's name and its operations a second, if the plan has measured them."""
    reasons = stage.history.plan.get("reasons")
    why = reasons.get("device") if isinstance(reasons, dict) else None
    found = MEASURED.match(why) if isinstance(why, str) else None
    return (found["name"], 1e9 * float(found["speed"].replace(",", ""))) if found else ("", None)


def _sum(rows: Sequence[Spent]) -> Spent:
    """At least what is known at least; of the operations there is no sum where a stage's are not known at all."""
    minutes = [row.minutes for row in rows if row.minutes is not None]
    trained = [row.operations for row in rows if row.learned_from]
    known = [operations for operations in trained if operations is not None]
    operations: Bounds | None = None
    if known and len(known) == len(trained):
        exact = all(least == most for least, most in known)
        least = sum(least for least, _ in known)
        operations = (least, least if exact else None)
    return Spent(
        name="together",
        minutes=sum(minutes) if minutes else None,
        operations=operations,
        bytes=sum(row.bytes for row in rows),
    )
