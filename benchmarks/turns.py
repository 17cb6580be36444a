"""Trainings in turn, for benchmarks: each in a process of its own, held still while another has the machine.

Every side runs its whole real loop, from the first step on. A `Gate`, called after each of its steps, holds it until the next
turn; so a slow spell of the machine hits all sides alike, and no side's threads, compiler or memory touch another's. What is timed lies
between two calls of the gate: loading the batch, forward, backward, clipping, the optimiser, and whatever else the loop does. The
first step of a turn is not counted: it would profit from batches that a side has prepared while it was held, and pay for caches that
another side has emptied.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

PATIENCE = 60.0
"""Seconds that a side may take to end before it is made to."""


class SideFailedError(Exception):
    """A side has ended before its time; the message is the end of what it said."""


class Gate:
    """In a side's process: call `step_done` after each step. `loss` is asked before the first step and after the last."""

    def __init__(self, loss: Callable[[], float]) -> None:
        self.loss = loss
        self.channel = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # whatever else is printed goes to the log
        self.first = {"loss": loss()}
        self.wanted = self.done = 0
        self.began = time.perf_counter()

    def step_done(self) -> None:
        if self.first:
            self._answer(self.first | {"seconds": self._seconds()})
            self.first = {}
            self._wait()
            return
        self.done += 1
        if self.done == 1:
            self._seconds()
            self.busy = time.process_time()
        if self.done > self.wanted:
            self._answer({"seconds": self._seconds(), "busy": time.process_time() - self.busy})
            self._wait()

    def _seconds(self) -> float:
        """Since the last call, all work on the device done."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        began, self.began = self.began, time.perf_counter()
        return self.began - began

    def _wait(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # the next side may need the memory
        said = sys.stdin.readline().strip()
        if not said.isdigit():
            self._answer({"loss": self.loss()} if said else {})
            raise SystemExit
        self.wanted, self.done = int(said), 0
        self.began = time.perf_counter()

    def _answer(self, value: dict[str, Any]) -> None:
        try:
            print(json.dumps(value), file=self.channel, flush=True)
        except BrokenPipeError:  # the benchmark itself has ended
            raise SystemExit from None


def compiler_cache(folder: Path) -> dict[str, str]:
    """The environment of a process whose compilers keep what they have made in `folder`, and find nothing elsewhere."""
    names = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "XDG_CACHE_HOME": "further"}
    return {variable: str(folder / name) for variable, name in names.items()}


class Side:
    """In the benchmark's process: one training, to be given its turns. Use it in a `with`.

    first_step: seconds from the call of the training loop to the end of its first step.   loss: before it.
    busy: seconds of processor time in the last turn, of all its threads; beside the clock's, they say how much of it others have taken.
    """

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.name, self.log = name, log
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=os.environ | environment,
            )
        try:
            ready = self._read()
        except BaseException:  # `with` has not begun yet
            self._end()
            raise
        self.first_step, self.loss = ready["seconds"], ready["loss"]
        self.busy = 0.0

    def turn(self, steps: int) -> float:
        """Let it take one step, and then `steps` more, which are timed.   Returns their seconds."""
        answer = self._ask(str(steps))
        self.busy = float(answer["busy"])
        return float(answer["seconds"])

    def peak_memory(self) -> int:
        """The most main memory that it has had, in bytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    def stop(self) -> float:
        """End it.   Returns the loss, where it has come to."""
        return float(self._ask("stop")["loss"])

    def _ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failed() from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._failed()
        value: dict[str, Any] = json.loads(line)
        return value

    def _failed(self) -> SideFailedError:
        self.process.wait(PATIENCE)
        said = self.log.read_text(errors="replace").strip().splitlines()[-12:]
        return SideFailedError(f"{self.name} ended with code {self.process.returncode}:\n  " + "\n  ".join(said))

    def _end(self) -> None:
        """By its end of the pipe, which a side that waits for its turn sees as the end; else by force."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
