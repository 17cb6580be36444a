"""Answers on their way, apart from the pages that watch them: a page may be closed or reloaded in the middle, and the answer goes on.

Each model of a turn has a task of its own. What has come is written down when an answer ends, and at least every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, fields

from onward.errors import OnwardError, PlanError
from onward.generate.chat_model import Message
from onward.generate.settings import Sampling
from onward.studio.kept import Answer, Kept, Turn
from onward.studio.saying import said
from onward.studio.shelf import Shelf

PACE = 0.03
"""Seconds between two times that a page is told more, at least; the first token is told at once."""
WRITTEN = 3.0
"""Seconds between two times that a growing answer is written down."""
STOPPED = "stopped"


@dataclass
class _Going:
    """A turn that is being answered.   news: set, once, as soon as more of it is there."""

    turn: Turn
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


class Answers:
    """Turns that are being answered, by number."""

    def __init__(self, shelf: Shelf, kept: Kept) -> None:
        self.shelf, self.kept = shelf, kept
        self._going: dict[int, _Going] = {}

    def start(self, turn: Turn, before: list[Turn]) -> None:
        """Have all models of a turn answer, those that have not yet.   before: the turns that led to it."""
        wanted = [name for name, answer in turn.answers.items() if not answer.finish]
        going = self._going[turn.id] = _Going(turn)
        going.tasks += [asyncio.create_task(self._answer(going, name, messages(turn, before, name))) for name in wanted]

    def going(self, number: int) -> Turn | None:
        """The turn as far as it has come; None where nobody is answering it."""
        return self._going[number].turn if number in self._going else None

    def stop(self, number: int | None) -> None:
        """What has been said stays."""
        if number in self._going:
            for answer in self._going[number].turn.answers.values():
                answer.finish = answer.finish or STOPPED
            for task in self._going[number].tasks:
                task.cancel()

    async def watch(self, number: int) -> AsyncIterator[Turn]:
        """The turn, each time that more of it is there, until all of it is."""
        while (going := self._going.get(number)) is not None:
            news = going.news
            yield going.turn
            await asyncio.sleep(PACE)
            await news.wait()

    async def _answer(self, going: _Going, name: str, asked: list[Message]) -> None:
        turn, written = going.turn, time.monotonic()
        answer = turn.answers[name]
        try:
            sampling = Sampling(**{k: v for k, v in turn.settings.items() if k in SAMPLING})
            async with aclosing(said(await self.shelf.open(name), asked, sampling)) as coming:
                async for text, finish in coming:
                    answer.text += text
                    answer.finish = finish
                    going.tell()
                    if time.monotonic() - written > WRITTEN:
                        await asyncio.to_thread(self.kept.answered, turn)
                        written = time.monotonic()
        except asyncio.CancelledError:
            answer.finish = STOPPED
        except OnwardError as error:
            answer.finish, answer.error = "error", str(error)
            if len(asked) > 2 and isinstance(error, PlanError):
                answer.error += " Begin a new conversation, or edit an earlier message."
        except Exception as error:
            answer.finish, answer.error = "error", f"{type(error).__name__}: {error}"
            raise
        finally:
            answer.finish = answer.finish or STOPPED
            if all(one.finish for one in turn.answers.values()):
                with suppress(OnwardError):  # the disk may be full; the page still shows what was said
                    self.kept.answered(turn)
                self._going.pop(turn.id, None)
            going.tell()


SAMPLING = frozenset(one.name for one in fields(Sampling))


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
