"""Prompts in: what a model is to be asked, out of the conversations and preferences that are common, or a text file with a prompt a line.

OpenAI messages, ShareGPT and Alpaca as in chats.py, and records with a "prompt", a text or messages, as preferences have (answers beside
it are passed over); as .jsonl (also .gz and .zst) or a .json list, or a folder of these. Where a conversation ends with an answer, that is
taken away; answers before it stay.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from onward.corpus.chats import Message, alpaca_question, from_openai, from_sharegpt, with_system, with_tools
from onward.corpus.read import RecordError, documents, kind
from onward.corpus.records import Records, record_files
from onward.errors import BadLine, ChatError, DataError
from onward.tokens.chat import check

TEXT = ".txt"


@dataclass(frozen=True)
class Prompt:
    """Messages that end with what a user or a tool said.   number: from 1, the line, or the place in a list."""

    messages: list[Message]
    source: str
    number: int

    @cached_property
    def key(self) -> str:
        """The same for the same messages."""
        return key_of(self.messages)


def key_of(messages: list[Message]) -> str:
    """What tells one prompt from another, 128 bits in hexadecimal."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:32]


def read_prompts(
    path: Path, *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None
) -> list[Prompt]:
    """All prompts of a file or folder, in order; of copies, the first.   Raises DataError, one line."""
    found = _lines(path) if kind(path) == TEXT else Prompts(path, skip_bad, on_skip)
    first = dict[str, Prompt]()
    for prompt in found:
        first.setdefault(prompt.key, prompt)
    return list(first.values())


def prompt_files(path: Path) -> list[Path]:
    """The files that prompts are read from.   Raises DataError."""
    return [path] if kind(path) == TEXT else record_files(path, Prompts.one)


def _lines(path: Path) -> Iterator[Prompt]:
    """Every line of a text file that is not blank."""
    lines = [line for document in documents([path]) for line in document.text.splitlines()]
    found = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise DataError(f"{path} holds no prompt. Write one on each line.")
    for number, line in found:
        yield Prompt([{"role": "user", "content": line}], str(path), number)


class Prompts(Records[Prompt]):
    """The prompts of a file, or of all files in a folder."""

    one = "prompt"
    known = 'OpenAI "messages", ShareGPT "conversations", "prompt" (a text or messages), "instruction"'

    def _format_of(self, record: Any) -> str | None:
        if isinstance(record, list) or (isinstance(record, dict) and "messages" in record):
            return "OpenAI messages"
        names = {"prompt": "prompts", "conversations": "ShareGPT", "instruction": "instructions"}
        return next((names[name] for name in names if isinstance(record, dict) and record.get(name)), None)

    def _item(self, record: Any, format: str, source: str, number: int) -> Prompt:
        messages = READERS[format](record)
        while messages and messages[-1]["role"] == "assistant":
            messages = messages[:-1]
        try:
            check(messages, answered=False)
        except ChatError as error:
            raise RecordError(str(error).removesuffix(".")) from error
        if messages[-1]["role"] == "system":
            raise RecordError("nothing in it is said by a user")
        return Prompt(messages, source, number)


def _from_prompt(record: dict[str, Any]) -> list[Message]:
    asked = record["prompt"]
    messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else from_openai({"messages": asked})
    return with_tools(with_system(messages, record), record.get("tools"))


READERS: dict[str, Callable[[Any], list[Message]]] = {
    "OpenAI messages": from_openai,
    "ShareGPT": from_sharegpt,
    "prompts": _from_prompt,
    "instructions": lambda record: with_system([alpaca_question(record)], record),
}
