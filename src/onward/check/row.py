"""One row of the table: an equivalence, tried, with the largest difference found and what that means.

A difference beyond its tolerance is a failed row and no exception. What cannot be tried here is said, with its reason.
Left out: what is compared (reading.py, learning.py, keeping.py), and how a table looks (cli).
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from onward.check.subject import Subject
from onward.errors import OnwardError, OutputError
from onward.train.machine import memory, out_of_memory

State = Literal["held", "failed", "not tried"]


class NotTriedError(Exception):
    """An equivalence that this folder or this machine gives no way to try. Its text is the reason."""


@dataclass(frozen=True)
class Found:
    """The largest difference between two ways to the same numbers, and how large it may be. `remark`: where it was, and the like."""

    difference: float
    tolerance: float
    unit: str
    remark: str = ""

    @property
    def held(self) -> bool:
        return self.difference <= self.tolerance  # never so for a NaN


@dataclass(frozen=True, kw_only=True)
class Row:
    """An equivalence as it stands in the table. `found` is None where it came to no number; `why` then says why."""

    name: str
    state: State
    found: Found | None
    why: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain data; a difference that is no finite number is null, since JSON has no other word for it."""
        found = self.found
        return {
            "name": self.name,
            "state": self.state,
            "difference": found.difference if found and math.isfinite(found.difference) else None,
            "tolerance": found.tolerance if found else None,
            "unit": found.unit if found else None,
            "why": self.why,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Something that must hold. copies, disk: how many times the weights are held, at most, beside the model itself."""

    name: str
    measure: Callable[[Subject], Found]
    copies: float = 0.0
    disk: float = 0.0

    def memory(self, subject: Subject) -> int:
        """Bytes that trying it takes beside the model itself, from above."""
        return int(self.copies * subject.weight_bytes) + subject.activation_bytes


def tried(one: Equivalence, subject: Subject) -> Row:
    """Try an equivalence. What goes wrong while it is tried is a row too; only a fault of ours is raised."""
    began = time.perf_counter()
    found: Found | None = None
    state: State = "not tried"
    try:
        _check_room(one, subject)
        found = one.measure(subject)
        state, why = "held" if found.held else "failed", found.remark
        if not math.isfinite(found.difference):
            why = "NaN or infinite numbers" + f"; {why}" * bool(why)
    except (NotTriedError, OutputError) as error:
        why = str(error)
    except (OnwardError, RuntimeError) as error:
        if out_of_memory(error) or out_of_memory(error.__cause__):
            why = "it does not fit into memory"
        elif isinstance(error, OnwardError):
            state, why = "failed", str(error).partition(". ")[0]  # how to mend a training does not mend a check
        else:
            raise
    return Row(name=one.name, state=state, found=found, why=why, seconds=time.perf_counter() - began)


def _check_room(one: Equivalence, subject: Subject) -> None:
    """Refuse beforehand what would drive the machine out of memory, or fill its disk."""
    wanted, free = one.memory(subject), memory(subject.device)
    if wanted > free:
        raise NotTriedError(f"needs about {wanted / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free")
    place = tempfile.gettempdir()
    stored, room = int(one.disk * subject.weight_bytes), shutil.disk_usage(place).free
    if stored > room:
        raise NotTriedError(f"needs about {stored / 1e9:.1f} GB in {place}, and {room / 1e9:.1f} GB are free")
