"""How long `onward --help` takes to answer, beside the interpreter that does nothing. Aim: under 0.4 s.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Both in turn, so that a slow spell of the machine hits both; medians."""
    pairs = [(seconds(["-m", "onward", "--help"]), seconds(["-c", "pass"])) for _ in range(ROUNDS)]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"onward --help {ours:.3f} s, bare interpreter {bare:.3f} s (medians of {ROUNDS}, interleaved)")


if __name__ == "__main__":
    main()
