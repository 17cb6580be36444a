"""One engine and the thread that runs it. Nobody else touches the engine while the server is up.

What is wanted of it comes as functions through one inbox: to submit, to cancel, to score. Between two passes the inbox is emptied; where
there is nothing to do, the thread sleeps on it. What a pass brings goes to the askers' event loop, all at once. Left out: what the askers
make of it (asking.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from onward.generate.engine import Engine, Finish, Request, Run
from onward.generate.pages import NoRoomError

T = TypeVar("T")
FAILED = "the model could not go on with this ({}). The server's log says more; ask again."


@dataclass(frozen=True)
class Token:
    """One token that was said.   alternatives: the likeliest at its place; log-probabilities are in nats."""

    id: int
    log_prob: float
    alternatives: list[tuple[int, float]]


@dataclass(frozen=True)
class Piece:
    """What a pass has brought for one text. The tokens may be ahead of the text, which waits for whole characters and for stop strings."""

    text: str
    tokens: list[Token]
    cached: int
    finish: Finish | None
    error: str


@dataclass(eq=False)
class Listener:
    """Who waits for a text: it is told every piece, in its event loop."""

    loop: asyncio.AbstractEventLoop
    tell: Callable[[Piece], None]
    told: int = 0
    """Tokens."""


class Worker:
    """`do` has something done on the engine's thread; `submit`, on that thread, begins a text that somebody listens to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.open = 0
        """Texts that somebody wants, counted by the askers."""
        self._inbox = SimpleQueue[Callable[[], None]]()
        self._listeners: dict[Run, Listener] = {}
        self._stopped = False
        self._thread = Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Texts that have no place yet."""
        return max(0, self.open - len(self.engine.schedule.running))

    def do(self, job: Callable[[], T]) -> Future[T]:
        """Have it done between two passes. Where it wants blocks that others have, it waits for those."""
        future: Future[T] = Future()

        def attempt() -> None:
            if not future.running() and not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except NoRoomError as error:
                if self._listeners:
                    self._inbox.put(attempt)
                else:
                    future.set_exception(error)
            except Exception as error:
                future.set_exception(error)

        self._inbox.put(attempt)
        return future

    def submit(self, request: Request, listener: Listener) -> Run:
        """On the engine's thread.   Raises PlanError."""
        run = self.engine.submit(request)
        self._listeners[run] = listener
        return run

    def cancel(self, run: Run) -> None:
        """On the engine's thread: nobody listens any more."""
        self._listeners.pop(run, None)
        self.engine.cancel(run)

    def stop(self) -> None:
        """End the thread. What is on its way is dropped."""
        self._inbox.put(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        self._stopped = True
        for run in list(self._listeners):
            self.cancel(run)

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._stopped:
            for _ in range(self._inbox.qsize() if self._listeners else 1):
                self._inbox.get()()
            if self._listeners:
                self._pass()
                self._tell()

    def _pass(self) -> None:
        try:
            self.engine.step()
        except Exception as error:  # as where memory does not suffice for one text alone: these fail, the thread lives
            logging.getLogger("onward.serve").exception("a pass of the model has failed")
            for run in list(self.engine.schedule.running):
                self.engine.cancel(run)
                run.fail(FAILED.format(" ".join(str(error).split())[:200] or type(error).__name__))

    def _tell(self) -> None:
        """Every listener's news, one wake-up for each event loop."""
        news: dict[asyncio.AbstractEventLoop, list[tuple[Listener, Piece]]] = {}
        for run, listener in list(self._listeners.items()):
            if len(run.ids) == listener.told and run.finish is None:
                continue
            news.setdefault(listener.loop, []).append((listener, _piece(run, listener)))
            if run.finish is not None:
                del self._listeners[run]
        for loop, pieces in news.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_deliver, pieces)


def _deliver(pieces: list[tuple[Listener, Piece]]) -> None:
    for listener, piece in pieces:
        listener.tell(piece)


def _piece(run: Run, listener: Listener) -> Piece:
    """What the listener has not been told yet."""
    named = run.alternatives or [[]] * len(run.ids)
    tokens = [Token(run.ids[i], run.log_probs[i], named[i]) for i in range(listener.told, len(run.ids))]
    listener.told = len(run.ids)
    return Piece(run.fresh(), tokens, run.cached, run.finish, run.error)
