"""The command line: `onward VERB THING... -o OUT`. Parse, call one function, print.

`main` is the only place where an error becomes an exit code: 2 for what the user can mend, 130 for Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from types import FrameType

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""How the operating system refuses what is printed, without a name: the disk behind `> FILE` is full, say."""


class Terminated(BaseException):
    """SIGTERM has come. Ctrl-C ends an answer of a chat; this ends the chat too."""


def main() -> None:
    """Run the command line. Never shows a traceback for an error that the user can mend, unless --debug asks for it."""
    try:
        with _stopped_by_sigterm():
            _open_what_is_closed()
            sys.exit(_run(*_without_debug(sys.argv[1:])))
    except (KeyboardInterrupt, Terminated):  # before a verb was at work, or while the last lines were written
        _stopped("")
        sys.exit(130)


def _run(arguments: list[str], debug: bool) -> int:
    """The exit code, after whatever there is to say has been said."""
    from onward.cli.app import app
    from onward.cli.options import StoppedError, UnreadError
    from onward.errors import OnwardError
    from onward.train import processes

    try:
        try:
            with processes.one_voice():
                app(arguments)
        finally:
            sys.stdout.flush()  # what cannot be written shall be said, and not raise at the very end
    except StoppedError as error:
        if processes.is_first():
            _stopped(str(error))
        return 130
    except (UnreadError, BrokenPipeError):  # the reader of our output, as in `onward show X | head`, has had enough
        _drop_output()
        return 0
    except (OnwardError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None:
            if error.errno not in UNWRITABLE:
                raise
            _drop_output()
        if debug:
            raise
        processes.say(f"onward: {_one_line(_words(error))}", elsewhere=isinstance(error, processes.ToldElsewhere))
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _stopped(verb: str) -> None:
    goes_on = (
        " Nothing is lost: the same command goes on."
        if verb in ("build", "clean", "pretrain", "sft", "distil", "rank", "scale", "train_heads")
        else ""
    )
    print(f"\nonward: stopped.{goes_on}", file=sys.stderr)


def _words(error: Exception) -> str:
    """Our own errors say it themselves. Of the operating system's, those that come so far are about a name: too long, no permission."""
    if not isinstance(error, OSError):
        return str(error)
    why = error.strerror or str(error) or type(error).__name__
    return f"cannot write the output: {why}." if error.filename is None else f"{os.fsdecode(error.filename)}: {why}."


def _one_line(text: str) -> str:
    """With everything that is no printable character, as a line end in a file name, written as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _drop_output() -> None:
    """What is still to be flushed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_what_is_closed() -> None:
    """A standard stream that is closed becomes an empty one, before a file that is opened takes its number. What the output's encoding
    lacks, as of a file name that is not UTF-8, is written as its escape."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is at work as Ctrl-C does, with everything put in order."""
    if threading.current_thread() is not threading.main_thread():  # signals reach only the main thread
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """--debug may stand anywhere before a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return kept + arguments[end:], len(kept) < end
