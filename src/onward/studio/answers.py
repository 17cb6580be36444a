"""Answers on their way, apart from the pages that watch them: a page may be closed or reloaded in the middle, and the answer goes on.

Each model of a turn has a task of its own. What has come is written down when an answer ends, and at least every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import fields

from onward.errors import OnwardError
from onward.generate.chat_model import Message
from onward.generate.settings import Sampling
from onward.studio.kept import Answer, Kept, Turn
from onward.studio.saying import said
from onward.studio.shelf import Shelf

PACE = 0.05
"""Seconds between two looks of a page."""
WRITTEN = 3.0
"""Seconds between two times that a growing answer is written down."""
STOPPED = "stopped"


class Answers:
    """Turns that are being answered, by number."""

    def __init__(self, shelf: Shelf, kept: Kept) -> None:
        self.shelf, self.kept = shelf, kept
        self._going: dict[int, tuple[Turn, list[asyncio.Task[None]]]] = {}

    def start(self, turn: Turn, before: list[Turn]) -> None:
        """Have all models of a turn answer, those that have not yet.   before: the turns that led to it."""
        wanted = [name for name, answer in turn.answers.items() if not answer.finish]
        tasks = [asyncio.create_task(self._answer(turn, name, messages(turn, before, name))) for name in wanted]
        self._going[turn.id] = turn, tasks

    def going(self, number: int) -> Turn | None:
        """The turn as far as it has come; None where nobody is answering it."""
        return self._going[number][0] if number in self._going else None

    def stop(self, number: int | None) -> None:
        """What has been said stays."""
        if number in self._going:
            for task in self._going[number][1]:
                task.cancel()

    async def watch(self, number: int) -> AsyncIterator[Turn]:
        """The turn, each time that more of it is there, until all of it is."""
        shown = ""
        while (turn := self.going(number)) is not None:
            if (now := repr(turn.answers)) != shown:
                shown = now
                yield turn
            await asyncio.sleep(PACE)

    async def _answer(self, turn: Turn, name: str, asked: list[Message]) -> None:
        answer, written = turn.answers[name], time.monotonic()
        try:
            sampling = Sampling(**{k: v for k, v in turn.settings.items() if k in SAMPLING})
            async with aclosing(said(await self.shelf.open(name), asked, sampling)) as coming:
                async for text, finish in coming:
                    answer.text += text
                    answer.finish = finish
                    if time.monotonic() - written > WRITTEN:
                        await asyncio.to_thread(self.kept.answered, turn)
                        written = time.monotonic()
        except asyncio.CancelledError:
            answer.finish = STOPPED
        except OnwardError as error:
            answer.finish, answer.error = "error", str(error)
        except Exception as error:
            answer.finish, answer.error = "error", f"{type(error).__name__}: {error}"
            raise
        finally:
            answer.finish = answer.finish or STOPPED
            if all(one.finish for one in turn.answers.values()):
                with suppress(OnwardError):  # the disk may be full; the page still shows what was said
                    self.kept.answered(turn)
                self._going.pop(turn.id, None)


SAMPLING = frozenset(field.name for field in fields(Sampling))


def messages(turn: Turn, before: list[Turn], name: str) -> list[Message]:
    """What a model is asked: the system prompt, what was said on this branch, what is asked now. A model that had no part in an earlier
    turn sees the first answer that was given there; turns without any are left out."""
    system = turn.settings.get("system", "").strip()
    found: list[Message] = [{"role": "system", "content": system}] if system else []
    for one in before:
        given = one.answers.get(name) or next(iter(one.answers.values()), Answer())
        if given.text.strip():
            found += [{"role": "user", "content": one.asked}, {"role": "assistant", "content": given.text}]
    return [*found, {"role": "user", "content": turn.asked}]
