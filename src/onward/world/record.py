"""Record: one text, conversation or preference of the world, with what is true of it; and its form as a line of JSON.

A line has: "id"; "kind"; "split"; then either "text", or "messages" (`{"role", "content"}`, as OpenAI writes them), or "prompt" (messages),
"chosen" and "rejected" (one message each, as TRL reads preferences); and "truth", whose fields are the kind's own.

The splits: "train"; "people", questions on people whom no training question is about, or "content", puzzles of which the same holds;
"phrasing", sentences that no training text has; and "both". Left out: writing files (write.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

Split = Literal["train", "people", "content", "phrasing", "both"]
TESTS: tuple[Split, ...] = ("people", "content", "phrasing", "both")
Message = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Record:
    """truth: whatever a test needs to know: facts, the answer, what is wrong with the text. Values are JSON."""

    kind: str
    split: Split = "train"
    text: str | None = None
    messages: list[Message] | None = None
    prompt: list[Message] | None = None
    chosen: list[Message] | None = None
    rejected: list[Message] | None = None
    truth: dict[str, Any] = field(default_factory=dict)

    def id(self, number: int) -> str:
        """number: counts from 0 in a kind and split."""
        return f"{self.kind}-{self.split}-{number:06}"

    def line(self, number: int) -> str:
        """As JSON with a line end. number: counts from 0 in a kind and split."""
        found: dict[str, Any] = {"id": self.id(number), "kind": self.kind, "split": self.split}
        body = {"text": self.text, "messages": self.messages}
        body |= {"prompt": self.prompt, "chosen": self.chosen, "rejected": self.rejected}
        found |= {name: value for name, value in body.items() if value is not None}
        return json.dumps(found | {"truth": self.truth}, ensure_ascii=False) + "\n"


def chat(question: str, answer: str) -> list[Message]:
    """A conversation of one turn."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def split_of(*, people: bool, phrasing: bool) -> Split:
    """people, phrasing: whether these are held out."""
    return "both" if people and phrasing else "people" if people else "phrasing" if phrasing else "train"
