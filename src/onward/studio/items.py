"""What stands in a file of data, one after the other: texts, conversations, prompts, or answers in the order in which they were preferred.

Left out: writing, and showing them (rooms/data.py, pieces.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from onward.corpus.chats import Conversation, read_chats
from onward.corpus.preferences import Ranking, read_preferences
from onward.corpus.prompts import Prompt, read_prompts
from onward.corpus.read import Document, documents, kind
from onward.errors import DataError, PlanError

Item = Ranking | Conversation | Prompt | Document
MOST = 100_000
"""Items of a file that are gone through to find one."""


def item(path: Path, number: int) -> Item:
    """The item of that number, from 1, as the first reader has it that knows the file's format.   Raises DataError, PlanError."""
    if not 1 <= number <= MOST:
        raise PlanError(f"number {number:,}: from 1 to {MOST:,}.")
    found: Item | None = next(islice(iter(_items(path)), number - 1, number), None)
    if found is None:
        raise PlanError(f"{path.name} has fewer than {number:,} items. Choose a smaller number.")
    return found


def _items(path: Path) -> Iterable[Any]:
    """Every record that can be used; the others are passed over here, and a training says what was wrong with them."""
    readers: tuple[Callable[..., Iterable[Any]], ...] = (read_preferences, read_chats, read_prompts)
    if kind(path).startswith(".jsonl"):
        for reader in readers:
            try:
                reader(path)
            except DataError:  # its first record is not of this format
                continue
            return reader(path, skip_bad=True)
    return documents([str(path)], skip_bad=True)
