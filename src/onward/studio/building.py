"""Trainings in the background: `onward build`, `pretrain` and others, started here, which go on without the page and without this server.

Their output goes to a log beside the runs, RUNS/.studio/NAME.log, with the words of the command beside it. The child holds a lock on the
log for as long as it lives, so that a server that is started later sees that it runs. Started again by the same words, it goes on where it
was stopped, as the command does. Left out: what the words mean (verbs.py), and how far it is (progress.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from onward.errors import OutputError, PlanError
from onward.files import explained, write_json
from onward.studio.places import Places
from onward.studio.verbs import VERBS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}(/[A-Za-z0-9][A-Za-z0-9_-]{0,40})?")
LOGS = ".studio"
TRIES = 3
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Asked:
    """name: where it writes, below the runs: RUN, or RUN/STAGE.   words: of the command, without that."""

    name: str
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Of words that were written down, too: a folder of runs may come from elsewhere.   Raises PlanError."""
        check(self.name)
        options = self.words[: self.words.index("--")] if "--" in self.words else self.words
        if options[0] not in VERBS or any(word.startswith(("--out", "-o", "--force")) for word in options):
            raise PlanError(f"the studio does not start this: {' '.join(self.words)[:80]!r}.")

    def command(self, runs: Path) -> list[str]:
        verb, *words = self.words
        return [sys.executable, "-m", "onward", verb, f"--out={runs / self.name}", *words]

    def said(self, runs: Path) -> str:
        """As a person would type it."""
        return shlex.join(["onward", *self.command(runs)[3:]])


class Builds:
    """The roads and trainings of one folder of runs."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def runs(self) -> Path:
        return self.places.new

    def names(self) -> list[str]:
        """Of all that were started here, the last one first."""
        found: list[tuple[float, str]] = []
        for file in (self.runs / LOGS).glob("*.log"):
            with suppress(OSError):
                if NAME.fullmatch(name := file.stem.replace(".", "/")) and not file.is_symlink():
                    found.append((file.stat().st_mtime, name))
        return [name for _, name in sorted(found, reverse=True)]

    def plan(self, asked: Asked) -> str:
        """What would be done, as the command's --plan says it."""
        command = asked.command(self.runs)
        done = subprocess.run([*command[:4], "--plan", *command[4:]], capture_output=True, text=True, check=False)
        return ESCAPES.sub("", done.stdout + done.stderr).strip()

    def start(self, asked: Asked) -> None:
        """Start it, or let it go on.   Raises PlanError where it runs already, OutputError."""
        log = self.log(asked.name)
        with explained(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            with _opened(log) as out:
                if not _lock(out, fcntl.LOCK_EX):
                    raise PlanError(f"{asked.name} is being built already.")
                write_json(log.with_suffix(".json"), {"process": 0, "words": list(asked.words)})
                (self.runs / asked.name).parent.mkdir(parents=True, exist_ok=True)
                child = subprocess.Popen(
                    asked.command(self.runs),
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            write_json(log.with_suffix(".json"), {"process": child.pid, "words": list(asked.words)})
        self._children.append(child)

    def go_on(self, name: str) -> None:
        """The command that began it, again.   Raises PlanError, OutputError."""
        self.start(Asked(name, tuple(map(str, self.begun(name)["words"]))))

    def stop(self, name: str) -> None:
        """As Ctrl-C does: nothing is lost.   Raises PlanError where it does not run."""
        if not self.running(name):
            raise PlanError(f"{name} is not being built now.")
        try:
            if (process := int(self.begun(name)["process"])) < 2:
                raise ProcessLookupError("its process was not written down")
            os.kill(process, signal.SIGTERM)
        except (OSError, ValueError) as error:
            raise OutputError(f"{name} cannot be stopped from here ({error}). Press Ctrl-C where it runs.") from error

    def running(self, name: str) -> bool:
        self._children = [child for child in self._children if child.poll() is None]  # those that have ended are let go
        try:
            with self.log(name).open("rb") as file:
                return not _lock(file, fcntl.LOCK_SH)
        except OSError:
            return False

    def begun(self, name: str) -> dict[str, Any]:
        """What was written down when it was started.   Raises PlanError where it was not started here."""
        file = self.log(name).with_suffix(".json")
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(found["words"], list) and found["words"] and isinstance(found["process"], int):
                return dict(found)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise PlanError(f"{name} was not started from the studio, as far as {file} says. Start it on the left.")

    def log(self, name: str) -> Path:
        check(name)
        return self.runs / LOGS / f"{name.replace('/', '.')}.log"


def check(name: str) -> None:
    """Raises PlanError for a name that is none: it becomes a path."""
    if not NAME.fullmatch(name):
        raise PlanError("a run's name has letters, digits, _ and -, and begins with a letter or digit; or RUN/STAGE.")


def _opened(log: Path) -> IO[bytes]:
    """To write at its end; not through a link, which may lead anywhere.   Raises OSError."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644), "ab")


def _lock(file: IO[bytes], how: int) -> bool:
    """Whether nobody is at work who holds the file. The lock ends with the last who has it open: this process, or a child that inherits it.

    how: LOCK_EX to hold it; LOCK_SH to see. Who only sees is gone in a moment, so that is waited for.
    """
    for _ in range(TRIES):
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False
