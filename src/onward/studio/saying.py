"""What a model says, piece by piece, whatever it is: a folder's engine in its own thread, or an endpoint, or one that writes in blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress

from onward.generate.chat_model import ChatModel, LocalModel, Message, Reply
from onward.generate.request import Request
from onward.generate.settings import Sampling
from onward.serve.asking import Asking
from onward.serve.metrics import Metrics
from onward.serve.models import Served
from onward.serve.settings import Limits
from onward.serve.worker import Piece

LIMITS = Limits()
WAITING = ThreadPoolExecutor(64, "endpoint")
"""Threads that wait for endpoints, which may be slow: apart from those that open models and write files."""
METRICS = Metrics({})
"""The server's own figures are about who asks the server."""


async def pieces(served: Served, request: Request) -> AsyncGenerator[Piece]:
    """What each pass of the engine brings. Who stops listening (`aclosing`) ends it.   Raises Refused, PlanError."""
    asking = Asking(served, [request], LIMITS, METRICS)
    try:
        async for _, piece in asking:
            yield piece
    finally:
        asking.close()


async def said(
    model: Served | ChatModel, messages: Sequence[Message], sampling: Sampling
) -> AsyncGenerator[tuple[str, str]]:
    """Each piece of one answer, and how it ended, "" until then.   Raises OnwardError."""
    if isinstance(model, Served):
        request = Request(prompt=prompt(model.model, messages), sampling=sampling, adapter=model.model.adapter)
        async with aclosing(pieces(model, request)) as coming:
            async for piece in coming:
                yield piece.text, piece.finish or ""
        return
    loop = asyncio.get_running_loop()
    stream = await loop.run_in_executor(WAITING, model.stream, messages, sampling)
    try:
        while (text := await loop.run_in_executor(WAITING, next, stream, None)) is not None:
            yield text, ""
    finally:
        if isinstance(stream, Generator):
            with suppress(ValueError):  # its thread still waits for the next piece
                stream.close()
    yield "", "stop"


def prompt(model: LocalModel, messages: Sequence[Message]) -> list[int]:
    """As the model's template has it; a model without one carries on what was said last."""
    if model.carrier.tokenizer.template is None:
        return model.text_prompt(messages[-1]["content"])
    return model.prompt(messages)


async def whole(model: Served | ChatModel, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
    """An answer for each sampling.   Raises OnwardError."""
    if not isinstance(model, Served):
        return await asyncio.to_thread(model.replies, messages, samplings)
    found = []
    for sampling in samplings:
        heard = [piece async for piece in said(model, messages, sampling)]
        found.append(Reply("".join(text for text, _ in heard), "length" if heard[-1][1] == "length" else "stop", 0, 0))
    return found
