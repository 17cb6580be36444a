"""Grading: whether a reply gives the right answer, by rule, from the truth of a record.

A record that has an answer says in its truth: "answer", the short right answer; "accept", all that counts as right, where there is more
than one; "options", everything that the answer might have been; "chance", the share that a guess gets right. A reply is right if it names
an accepted answer as whole words and no other option, so that naming them all does not help; upper and lower case are alike.
Left out: judging by a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any


def is_right(reply: str, truth: Mapping[str, Any]) -> bool:
    accepted = set(map(str.lower, truth.get("accept") or [truth["answer"]]))
    options = accepted | set(map(str.lower, truth.get("options", [])))
    named = names_in(reply, options)
    return bool(named & accepted) and not named - accepted


def names_in(reply: str, options: Iterable[str]) -> set[str]:
    """Which of the options a text names, in lower case. Of two that begin at the same place, the longer one counts."""
    found: list[str] = _any_of(frozenset(options)).findall(reply.lower())
    return set(found)


@lru_cache(maxsize=1024)
def _any_of(options: frozenset[str]) -> re.Pattern[str]:
    """As whole words. Of no options, nothing is found."""
    longest_first = sorted(options, key=lambda option: (-len(option), option))
    pattern = "|".join(re.escape(option) for option in longest_first)
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)" if options else r"(?!)")
