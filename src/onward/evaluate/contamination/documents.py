"""Texts that may have been learned: a suite's items as they would stand in a file, or the documents of a JSONL file.

Left out: other forms in which a test may have leaked (as raw JSON, as HTML); a file of these is given as it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from onward.errors import SuiteError
from onward.evaluate.items import Item
from onward.evaluate.opening import open_suite

LEAST = 2
"""Texts, of which there must be so many for anything to be compared."""


def open_texts(name: str, most: int | None = None) -> tuple[str, list[Item]]:
    """What it is called, and its texts in their published order, each as an item without an answer.

    name: as for `open_suite`, or a .jsonl with a {"text": ...} a line.   most: the first so many, so that neighbours stay neighbours.
    Raises SuiteError.
    """
    if most is not None and most < LEAST:
        raise SuiteError(f"--most {most}: at least {LEAST} texts are wanted.")
    path = Path(name)
    plain = path.suffix == ".jsonl" and path.is_file() and _is_plain(path)
    if plain:
        called, items = path.stem, _plain(path)
    else:
        suite = open_suite(name)
        called = suite.name
        items = [Item(id=one.id, text=document(one), group=one.group, kind=one.kind) for one in suite.items]
    if len(items) < LEAST:
        raise SuiteError(f"{name} has {len(items)} texts; at least {LEAST} are wanted.")
    return called, items[:most]


def document(item: Item) -> str:
    """An item in one text: what is asked, its options, and the first right answer."""
    options = [
        f"{letter}) {option}" for letter, option in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", item.options, strict=False)
    ]
    return "\n".join([item.question, *options, *item.answers[:1]])


def _is_plain(path: Path) -> bool:
    """Whether its first line is a text and no more: an item has an answer, or a truth."""
    with path.open(encoding="utf-8", errors="replace") as file:
        line = next((line for line in file if line.strip()), "")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False  # the suite's reader says what is wrong with it
    return isinstance(record, dict) and "text" in record and not record.keys() & {"answer", "truth"}


def _plain(path: Path) -> list[Item]:
    found = []
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path} cannot be read ({error}). Texts are UTF-8.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SuiteError(f'{path}, line {number}: a line {{"text": ...}} is wanted ({error}).') from error
        if not isinstance(text, str) or not text.strip():
            raise SuiteError(f"{path}, line {number}: its text is empty, or no text. Mend or remove the line.")
        found.append(Item(id=str(number), text=text))
    return found
