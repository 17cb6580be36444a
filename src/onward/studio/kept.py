"""Conversations, kept in SQLite in the user's data folder: trees of turns, added to as one talks.

A turn is what was asked and what each model answered. Turns with the same parent are branches of one conversation: an edited question, an
answer drawn anew. Two pages may write at a time; nothing that was said is overwritten, but for an answer that is still growing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onward.errors import OutputError
from onward.lineage import now

TITLE = 60
"""Characters of a conversation's title: the beginning of what was asked first."""
_TABLES = """
CREATE TABLE IF NOT EXISTS conversations (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, time TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    parent INTEGER REFERENCES turns (id),
    asked TEXT NOT NULL,
    settings TEXT NOT NULL,
    answers TEXT NOT NULL,
    time TEXT NOT NULL
);
"""


@dataclass
class Answer:
    """What a model has said so far.   finish: how it ended; "" while it has not.   error: why it could not go on."""

    text: str = ""
    finish: str = ""
    error: str = ""


@dataclass
class Turn:
    """settings: the system prompt and the sampling it was asked with.   answers: by model."""

    id: int
    conversation: int
    parent: int | None
    asked: str
    settings: dict[str, Any]
    answers: dict[str, Answer] = field(default_factory=dict)


def data_folder() -> Path:
    """Where programs keep a user's data: XDG's base directory, which ONWARD_DATA overrides."""
    own = os.environ.get("ONWARD_DATA")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "onward"


class Kept:
    """The file, made where there is none. Each call opens it anew: handlers run in many threads.   Raises OutputError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path.parent} cannot be made ({error.strerror}). Set ONWARD_DATA to a folder."
            ) from error
        with self._opened():
            pass

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as file, file:
                file.executescript(_TABLES)
                yield file
        except sqlite3.Error as error:
            raise OutputError(
                f"{self.path} cannot be read or written ({error}). Move it away to begin anew."
            ) from error

    def begin(self, asked: str) -> int:
        """A new conversation. Returns its number."""
        title = " ".join(asked.split())[:TITLE] or "(nothing)"
        with self._opened() as file:
            return int(
                file.execute("INSERT INTO conversations (title, time) VALUES (?, ?)", (title, now())).lastrowid or 0
            )

    def add(
        self, conversation: int, parent: int | None, asked: str, settings: dict[str, Any], answers: dict[str, Answer]
    ) -> Turn:
        row = (conversation, parent, asked, json.dumps(settings), _packed(answers), now())
        columns = "conversation, parent, asked, settings, answers, time"
        with self._opened() as file:
            number = file.execute(f"INSERT INTO turns ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row).lastrowid
            file.execute("UPDATE conversations SET time = ? WHERE id = ?", (now(), conversation))
        return Turn(int(number or 0), conversation, parent, asked, settings, answers)

    def answered(self, turn: Turn) -> None:
        """Write down what the models have said so far."""
        with self._opened() as file:
            file.execute("UPDATE turns SET answers = ? WHERE id = ?", (_packed(turn.answers), turn.id))

    def conversations(self) -> list[tuple[int, str, str]]:
        """Number, title and time of each, the last one first."""
        with self._opened() as file:
            return file.execute("SELECT id, title, time FROM conversations ORDER BY time DESC, id DESC").fetchall()

    def turns(self, conversation: int) -> dict[int, Turn]:
        """By number, in the order in which they came."""
        columns = "id, conversation, parent, asked, settings, answers"
        with self._opened() as file:
            rows = file.execute(
                f"SELECT {columns} FROM turns WHERE conversation = ? ORDER BY id", (conversation,)
            ).fetchall()
        try:
            return {row[0]: Turn(row[0], row[1], row[2], row[3], json.loads(row[4]), _unpacked(row[5])) for row in rows}
        except (ValueError, TypeError, AttributeError) as error:
            raise OutputError(
                f"a turn of this conversation is damaged in {self.path} ({error}). Begin a new one, or delete it."
            ) from error

    def remove(self, conversation: int) -> None:
        with self._opened() as file:
            file.execute("DELETE FROM turns WHERE conversation = ?", (conversation,))
            file.execute("DELETE FROM conversations WHERE id = ?", (conversation,))


def _packed(answers: dict[str, Answer]) -> str:
    return json.dumps({name: vars(answer) for name, answer in answers.items()})


def _unpacked(text: str) -> dict[str, Answer]:
    return {name: Answer(**answer) for name, answer in json.loads(text).items()}


def path_to(turns: dict[int, Turn], leaf: int | None) -> list[Turn]:
    """The turns from the first one to `leaf`."""
    found: list[Turn] = []
    while leaf is not None and leaf in turns:
        found.append(turns[leaf])
        leaf = turns[leaf].parent
    return found[::-1]


def beside(turns: dict[int, Turn], turn: Turn) -> list[Turn]:
    """The turns with the same parent, itself too: the branches at its place."""
    return [one for one in turns.values() if one.parent == turn.parent]


def latest_below(turns: dict[int, Turn], turn: int) -> int:
    """The end of the branch that was talked on last from a turn on."""
    while children := [one.id for one in turns.values() if one.parent == turn]:
        turn = max(children)
    return turn
