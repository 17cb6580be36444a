"""What a process may still take: the machine's free memory, its own limits, the limits of its group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onward.train.limits import memory_left

ASK = "import resource; resource.setrlimit(resource.{0}, (2**30, 2**30)); from onward.train.limits import memory_left; print(memory_left())"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine with 4 GiB free, on which this process is in the group jobs/mine."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: 9999999 kB\nMemAvailable: {4 * 2**20} kB\n")
    (tmp_path / "proc" / "self" / "cgroup").write_text("4:memory:/other\n0::/jobs/mine\n")
    return tmp_path / "proc"


def limit(group: Path, most: str, now: int, cache: int = 0) -> None:
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{now}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {cache}\nactive_file {cache}\n")


@pytest.mark.parametrize("kind", ["RLIMIT_DATA", "RLIMIT_AS"])
def test_a_limit_of_the_shell_counts_less_what_is_taken(kind: str) -> None:
    told = subprocess.run([sys.executable, "-c", ASK.format(kind)], capture_output=True, text=True, check=True)
    assert 0 < int(told.stdout) < 2**30


def test_without_limits_it_is_what_the_machine_has_free(proc: Path, tmp_path: Path) -> None:
    assert memory_left(proc, tmp_path / "groups") == 4 * 2**30
    (proc / "meminfo").unlink()
    assert memory_left(proc, tmp_path / "groups") == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_tightest_group_counts_and_its_file_cache_is_free(proc: Path, tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    limit(groups / "jobs", str(2**30), 2**29)
    assert memory_left(proc, groups) == 2**29
    limit(groups / "jobs" / "mine", str(2**30), 2**30 - 1000, cache=20)
    assert memory_left(proc, groups) == 1040
    (groups / "jobs" / "mine" / "memory.max").write_text("max\n")
    assert memory_left(proc, groups) == 2**29
