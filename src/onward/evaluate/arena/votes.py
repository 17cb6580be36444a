"""The votes of an arena, in an SQLite file: added to, never changed, and safe against a kill at any moment.

Each vote is a row with all that was seen: the prompt, both answers, which model gave which, on which side it stood. Triggers refuse changes
and deletions; a vote that is taken back gets a second row that says so. A row that `add` has returned from is on the disk. Several may vote
into one file at a time. Left out: who voted, since nothing asks for a name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from onward.errors import DataError, OutputError
from onward.evaluate.arena.bradley_terry import Vote
from onward.lineage import now

if TYPE_CHECKING:
    from onward.generate.chat_model import Message

Choice = Literal["left", "right", "tie"]
SHARES: dict[Choice, float] = {"left": 1.0, "right": 0.0, "tie": 0.5}
"""What the model on the left has won."""
APPLICATION = 0x4F4E5741
"""In the file's header: it is ours ("ONWA")."""
PATIENCE = 30.0
"""Seconds to wait while another process writes."""

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS votes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    messages TEXT NOT NULL,
    left_model TEXT NOT NULL,
    right_model TEXT NOT NULL,
    left_answer TEXT NOT NULL,
    right_answer TEXT NOT NULL,
    choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie'))
);
CREATE TABLE IF NOT EXISTS taken_back (vote INTEGER PRIMARY KEY REFERENCES votes (id), time TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS votes_stay BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes are never changed'); END;
CREATE TRIGGER IF NOT EXISTS votes_last BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes are never deleted'); END;
PRAGMA application_id = {APPLICATION};
COMMIT;
"""


@dataclass(frozen=True)
class Battle:
    """A prompt and two answers as they were shown, and what was chosen."""

    messages: Sequence[Message]
    left_model: str
    right_model: str
    left_answer: str
    right_answer: str
    choice: Choice


class Votes:
    """The votes in a file, which is made where there is none. To be used in a `with`.

    Raises DataError where the file is something else, OutputError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained():
            self._file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._file.close()
                raise

    def _open(self) -> None:
        """Make the tables in an empty file; of another, see that it is ours."""
        self._file.execute("PRAGMA synchronous = EXTRA")  # a commit waits for the disk, and for the folder
        if not self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._file.executescript(_TABLES)
        elif self._file.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise DataError(f"{self.path} is a database of something else. Choose another place with -o.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, battle: Battle) -> int:
        """Write a vote down. Returns its number, once it is on the disk."""
        said = (battle.left_model, battle.right_model, battle.left_answer, battle.right_answer, battle.choice)
        # Half a surrogate pair, which some servers send, is no text; JSON has an escape for it.
        row = (now(), json.dumps(list(battle.messages)), *(one.encode(errors="replace").decode() for one in said))
        with self._explained():
            columns = "time, messages, left_model, right_model, left_answer, right_answer, choice"
            return int(
                self._file.execute(f"INSERT INTO votes ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0
            )

    def take_back(self, number: int) -> None:
        """From now on the vote does not count. It stays where it is."""
        with self._explained():
            self._file.execute("INSERT INTO taken_back VALUES (?, ?)", (number, now()))

    def battles(self) -> list[Battle]:
        """All that count, in the order in which they came."""
        columns = "messages, left_model, right_model, left_answer, right_answer, choice"
        with self._explained():
            rows = self._file.execute(
                f"SELECT {columns} FROM votes WHERE id NOT IN (SELECT vote FROM taken_back) ORDER BY id"
            ).fetchall()
        return [Battle(json.loads(messages), *rest) for messages, *rest in rows]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"{self.path} cannot be read or written ({error}). Choose another place with -o."
            ) from error
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self.path} holds no votes ({error}). Choose another place with -o.") from error


def as_votes(battles: Sequence[Battle]) -> list[Vote]:
    """Who has met whom, and what came of it."""
    return [Vote(one.left_model, one.right_model, SHARES[one.choice]) for one in battles]


def left_chosen(battles: Sequence[Battle]) -> tuple[int, int]:
    """How often the answer on the left was chosen, of how many votes that chose one: half of them, where the side does not count."""
    chosen = [one.choice for one in battles if one.choice != "tie"]
    return chosen.count("left"), len(chosen)
