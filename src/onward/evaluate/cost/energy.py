"""Energy: what the machine's own counters say (RAPL), or watts that somebody has measured, or a guess that is told as one.

RAPL (Running Average Power Limit) counts microjoules of each processor package; Linux shows it below /sys/class/powercap, mostly to root
only. It counts all that the machine does meanwhile, and no fans, disks or cards. Left out: counters of cards; give --watts.
"""

from __future__ import annotations

from pathlib import Path

import torch

COUNTERS = Path("/sys/class/powercap")
PER_THREAD = 5.0
"""Watts of a core at work, where nothing is known: between 3.75, the 360 W of an EPYC 9654 over its 96 cores, and 6.25, the 350 W of a
Xeon 8480+ over its 56 (the makers' thermal design power)."""


class Meter:
    """Joules since it was made, by the counters.   None where there are none to read."""

    def __init__(self, counters: Path = COUNTERS) -> None:
        self._packages = sorted(counters.glob("intel-rapl:[0-9]")) + sorted(counters.glob("intel-rapl:[0-9][0-9]"))
        self._before = [self._read(package, "energy_uj") for package in self._packages]

    def joules(self) -> float | None:
        """Read it within minutes: a counter begins anew when it is full, and is told apart only once."""
        found = 0
        for package, before in zip(self._packages, self._before, strict=True):
            now, full = self._read(package, "energy_uj"), self._read(package, "max_energy_range_uj")
            if now is None or before is None or (now < before and full is None):
                return None
            found += now - before + (0 if now >= before else full or 0)
        return found / 1e6 if self._packages else None

    @staticmethod
    def _read(package: Path, name: str) -> int | None:
        try:
            return int((package / name).read_text())
        except (OSError, ValueError):
            return None


def guessed_watts() -> tuple[float, str] | None:
    """Watts, and what they suppose; None where a card computes, of which nothing is supposed."""
    if torch.cuda.is_available():
        return None
    threads = torch.get_num_threads()
    return threads * PER_THREAD, f"a guess: {threads} thread{'s' * (threads > 1)} at {PER_THREAD:g} W"
