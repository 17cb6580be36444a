"""Grading: whether a reply gives the right answer, by rule, from the truth of a record.

A record that has an answer says in its truth: "answer", the short right answer; "accept", all that counts as right, where there is more
than one; "options", everything that the answer might have been; "chance", the share that a guess gets right. A reply is right if it names
an accepted answer as whole words and no other option, so that naming them all does not help; upper and lower case are alike.
Where the truth says "after", as in "The answer is", the reply may show its working before these words: it is right if after the last of
them, up to the end of the line, there is an accepted answer and nothing else; a reply that leaves the words out must be just the answer.
Left out: judging by a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any


def is_right(reply: str, truth: Mapping[str, Any]) -> bool:
    accepted = set(map(str.lower, truth.get("accept") or [truth["answer"]]))
    if "after" in truth:
        return final_answer(reply, truth["after"]) in accepted
    options = accepted | set(map(str.lower, truth.get("options", [])))
    named = names_in(reply, options)
    return bool(named & accepted) and not named - accepted


def final_answer(reply: str, after: str) -> str:
    """What follows the last of these words on its line, in lower case, without the full stop at the end."""
    found = reply.lower().rpartition(after.lower())[2].strip().partition("\n")[0]
    return found.strip().removesuffix(".").rstrip()


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
