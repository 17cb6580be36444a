"""Seeds in: conversations in any format that `read_chats` knows, or the seed tasks of Self-Instruct.

A seed task is `{"instruction": "...", "instances": [{"input": "...", "output": "..."}]}`, of which the first input counts; without
instances it is the instruction alone. Of a conversation everything up to the first answer counts. Left out: the seeds' own answers, since
the teacher's are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus.chats import Message, chat_files, read_chats
from onward.corpus.read import BadLines, RecordError, check_unicode, json_lines, kind
from onward.errors import BadLine, DataError


@dataclass(frozen=True)
class Seed:
    """What is asked. `text`: the user's part of it, for examples; `messages`: all of it, for the teacher to answer."""

    text: str
    messages: list[Message]


def read_seeds(path: Path, *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None) -> list[Seed]:
    """All seeds of a file or folder, in order.   Raises DataError."""
    files = chat_files(path)
    bad = BadLines(skip_bad, on_skip)
    if len(files) == 1 and kind(files[0]) != ".json" and _is_task(_first(files[0], skip_bad)):
        seeds = list(_tasks(files[0], bad))
    else:
        seeds = list(_conversations(path, bad))
    if not seeds:
        raise DataError(f"{path} holds no seed that can be used ({bad.count:,} left out as bad). Give at least one.")
    return seeds


def _first(file: Path, skip_bad: bool) -> Any:
    return next((record for _, record in json_lines(file, BadLines(skip_bad))), None)


def _is_task(record: Any) -> bool:
    return isinstance(record, dict) and "instruction" in record and "output" not in record


def _tasks(file: Path, bad: BadLines) -> Iterator[Seed]:
    for number, record in json_lines(file, bad):
        try:
            text = _task(record)
        except RecordError as error:
            bad(file, number, str(error))
        else:
            yield Seed(text, [{"role": "user", "content": text}])


def _task(record: Any) -> str:
    if not _is_task(record):
        raise RecordError('the file began with seed tasks, and this has no "instruction", or an "output" beside it')
    instances = record.get("instances") or [{}]
    if not isinstance(instances, list) or not isinstance(instances[0], dict):
        raise RecordError('"instances" is no list of inputs with their outputs')
    parts = [record["instruction"], instances[0].get("input") or ""]
    if not all(isinstance(part, str) for part in parts) or not parts[0].strip():
        raise RecordError("the instruction or its input is no text")
    check_unicode(parts[0] + parts[1])
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _conversations(path: Path, bad: BadLines) -> Iterator[Seed]:
    for conversation in read_chats(path, skip_bad=bad.skip_bad, on_skip=bad.on_skip):
        messages = _question(conversation.messages)
        asked = [message["content"] for message in messages if message["role"] == "user"]
        if asked:
            yield Seed("\n\n".join(asked), messages)
        else:
            bad(conversation.source, conversation.number, "nothing in this conversation is asked by a user")


def _question(messages: list[Message]) -> list[Message]:
    """Everything before the first answer to something that a user says."""
    asked = False
    for place, message in enumerate(messages):
        if asked and message["role"] == "assistant":
            return messages[:place]
        asked = asked or message["role"] == "user"
    return messages
