"""Prompts in: what is to be answered, with everything that a record says beside it, so that an answer can be judged by it.

From conversations as chats.py reads them and preferences as preferences.py does, of which what stands before the last answer counts; from
records with a "prompt" alone; and from what the built-in world writes, whose truth comes along. Left out: the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus import chats, preferences
from onward.corpus.chats import Message
from onward.corpus.read import RecordError
from onward.corpus.records import Records, record_files
from onward.errors import BadLine, ChatError
from onward.tokens.chat import check

PLAIN = "prompts"


@dataclass(frozen=True)
class Prompt:
    """messages: end with what a user or a tool said; may begin with a system message.   record: the line as it stands.
    number: from 1, the line, or the place in a list."""

    messages: list[Message]
    record: dict[str, Any]
    source: str
    number: int

    @property
    def text(self) -> str:
        return "\n".join(message["content"] for message in self.messages)


def read_prompts(
    path: Path | str, *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None
) -> Prompts:
    """The prompts of a file or folder, whose formats are found at once and whose contents are read as they are asked for.

    `skip_bad` leaves out records that cannot be used, and calls `on_skip` with each. Raises DataError, one line.
    """
    return Prompts(Path(path), skip_bad, on_skip)


class Prompts(Records[Prompt]):
    """The prompts of a file, or of all files in a folder; can be gone through again and again."""

    one = "prompt"
    known = f'"prompt", a text or messages; conversations ({chats.Chats.known}); preferences ({preferences.Preferences.known})'

    def _format_of(self, record: Any) -> str | None:
        found = preferences.format_of(record) or chats.format_of(record)
        if found is None and isinstance(record, dict) and record.get("prompt"):
            return PLAIN
        return found

    def _item(self, record: Any, format: str, source: str, number: int) -> Prompt:
        messages = _messages(record, format)
        while messages and messages[-1]["role"] == "assistant":
            messages = messages[:-1]
        try:
            check(messages, answered=False)
        except ChatError as error:
            raise RecordError(f"the prompt: {str(error).removesuffix('.')}") from error
        if messages[-1]["role"] not in ("user", "tool"):
            raise RecordError("nobody asks anything before the answer")
        return Prompt(messages, record if isinstance(record, dict) else {"messages": record}, source, number)


def prompt_files(path: Path) -> list[Path]:
    """The files that prompts are read from: the one named, or all below a folder, sorted.   Raises DataError."""
    return record_files(path, Prompts.one)


def _messages(record: Any, format: str) -> list[Message]:
    if format in chats.READERS:
        return chats.READERS[format](record)
    return preferences.asked_by(record) if format == PLAIN else preferences.READERS[format](record).prompt
