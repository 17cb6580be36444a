"""What the model is asked: prompts as corpus/prompts.py reads them, or a text file with one on each line; each of them once.

Left out: what stands beside a prompt in its record, such as answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onward.corpus import prompts
from onward.corpus.chats import Message
from onward.corpus.read import documents, kind
from onward.errors import BadLine, DataError

TEXT = ".txt"


@dataclass(frozen=True)
class Prompt:
    """Messages that end with what a user or a tool said."""

    messages: list[Message]

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
    if kind(path) == TEXT:
        found = _lines(path)
    else:
        read = prompts.read_prompts(path, skip_bad=skip_bad, on_skip=on_skip)
        found = (Prompt(one.messages) for one in read)
    first = dict[str, Prompt]()
    for prompt in found:
        first.setdefault(prompt.key, prompt)
    return list(first.values())


def prompt_files(path: Path) -> list[Path]:
    """The files that prompts are read from.   Raises DataError."""
    return [path] if kind(path) == TEXT else prompts.prompt_files(path)


def _lines(path: Path) -> Iterator[Prompt]:
    """Every line of a text file that is not blank."""
    lines = [line.strip() for document in documents([path]) for line in document.text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path} holds no prompt. Write one on each line.")
    for line in lines:
        yield Prompt([{"role": "user", "content": line}])
