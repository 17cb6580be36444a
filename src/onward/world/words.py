"""The word lists of the world, read from its data files: names, and what people may be, have and like.

Left out: phrasings of facts (phrases.py).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

DATA = files("onward.world") / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """The data file NAME.toml."""
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def words(name: str, file: str = "words") -> tuple[str, ...]:
    """One list of a data file, such as "job"; a dot goes into a table, as in "things.room"."""
    found: Any = table(file)
    for part in name.split("."):
        found = found[part]
    return split(found) if isinstance(found, str) else tuple(found)


def split(text: str) -> tuple[str, ...]:
    """The words of a string, parted by white space; or by |, where they have spaces of their own."""
    return tuple(word.strip() for word in text.split("|")) if "|" in text else tuple(text.split())


@cache
def joined(name: str) -> tuple[str, ...]:
    """All names that the two parts of a list make: "Ash" and "ford" are Ashford, "Amber" and "Works" Amber Works."""
    first, second = map(split, table("names")[name])
    between = "" if second[0][0].islower() else " "
    names = (f"{a}{between}{b}" for a in first for b in second)
    return tuple(name for name in names if not re.search(r"(.)\1\1", name))  # no Millland
