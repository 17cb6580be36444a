"""Peak memory: of this process above what it was before a model was opened, or of a server that tells.

Linux keeps the peak of a process, and lets it begin anew; elsewhere there is only the peak since the start. What is shared with other
processes, as mapped weight files, counts as well. Left out: memory that other processes of a server have.
"""

from __future__ import annotations

import gc
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import torch

from onward.errors import EndpointError
from onward.generate.endpoint import EndpointModel

SELF = Path("/proc/self")
TOLD = re.compile(r"^process_resident_memory_bytes(?:\{[^}]*\})? ([0-9.eE+]+)$", re.MULTILINE)
"""As Prometheus' clients name it."""


class Peak:
    """Of this process and, where there is one, of its CUDA device, from now on."""

    def __init__(self) -> None:
        gc.collect()  # what is garbage already shall not make room unseen
        with suppress(OSError):
            (SELF / "clear_refs").write_text("5")  # the peak begins anew (proc(5))
        self.before = _status("VmRSS")
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def bytes(self) -> int:
        """How far the process has risen above what it was."""
        return max(0, _status("VmHWM") - self.before)

    @staticmethod
    def on_device() -> int:
        """Bytes that torch has taken of the CUDA device, at most; 0 without one."""
        return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def _status(name: str) -> int:
    """A line of /proc/self/status in bytes; elsewhere the largest resident set so far."""
    try:
        lines = (SELF / "status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def of_server(model: EndpointModel) -> int | None:
    """Bytes that the server's process has now, as its /metrics says; None where it does not."""
    try:
        found = TOLD.search(httpx.get(model.address.removesuffix("/v1") + "/metrics", timeout=5).text)
    except httpx.HTTPError:
        return None
    if found is None:
        return None
    try:
        return round(float(found[1]))
    except ValueError as error:
        raise EndpointError(f"{model.address} tells its memory as {found[1]!r}, which is no number.") from error
