"""What a judge's reply says, read strictly: one verdict in double brackets, and no other. Whatever else it is, it is not in form.

A reply that is not in form is counted apart and never guessed at: a guess would be right more often for one kind of answer than for
another. Thoughts before the reply are passed over, and a reply that was cut off says nothing. Left out: the lenient reading
of a single letter (align/ranking/judging.py), which votes for a reward model can bear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from onward.align.distil.journal import Request
from onward.errors import ChatError, PlanError, RequestRefused
from onward.generate.chat_model import ChatModel, Reply

Verdict = Literal["A", "B", "tie"]
"""A: the answer shown first is better; B: the other one."""
Ask = Callable[[Sequence[Request]], Iterable[Reply | None]]
"""Replies to requests, in order; None where the judge cannot take one. The `ask` of an Asker (align/distil/asking.py) is one: it goes on
after a stop, and keeps a budget."""
ROOM = 2048
"""Tokens of a judge's reply at most. It explains itself first."""

_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_BRACKETED = re.compile(r"\[\[\s*([^\[\]]*?)\s*\]\]")
_MARK = re.compile(r"\d{1,2}(\.\d+)?")
_MEANT: dict[str, Verdict] = {"A": "A", "B": "B", "C": "tie"}


def asking(model: ChatModel) -> Ask:
    """Ask a model directly, one request after the other, and keep nothing."""

    def ask(requests: Sequence[Request]) -> Iterator[Reply | None]:
        for request in requests:
            try:
                yield model.replies(request.messages, [request.sampling])[0]
            except (PlanError, ChatError, RequestRefused):
                yield None

    return ask


def verdict(reply: Reply | None) -> Verdict | None:
    """[[A]], [[B]], or [[C]] for a tie."""
    return _MEANT.get(_said(reply) or "")


def mark(reply: Reply | None) -> float | None:
    """A number from 1 to 10, as in [[7]] or [[7.5]]."""
    said = _said(reply) or ""
    return float(said) if _MARK.fullmatch(said) and 1 <= float(said) <= 10 else None


def _said(reply: Reply | None) -> str | None:
    """What stands in double brackets, if it is always the same."""
    if reply is None or reply.finish == "length":
        return None
    found = set(_BRACKETED.findall(_THOUGHT.sub("", reply.text)))
    return found.pop() if len(found) == 1 else None
