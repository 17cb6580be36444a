"""The stages of a road, and which of a run folder's models one talks to. No torch here: reports read it too."""

from __future__ import annotations

from pathlib import Path

STAGES = ("base", "sft", "reward", "chat")
"""The model folders of a road, in the order in which they are made; `reward` judges and does not talk."""


def furthest_stage(where: str | Path) -> str | Path:
    """The last talking stage in a run folder; anything else as it is."""
    path = Path(where)
    if (path / "config.json").exists():
        return where
    made = [path / stage for stage in STAGES if stage != "reward" and (path / stage / "config.json").exists()]
    return made[-1] if made else where
