"""Asks a teacher: one request after the other, or several at once, with patience, and no more than the budget allows.

Replies come in the order of the requests, however many are on their way, so what is made of them does not depend on it. Left out:
several prompts in one batch of a folder's engine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from rich.console import Console

from onward.align.distil.journal import Journal, Request
from onward.errors import ChatError, DataError, EndpointError, OnwardError, PlanError, RequestRefused
from onward.generate.chat_model import ChatModel, FolderModel, Reply
from onward.generate.patience import patiently

AHEAD = 2
"""Times --at-once: so far ahead of the reply that is waited for, which may be a slow one, others are asked for. It bounds what is asked for
in vain at the end."""
UNTAKEN = 10
"""Requests that a teacher may turn down as impossible before it has answered any: then the fault is not theirs."""


class BudgetSpent(Exception):
    """Nothing more may be asked."""


class Asker:
    """Asks one teacher for what the journal does not know yet.   advice: what to do if it takes no request at all."""

    def __init__(
        self,
        teacher: ChatModel,
        journal: Journal,
        *,
        budget: int | None,
        at_once: int,
        console: Console,
        advice: str = "Show it fewer --examples, or shorter seeds with --answers-only.",
    ) -> None:
        self.teacher, self.journal, self.budget, self.console = teacher, journal, budget, console
        self.advice = advice
        self.at_once = 1 if isinstance(teacher, FolderModel) else at_once
        self.untaken = 0
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._slots = threading.Semaphore(0)

    def ask(self, requests: Sequence[Request]) -> Iterator[Reply | None]:
        """A reply to each request, in order; None where the teacher cannot take it, as one too long for it.

        Raises BudgetSpent instead of the first that the budget has no room for, and EndpointError when patience has ended.
        """
        if self.at_once == 1:
            yield from map(self._answer, requests)
            return
        futures = [Future[Reply | None]() for _ in requests]
        waiting, lock = iter(zip(requests, futures, strict=True)), threading.Lock()
        slots = self._slots = threading.Semaphore(AHEAD * self.at_once)

        def work() -> None:
            while True:
                slots.acquire()
                if self._stop.is_set():
                    return
                with lock:
                    request, future = next(waiting, (None, None))
                if request is None or future is None:
                    return
                try:
                    future.set_result(self._answer(request))
                except BaseException as error:  # it is raised where the reply is waited for
                    future.set_exception(error)

        # Daemons, so that Ctrl-C need not wait for a server's answers.
        self._threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self.at_once, len(requests)))]
        for thread in self._threads:
            thread.start()
        for future in futures:
            yield future.result()
            slots.release()

    @property
    def spent_all(self) -> bool:
        """Whether the budget is used up."""
        return self.budget is not None and self.journal.spent >= self.budget

    def finish(self) -> None:
        """Ask for nothing more, and wait for what is on its way: it is paid for, and shall be counted."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stop.set()
        self._slots.release(self.at_once)  # nobody shall wait for one any longer

    def _answer(self, request: Request) -> Reply | None:
        known = self.journal.get(request)
        if known is not None:
            return known
        if self.spent_all:
            raise BudgetSpent
        try:
            reply = self._patiently(request)
        except (PlanError, ChatError, RequestRefused) as error:
            self._turned_down(error)
            return None
        self.journal.add(request, reply)
        if self.budget is not None and not reply.prompt_tokens and not reply.tokens:
            raise EndpointError(
                f"{self.teacher.name} does not say how many tokens it takes, so --budget cannot be kept."
            )
        return reply

    def _turned_down(self, error: OnwardError) -> None:
        self.untaken += 1
        if not len(self.journal) and self.untaken >= UNTAKEN:
            raise DataError(f"{self.teacher.name} takes none of these requests: {error} {self.advice}") from error

    def _patiently(self, request: Request) -> Reply:
        """The teacher's reply."""
        reply = patiently(lambda: self.teacher.replies(request.messages, [request.sampling])[0], self._tell, self._stop)
        return replace(reply, text=reply.text.encode(errors="replace").decode())  # half a surrogate pair is no text

    def _tell(self, remark: str) -> None:
        self.console.print(remark, style="dim")
