"""Somebody's texts on their way: what the engine's thread brings, waited for in an event loop, counted and timed.

Whoever asks has a place until `close`, however the asking ends: answered, timed out, gone away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from onward.generate.engine import Request, Run
from onward.serve.metrics import Metrics
from onward.serve.models import Served
from onward.serve.refusals import Refused
from onward.serve.settings import Limits
from onward.serve.worker import Listener, Piece

T = TypeVar("T")


class Asking:
    """Several texts of one request, and what else it wants of the engine. Iterate over it for (number, piece) until all have ended.

    Raises Refused: 429 where too many wait, 400 where so many can never wait, 503 where a text fails, 504 after the time limit.
    """

    def __init__(self, served: Served, requests: Sequence[Request], limits: Limits, metrics: Metrics) -> None:
        self.served, self.requests, self.metrics, self.limits = served, requests, metrics, limits
        self.worker = served.worker
        self._places = max(1, len(requests))
        check_number(served, limits, self._places)
        self._admit(_most(served, limits))
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._last: dict[int, float] = {}
        self._pieces = asyncio.Queue[tuple[int, Piece]]()
        self._runs: list[Run] = []
        self._closed = False
        self.worker.open += self._places

    def _admit(self, most: int) -> None:
        if self.worker.open + self._places > most:
            raise Refused(
                429,
                f"{self.worker.open:,} texts are asked for already, and this server takes {most:,}. Ask again later.",
                code="rate_limit_exceeded",
                headers={"Retry-After": "1"},
            )

    async def __aiter__(self) -> AsyncIterator[tuple[int, Piece]]:
        left = len(self.requests)
        if left:
            await self.do(self._submit)
        while left:
            number, piece = await self._in_time(self._pieces.get())
            self._count(number, piece)
            if piece.finish == "error":
                raise Refused(503, piece.error, code="model_failed")
            left -= piece.finish is not None
            yield number, piece

    async def do(self, job: Callable[[], T]) -> T:
        """Have something done on the engine's thread."""
        return await self._in_time(asyncio.wrap_future(self.worker.do(job)))

    async def _in_time(self, awaited: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(self._began + self.limits.timeout):
                return await awaited
        except TimeoutError:
            words = f"not done after {self.limits.timeout:g} seconds, the server's limit. Ask for less, or later."
            raise Refused(504, words, code="timeout") from None

    def _submit(self) -> None:
        """On the engine's thread."""
        for number, request in enumerate(self.requests):
            listener = Listener(self._loop, partial(self._hear, number))
            self._runs.append(self.worker.submit(request, listener))

    def _hear(self, number: int, piece: Piece) -> None:
        self._pieces.put_nowait((number, piece))

    def _count(self, number: int, piece: Piece) -> None:
        name, now = self.served.name, self._loop.time()
        if number not in self._last:
            self.metrics.first.labels(name).observe(now - self._began)
            self.metrics.prompt_tokens.labels(name).inc(len(self.requests[number].prompt))
            self.metrics.cached_tokens.labels(name).inc(piece.cached)
        else:
            for _ in piece.tokens:
                self.metrics.between.labels(name).observe((now - self._last[number]) / len(piece.tokens))
        self._last[number] = now
        self.metrics.tokens.labels(name).inc(len(piece.tokens))
        if piece.finish is not None:
            self.metrics.texts.labels(name, piece.finish).inc()

    def close(self) -> None:
        """Free the places. What has not ended is cancelled before the engine's next pass."""
        if self._closed:
            return
        self._closed = True
        self.worker.open -= self._places
        self.worker.do(self._cancel)

    def _cancel(self) -> None:
        """On the engine's thread; `_submit`, if it comes at all, has come before."""
        for run in self._runs:
            self.worker.cancel(run)


def check_number(served: Served, limits: Limits, texts: int) -> None:
    """Raises Refused where a request asks for so many texts that they can never wait together, before anything is made for each."""
    if texts > (most := _most(served, limits)):
        raise Refused(400, f"the request asks for {texts:,} texts at once, this server takes {most:,}. Ask for fewer.")


def _most(served: Served, limits: Limits) -> int:
    return limits.max_queue + served.worker.engine.schedule.at_once
