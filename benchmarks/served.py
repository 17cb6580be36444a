"""`onward serve` for benchmarks, started and stopped as a user does it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Up:
    """A server that is up.   url: http://host:port"""

    url: str
    process: int

    def figure(self, name: str) -> float:
        """A number of /metrics, summed over its labels."""
        lines = httpx.get(self.url + "/metrics", timeout=60).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((name + "{", name + " ")))

    def memory(self) -> int:
        """Megabytes of the process that lie in memory now."""
        with open(f"/proc/{self.process}/statm") as file:
            return int(file.read().split()[1]) * 4096 // 10**6


@contextmanager
def serving(*arguments: str) -> Iterator[Up]:
    """The server with these arguments, on a free port; at the end SIGTERM, and its exit code must be 0."""
    command = [sys.executable, "-m", "onward", "serve", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("serving at "):
                break
        else:
            raise SystemExit("".join(said))
        url = line.split()[-1].removesuffix("/v1")
        try:
            yield Up(url, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            if process.wait(60):
                raise SystemExit(f"the server ended with {process.returncode}: {rest[-2000:]}")
