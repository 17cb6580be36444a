"""What a training leaves behind: a plan, and a line of metrics a step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

PLAN: dict[str, Any] = {
    "steps": 3,
    "length": 16,
    "batch_tokens": 70,
    "device": "cpu",
    "precision": "bf16",
    "minutes": None,
    "reasons": {"device": "2 threads: 1,500 GFLOP/s measured in bf16", "clip": "<i>usual</i>"},
}


def lines(steps: int = 3, **more: float) -> list[dict[str, Any]]:
    return [{"step": n, "loss": 2.0 / n, "tokens": 60 * n, "seconds": 0.5 * n} | more for n in range(1, steps + 1)]


def lined(records: Iterable[Any]) -> str:
    """As JSON Lines."""
    return "".join(json.dumps(record) + "\n" for record in records)
