"""One model folder of a run as its report sees it: what made it, how many numbers it holds, and what its training wrote step by step.

An adapter's folder is one too. Left out: a drafter's, which is no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onward import lineage
from onward.errors import FolderError
from onward.files import size_below
from onward.generate.stages import STAGES
from onward.lineage import Lineage
from onward.model.describe import describe, describe_adapter
from onward.model.folder import is_adapter
from onward.train.callbacks import read_metrics


@dataclass(frozen=True, kw_only=True)
class Stage:
    """parameters: of an adapter, those of its own.   metrics: a line a step, none where nothing was trained."""

    name: str
    folder: Path
    history: Lineage
    parameters: int
    adapter: bool = False
    metrics: Sequence[dict[str, Any]] = field(default=(), repr=False)

    @property
    def minutes(self) -> float | None:
        return self.metrics[-1]["seconds"] / 60 if self.metrics else None

    @property
    def tokens(self) -> int:
        """What was learned from, in `counted`."""
        return int(self.metrics[-1]["tokens"]) if self.metrics else 0

    @property
    def counted(self) -> str:
        ranked = any("held_out_pairs_right" in line for line in self.metrics)
        return "rankings" if ranked or self.history.verb == "reward" else "tokens"

    @property
    def talks(self) -> bool:
        return self.history.verb != "reward"

    @property
    def bytes(self) -> int:
        return size_below(self.folder)


def stages(run: Path) -> list[Stage]:
    """Those in a run folder, in the order in which they were made; or the one that the folder itself is.

    Raises FolderError where there is none, or one is damaged.
    """
    if (run / lineage.FILE).exists():
        if not _is_model(run):
            raise FolderError(
                f"{run} holds no model but something else that Onward has made, so there is nothing to report."
            )
        return [_stage(run)]
    found = [_stage(path.parent) for path in sorted(run.glob(f"*/{lineage.FILE}")) if _is_model(path.parent)]
    if not found:
        raise FolderError(
            f"{run} holds no model folder with a lineage ({lineage.FILE}), so there is nothing to report."
        )
    return sorted(found, key=_order)


def _is_model(path: Path) -> bool:
    return (path / "config.json").exists() or is_adapter(path)


def _order(stage: Stage) -> tuple[int, str]:
    """As on the road; what has another name comes after, by its date."""
    return (STAGES.index(stage.name) if stage.name in STAGES else len(STAGES)), stage.history.date


def _stage(path: Path) -> Stage:
    history, adapter = lineage.of(path), is_adapter(path)
    return Stage(
        name=path.resolve().name,
        folder=path,
        history=history,
        parameters=sum(describe_adapter(path)["stored"].values()) if adapter else describe(path)["parameters"]["total"],
        adapter=adapter,
        metrics=read_metrics(path / "metrics.jsonl"),
    )
