"""How a stage learned to speak: what it made of the same prompts, at temperature 0, at its first look, on the way and at its last.

It reads `said.jsonl`, which pretraining and instruction tuning leave in their folders: a line for each look and prompt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.errors import FolderError

FILE = "said.jsonl"
SHOWN, LOOKS = 2, 4
"""Prompts, and looks at each: the first, after a third, after two thirds, the last."""


@dataclass(frozen=True)
class Said:
    """A prompt, and by the step what came of it."""

    prompt: str
    texts: Sequence[tuple[int, str]]


def said(folder: Path) -> list[Said]:
    """The first prompts; none where there is no file.   Raises FolderError where a line is damaged or missing."""
    file = folder / FILE
    by_prompt: dict[str, dict[int, str]] = {}
    for step, prompt, text in _lines(file):
        by_prompt.setdefault(prompt, {})[step] = text
    steps = sorted({step for texts in by_prompt.values() for step in texts})
    for prompt, texts in by_prompt.items():
        if missing := set(steps) - set(texts):
            raise FolderError(f"{file} does not say what came of {prompt[:40]!r} at step {min(missing):,}. {MEND}")
    looks = sorted({steps[round(number * (len(steps) - 1) / (LOOKS - 1))] for number in range(LOOKS)}) if steps else []
    return [Said(prompt, [(step, texts[step]) for step in looks]) for prompt, texts in list(by_prompt.items())[:SHOWN]]


MEND = "Put back the original, or remove it, and the report is made without."


def _lines(file: Path) -> list[tuple[int, str, str]]:
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [_line(file, number, line) for number, line in enumerate(lines, 1)]


def _line(file: Path, number: int, line: bytes) -> tuple[int, str, str]:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    kinds = {"step": int, "prompt": str, "text": str}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in kinds.items()):
        raise FolderError(f"{file}, line {number}: this is not what a model said at a step. {MEND}")
    return found["step"], found["prompt"], found["text"]
