"""An item: one thing that is asked, what answers are right, and by which rule an answer is judged.

In a suite's file an item is a mapping; `item_of` reads one, and says in a few words what is wrong with it. Left out: where it stands in
the file (readers.py), and the rules themselves (rules.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onward.errors import ChatError
from onward.evaluate.rules import WITH_PATTERN, WRITTEN, number
from onward.generate.chat_model import Message
from onward.tokens.chat import check

CHOICE = "choice"
USUAL = "contains"
"""The rule of an item without options that names none."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """Either `messages`, a conversation that is to be answered, or `text`, which is to be carried on.

    answers: every right one.   options: what the answer might have been, the right one among it.   group: items with the same are not
    independent, as those about one person.   kind: what the table is broken down by.   chance: the share that a guess gets right, where it
    is known.   truth: what the rule wants to know besides.
    """

    id: str
    messages: tuple[Message, ...] = ()
    text: str = ""
    rule: str = USUAL
    answers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    group: str = ""
    kind: str = ""
    chance: float | None = None
    truth: Mapping[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked last, in words."""
        return self.text or self.messages[-1]["content"]

    @property
    def right(self) -> int:
        """The place of the right option. Of two options that are alike, as some tables have, the truth says which is meant."""
        place = self.truth.get("place")
        return self.options.index(self.answers[0]) if place is None else int(place)

    @property
    def cluster(self) -> str:
        return self.group or self.id


FIELDS = ("id", "prompt", "messages", "text", "answer", "options", "score", "group", "kind", "chance")


def item_of(record: object, place: int, usual: str | None = None) -> Item:
    """An item out of a suite's file.   place: its number, for one without an id.   usual: the suite's own rule.   Raises ValueError."""
    if not isinstance(record, dict):
        raise ValueError("an item is a mapping, with a prompt and an answer")
    refuse_strange(record, FIELDS)
    options = _texts(record, "options")
    rule = record.get("score") or usual or (CHOICE if options else USUAL)
    if rule not in WRITTEN:
        raise ValueError(f"score: {rule!r} is no rule. There are: {', '.join(WRITTEN)}")
    answers, chance = _texts(record, "answer"), record.get("chance", 1 / len(options) if options else None)
    if not answers:
        raise ValueError("there is no answer")
    _check(rule, answers, options)
    if not (chance is None or (isinstance(chance, int | float) and 0 <= chance <= 1)):
        raise ValueError(f"chance: {chance!r} is no share between 0 and 1")
    return Item(
        id=str(record.get("id", place)),
        rule=rule,
        answers=answers,
        options=options,
        group=str(record.get("group", "")),
        kind=str(record.get("kind", "")),
        chance=chance,
        **_asked(record),
    )


def refuse_strange(record: Mapping[Any, Any], known: Sequence[str]) -> None:
    """Raises ValueError where there is a field that nobody would read."""
    for name in record:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise ValueError(
                f"{name!r} is no field" + (f"; {near[0]!r} is" if near else f". There are: {', '.join(known)}")
            )


def _asked(record: Mapping[str, Any]) -> dict[str, Any]:
    given = [name for name in ("prompt", "messages", "text") if name in record]
    if len(given) != 1:
        raise ValueError(
            "an item has one of prompt (a question), messages (a conversation) and text (to be carried on)"
        )
    asked = record[given[0]]
    if given[0] == "messages":
        try:
            check(asked, answered=False)
        except (ChatError, TypeError) as error:
            raise ValueError(f"messages: {error}") from error
        return {"messages": tuple(asked)}
    if not isinstance(asked, str) or not asked.strip():
        raise ValueError(f"{given[0]} is no text")
    return {"text": asked} if given[0] == "text" else {"messages": ({"role": "user", "content": asked},)}


def _texts(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """One text or several; numbers and yes or no, which YAML makes of unquoted words, are taken as people wrote them."""
    found = record.get(name, [])
    listed = found if isinstance(found, list) else [found]
    for one in listed:
        if isinstance(one, bool):
            raise ValueError(
                f"{name}: YAML reads {one} out of yes, no, on, off, true or false. Put it in quotation marks"
            )
        if not isinstance(one, str | int | float) or not str(one).strip():
            raise ValueError(f"{name}: {one!r} is no text")
    return tuple(map(str, listed))


def _check(rule: str, answers: tuple[str, ...], options: tuple[str, ...]) -> None:
    if rule == CHOICE:
        if not 2 <= len(options) <= 26 or len(set(options)) < len(options):
            raise ValueError(f"options: 2 to 26 different ones are wanted, and here are {len(options)}")
        if len(answers) != 1 or answers[0] not in options:
            raise ValueError(f"answer: {', '.join(answers)!r} is not one of the options, word for word")
    if rule in WITH_PATTERN:
        for answer in answers:
            try:
                re.compile(answer)
            except re.error as error:
                raise ValueError(f"answer: {answer!r} is no regular expression ({error})") from error
    if rule == "number":
        for answer in answers:
            if number(answer) is None:
                raise ValueError(f"answer: {answer!r} is no number")
