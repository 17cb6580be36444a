"""The C++ of this folder, compiled on first use for the very processor that it will run on, and kept on disk between runs.

It takes some ten seconds, once. The code knows nothing of Python and torch and is called through ctypes; that is why the compiler is
called here and not by torch.utils.cpp_extension, which needs ninja, reads all of torch's headers (most of a minute), and whose lock keeps
everyone waiting after a build that was killed. Here a build is made beside its place and renamed into it. Left out: Windows.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from onward.errors import NativeError

SOURCES = ("vectors.h", "team.h", "products.h", "draws.h", "step.cpp")
FLAGS: tuple[str, ...] = ("-std=c++20", "-O3", "-fno-math-errno", "-shared", "-fPIC", "-pthread", "-w")
if sys.platform == "linux":
    FLAGS += (
        "-Wl,-z,defs",
    )  # a C compiler, which leaves the library of C++ out, is to fail now and not when it is loaded
TUNED = ("-march=native", "-mcpu=native", "-O3")
"""How compilers are told to use all that the processor has, the last resort being not to."""
PROBE = "int *probe() { return new int; }\n"
"""What a compiler that cannot do it fails at in a moment: one for C (peft sets CXX=gcc), or one that knows no such flag."""


@cache
def library() -> ctypes.CDLL:
    """The compiled code, by the first compiler that can make it.   Raises NativeError where it cannot be compiled or loaded."""
    wrong = NativeError("there is no C++ compiler (g++ or clang++) for the decode step. Install one.")
    for compiler in _compilers():
        made = _place() / f"{_key(compiler)}.so"
        try:
            if not made.exists():
                _compile(compiler, made)
            return ctypes.CDLL(str(made))
        except NativeError as error:
            wrong = error
        except OSError as error:
            wrong = NativeError(f"the compiled decode step cannot be loaded ({error}). Delete {made}, and try again.")
    raise wrong


def _compilers() -> list[str]:
    named = (os.environ.get("CXX"), "g++", "clang++")
    return [found for name in named if name and (found := shutil.which(name))]


def _place() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "onward" / "native"


def _key(compiler: str) -> str:
    """Changes with all that the result depends on: the code, the flags, the compiler and the processor (home folders are shared)."""
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    code = b"".join((Path(__file__).parent / name).read_bytes() for name in SOURCES)
    told = "\n".join((*FLAGS, *TUNED, compiler, platform.machine(), *_processor()))
    return hashlib.sha256(version + code + told.encode()).hexdigest()[:32]


def _processor() -> set[str]:
    """What tells one processor from another: on Linux its model and its flags."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return {platform.processor()}
    return {line for line in lines if line.lower().startswith(("flags", "features", "model name", "cpu part"))}


def _compile(compiler: str, made: Path) -> None:
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            new, probe = Path(folder) / made.name, Path(folder) / "probe.cpp"
            probe.write_text(PROBE)
            for tuned in TUNED:
                for source in (probe, Path(__file__).parent / SOURCES[-1]):
                    command = [compiler, *FLAGS, tuned, str(source), "-o", str(new)]
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    if done.returncode != 0:
                        break
                else:
                    new.replace(made)
                    return
    except OSError as error:
        raise NativeError(f"the decode step cannot be compiled in {made.parent}: {error}") from error
    said = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
    raise NativeError(
        f"{compiler} cannot compile the decode step ({said[:200]}). A newer one (g++ 12, clang++ 15) may."
    )
