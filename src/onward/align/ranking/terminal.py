"""Voting at the terminal: a prompt, two answers in random order, one key. Nothing is lost whenever it ends, and votes can be taken back.

While a person reads, the answers to the next prompt are drawn. Left out: windows other than POSIX terminals, and a mouse.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

from rich.console import Console
from rich.text import Text

from onward.align.ranking.answers import Answers, Drawn
from onward.align.ranking.prompts import Prompt
from onward.align.ranking.settings import ME
from onward.align.ranking.votes import ALIKE, SKIPPED, UNTAKEN, Votes
from onward.errors import PlanError

FIRST, SECOND, TIE, SKIP, UNDO, QUIT = "a", "b", "t", "s", "u", "q"
WORTH = {FIRST: (1.0, 0.0), SECOND: (0.0, 1.0), TIE: (0.5, 0.5)}
KEYS = {FIRST: "A is better", SECOND: "B is better", TIE: "tie", SKIP: "skip", UNDO: "undo", QUIT: "stop"}
ENTERED = {" ": TIE, "\x04": QUIT, "": QUIT}
"""Other keys for the same: the space bar, Ctrl-D, and a terminal that has gone."""
ESCAPE = "\x1b"
TURN = 0.2
"""Seconds of one wait for a key: a Ctrl-C that comes just before a read is seen only when that ends."""
AHEAD = 1
"""Prompts for which answers are drawn while one is looked at."""


class Terminal:
    """Shows what is to be judged, and reads single keys.   Raises PlanError where nobody can press any."""

    def __init__(self, console: Console) -> None:
        if not (sys.stdin.isatty() and console.is_terminal):
            raise PlanError(
                "--judge me needs a terminal, to show answers and to read keys. Give a reward folder or a URL instead."
            )
        self.console, self.name = console, ME

    @contextmanager
    def single_keys(self) -> Iterator[None]:
        """Keys come as they are pressed and are not shown; Ctrl-C still interrupts."""
        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
        tty.setcbreak(number)
        try:
            yield
        finally:
            termios.tcsetattr(number, termios.TCSADRAIN, before)

    def key(self) -> str:
        """The next key that means something, as one of KEYS."""
        number = sys.stdin.fileno()
        while True:
            while not _waiting(number, TURN):
                pass
            pressed = os.read(number, 1).decode(errors="replace").lower()
            if pressed == ESCAPE:
                self._pass_over(number)
            elif (meant := ENTERED.get(pressed, pressed)) in KEYS:
                return meant

    def _pass_over(self, number: int) -> None:
        """The rest of what an arrow, say, sends at once: after an escape a bracket or an O, and then all up to a letter or a tilde."""
        if _waiting(number) and os.read(number, 1) in (b"[", b"O"):
            while _waiting(number) and not b"@" <= os.read(number, 1) <= b"~":
                pass

    def show(self, place: str, prompt: Prompt, answers: Sequence[str]) -> None:
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)  # a key pressed twice is no vote on what nobody has seen
        self.console.rule(place, style="dim")
        for message in prompt.messages:
            self._said(message["role"], message["content"], "dim")
        for name, answer in zip((FIRST, SECOND), answers, strict=True):
            self._said(name.upper(), answer, "bold green")
        keys = "  ".join(f"[{key}] {meaning}" for key, meaning in KEYS.items())
        self.console.print(Text(f"\n{keys} ", style="dim"), end="")

    def _said(self, who: str, text: str, style: str) -> None:
        """Control characters, which could do anything to a terminal, as their escapes."""
        shown = "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
        self.console.print(Text.assemble("\n", (who, style), "  ", shown))

    def say(self, words: str) -> None:
        self.console.print(Text(words, style="bold"))


def _waiting(number: int, seconds: float = 0.01) -> bool:
    """Whether more comes within so many seconds."""
    return bool(select.select([number], [], [], seconds)[0])


def vote(prompts: Sequence[Prompt], done: int, answers: Answers, votes: Votes, terminal: Terminal, seed: int) -> bool:
    """Ask about one prompt after the other. True if all have been judged; False where the person stops.

    done: prompts that were judged before.   Raises BudgetSpent, EndpointError, KeyboardInterrupt.
    """
    places = {prompt.key: place for place, prompt in enumerate(prompts)}
    coming: dict[int, Future[list[Drawn]]] = {}
    place = 0
    with ThreadPoolExecutor(1) as pool, terminal.single_keys():
        while place < len(prompts):
            for further in range(place, min(place + AHEAD + 1, len(prompts))):
                if further not in coming:
                    coming[further] = pool.submit(answers.of, [prompts[further]])
            with terminal.console.status("the model answers"):
                drawn = coming[place].result()[0]
            pressed = _ask(f"{done + place + 1} of {done + len(prompts)}", prompts[place], drawn, votes, terminal, seed)
            if pressed == QUIT:
                return False
            if pressed == UNDO:
                back = votes.undo()
                terminal.say("taken back" if back else "there is no vote of this sitting to take back")
                place = place if back is None else places[back]
            else:
                place += 1
    return True


def _ask(where: str, prompt: Prompt, drawn: Drawn, votes: Votes, terminal: Terminal, seed: int) -> str | None:
    """Have one prompt judged, where there is something to judge. Returns the key that was pressed; None where there is not."""
    if len(drawn.answers) < 2:
        votes.pass_over(prompt, ALIKE if drawn.taken else UNTAKEN)
        return None
    order = Random(f"{seed} {prompt.key}").sample(drawn.answers, 2)
    terminal.show(where, prompt, order)
    pressed = terminal.key()
    terminal.say(KEYS[pressed])
    if pressed in WORTH:
        asked = {"asked": 1, "first": int(pressed == FIRST), "second": int(pressed == SECOND)}
        votes.add(prompt, order, WORTH[pressed], asked)
    elif pressed == SKIP:
        votes.pass_over(prompt, SKIPPED)
    return pressed
