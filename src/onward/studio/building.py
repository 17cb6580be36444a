"""Roads that are built in the background: `onward build`, started here, which goes on without the page and without this server.

A road's output goes to a log beside the runs, RUNS/.studio/NAME.log. The child holds a lock on that file for as long as it lives, so a
server that is started later sees that it runs. Started again under the same name, a road goes on where it was stopped, as the command does.
Left out: verbs other than build.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from onward.errors import OnwardError, OutputError, PlanError
from onward.files import explained
from onward.generate.stages import STAGES
from onward.studio.places import Places
from onward.train.callbacks import read_metrics

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
LOGS = ".studio"
TAIL = 6000
"""Bytes of a log that are shown."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Asked:
    """What the form says."""

    name: str
    minutes: float
    seed: int

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise PlanError("a run's name has letters, digits, _ and -, and begins with a letter or digit.")
        if not 0.1 <= self.minutes <= 1e5:
            raise PlanError("minutes: from 0.1 to 100,000.")

    def command(self, runs: Path) -> list[str]:
        wishes = ["--minutes", f"{self.minutes:g}", "--seed", str(self.seed)]
        return [sys.executable, "-m", "onward", "build", *wishes, "-o", str(runs / self.name)]


@dataclass(frozen=True)
class Progress:
    """running: whether it is at work.   stages: that are made.   metrics: by stage, also of the one on its way.   log: its last lines."""

    running: bool
    stages: list[str]
    metrics: dict[str, list[dict[str, float]]]
    log: str


class Builds:
    """The roads of one folder of runs."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def runs(self) -> Path:
        return self.places.new

    def names(self) -> list[str]:
        """Of all roads that were started here, the last one first."""
        found = sorted((self.runs / LOGS).glob("*.log"), key=lambda file: -file.stat().st_mtime)
        return [file.stem for file in found if NAME.fullmatch(file.stem)]

    def plan(self, asked: Asked) -> str:
        """What would be done, as `onward build --plan` says it."""
        done = subprocess.run([*asked.command(self.runs), "--plan"], capture_output=True, text=True, check=False)
        return _ESCAPES.sub("", done.stdout + done.stderr).strip()

    def start(self, asked: Asked) -> None:
        """Start it, or let it go on.   Raises PlanError where it runs already, OutputError."""
        log = self._log(asked.name)
        with explained(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as out:
                if not _lock(out):
                    raise PlanError(f"{asked.name} is being built already.")
                child = subprocess.Popen(
                    asked.command(self.runs),
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            log.with_suffix(".json").write_text(json.dumps({"process": child.pid}), encoding="utf-8")
        self._children.append(child)

    def stop(self, name: str) -> None:
        """As Ctrl-C does: nothing is lost.   Raises PlanError where it does not run."""
        if not self.running(name):
            raise PlanError(f"{name} is not being built now.")
        try:
            process = json.loads(self._log(name).with_suffix(".json").read_text(encoding="utf-8"))["process"]
            os.kill(int(process), signal.SIGTERM)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{name} cannot be stopped from here ({error}). Press Ctrl-C where it runs.") from error

    def running(self, name: str) -> bool:
        self._children = [child for child in self._children if child.poll() is None]  # those that have ended are let go
        try:
            with self._log(name).open("rb") as file:
                return not _lock(file)
        except OSError:
            return False

    def progress(self, name: str) -> Progress:
        if not NAME.fullmatch(name):
            return Progress(False, [], {}, "")
        run = self.runs / name
        made = [stage for stage in STAGES if (run / stage).is_dir()]
        places = {stage: run / stage for stage in made}
        places |= {stage: run / f"{stage}.training" for stage in STAGES if stage not in made}
        metrics = {f"{name}/{stage}": _metrics(place) for stage, place in places.items()}
        return Progress(
            self.running(name), made, {stage: found for stage, found in metrics.items() if found}, self._tail(name)
        )

    def _log(self, name: str) -> Path:
        """Raises PlanError for a name that is none."""
        if not NAME.fullmatch(name):
            raise PlanError("a run's name has letters, digits, _ and -.")
        return self.runs / LOGS / f"{name}.log"

    def _tail(self, name: str) -> str:
        try:
            with self._log(name).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        lines = [line.rpartition("\r")[2].rstrip() for line in _ESCAPES.sub("", text).splitlines()]
        return "\n".join(lines[-24:]).strip()


def _lock(file: IO[bytes]) -> bool:
    """Whether nobody else holds the file. The lock ends with the last who has it open: this process, or a child that inherits it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _metrics(place: Path) -> list[dict[str, float]]:
    try:
        return read_metrics(place / "metrics.jsonl")
    except (OnwardError, OSError):
        return []
