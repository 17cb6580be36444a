"""Every reply that a teacher has given, on disk as it comes: what is paid for is never asked for again.

One JSON object a line, appended and synced; a kill loses what was on its way and nothing else. A reply lies under a hash of what was
asked, so going on is asking again: what is known comes from here. Left out: the conversations that come of it, which follow from the
replies.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from onward.errors import FolderError
from onward.files import BEGIN_ANEW, append_line, whole_lines
from onward.generate.chat_model import Message, Reply
from onward.generate.settings import Sampling


@dataclass(frozen=True)
class Request:
    """Messages to be answered, and how."""

    messages: Sequence[Message]
    sampling: Sampling

    @cached_property
    def key(self) -> str:
        asked = json.dumps([list(self.messages), asdict(self.sampling)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:32]


class Journal:
    """The replies in a file, which is begun or gone on with. Several threads may add.

    seconds: worked so far, over all starts.   Raises FolderError where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.prompt_tokens = self.tokens = 0
        self._replies: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._before = self._read()
        self._began = time.monotonic()

    def _read(self) -> float:
        """Take in what is there, and take away a last line that was not finished. Returns the seconds worked until then."""
        seconds = 0.0
        for number, line in enumerate(whole_lines(self.path), start=1):
            try:
                entry = json.loads(line)
                seconds = float(entry.pop("seconds"))
                self._take(str(entry.pop("asked")), Reply(**entry))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise FolderError(f"{self.path}, line {number}, is damaged ({error}). {BEGIN_ANEW}") from error
        return seconds

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    @property
    def spent(self) -> int:
        """Tokens, read and written by the teacher."""
        return self.prompt_tokens + self.tokens

    def get(self, request: Request) -> Reply | None:
        return self._replies.get(request.key)

    def add(self, request: Request, reply: Reply) -> None:
        """Keep a reply.   Raises OutputError where the disk is full."""
        entry = {"asked": request.key, **asdict(reply), "seconds": round(self.seconds, 3)}
        with self._lock:
            append_line(self.path, entry)
            self._take(request.key, reply)

    def _take(self, key: str, reply: Reply) -> None:
        self._replies[key] = reply
        self.prompt_tokens += reply.prompt_tokens
        self.tokens += reply.tokens
