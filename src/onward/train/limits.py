"""How much memory this process may still take: what is free on the machine, or what its own limits leave of it.

Limits are those of the shell (`ulimit -d`, `ulimit -v`) and of a control group of version 2, as containers and Slurm set it. Left out:
control groups of version 1, and limits of the processes that share one group.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def memory_left(proc: Path = PROC, groups: Path = GROUPS) -> int:
    """Bytes; the file cache counts as free, since the system gives it back."""
    free = _kilobytes(proc / "meminfo").get("MemAvailable")
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if free is None else free]
    taken = _kilobytes(proc / "self" / "status")
    for name, kind in (("VmData", resource.RLIMIT_DATA), ("VmSize", resource.RLIMIT_AS)):
        most, _ = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            found.append(most - taken.get(name, 0))
    return max(0, min(found + _of_groups(proc, groups)))


def _of_groups(proc: Path, groups: Path) -> list[int]:
    """What the group of this process, and each group that it lies in, has left; none where there is no limit."""
    lines = _text(proc / "self" / "cgroup").splitlines()
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if own is None:
        return []
    found = []
    for group in (groups / own, *(groups / parent for parent in Path(own).parents)):
        most, now = _text(group / "memory.max").strip(), _text(group / "memory.current").strip()
        if most.isdecimal() and now.isdecimal():
            stat = dict(line.split(" ", 1) for line in _text(group / "memory.stat").splitlines() if " " in line)
            found.append(int(most) - int(now) + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0)))
    return found


def _kilobytes(path: Path) -> dict[str, int]:
    """The lines `Name:  123 kB` of a file of /proc, in bytes."""
    pairs = (line.split(":", 1) for line in _text(path).splitlines() if line.endswith(" kB"))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
