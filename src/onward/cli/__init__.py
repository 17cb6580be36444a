"""The command line: `onward VERB THING... -o OUT`. Parse, call one function, print.

`main` is the only place where an error becomes an exit code: 2 for what the user can mend, 130 for Ctrl-C.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line. Never shows a traceback for an error that the user can mend, unless --debug asks for it."""
    from onward.cli.app import app
    from onward.cli.options import StoppedError, UnreadError
    from onward.errors import OnwardError
    from onward.train import processes

    arguments, debug = _without_debug(sys.argv[1:])
    try:
        with processes.one_voice():
            app(arguments)
    except OnwardError as error:
        if debug:
            raise
        processes.say(error)
        sys.exit(2)
    except StoppedError as error:
        goes_on = str(error) in ("build", "pretrain", "sft")
        if processes.is_first():
            print("\nonward: stopped." + " Nothing is lost: the same command goes on." * goes_on, file=sys.stderr)
        sys.exit(130)
    except UnreadError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes nowhere
        sys.exit(0)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """--debug may stand anywhere before a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return kept + arguments[end:], len(kept) < end
