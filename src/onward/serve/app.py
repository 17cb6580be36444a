"""The app: routes over the models that are served, and the page that describes them (/docs, /openapi.json).

A request is checked and made into tokens beside the event loop, waits for the engine's thread, and is answered whole or as server-sent
events. A client that goes away frees its place. Left out: listening and signals (server.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from onward import __version__
from onward.errors import OnwardError
from onward.serve import answers, chat, completions, embeddings, refusals
from onward.serve.asked import ChatAsked, CompletionAsked, EmbeddingAsked
from onward.serve.asking import Asking
from onward.serve.chat import Chat
from onward.serve.completions import Completion
from onward.serve.gate import Gate, State
from onward.serve.metrics import Metrics
from onward.serve.models import Served
from onward.serve.refusals import ErrorBody, Refused
from onward.serve.settings import Limits

T = TypeVar("T")
GONE = 499
"""The status of who did not wait for the answer; nobody sees it but the metrics."""
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": words}
    for status, words in {
        400: "a field that cannot be used",
        401: "no API key, or a wrong one",
        404: "no such model",
        413: "too large a request",
        429: "too many wait; Retry-After says when to come again",
        503: "the model cannot answer, or the server is shutting down",
        504: "the server's time limit",
    }.items()
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "the answer; with stream, as events"}
}


class GoneError(Exception):
    """The client did not wait."""


class Events(StreamingResponse):
    """Server-sent events of one asking, which frees its places however the sending ends."""

    media_type = "text/event-stream"

    def __init__(self, asking: Asking, first: Mapping[str, Any] | None, rest: AsyncIterator[Mapping[str, Any]]) -> None:
        super().__init__(_lines(first, rest), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self.asking = asking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.asking.close()


async def _lines(first: Mapping[str, Any] | None, rest: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[str]:
    def line(event: Mapping[str, Any]) -> str:
        return f"data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n"

    try:
        if first is not None:
            yield line(first)
        async for event in rest:
            yield line(event)
    except OnwardError as error:  # too late for a status
        yield line(refusals.body(refusals.refusal(error)))
    yield "data: [DONE]\n\n"


async def _while_there(request: Request, wanted: Awaitable[T]) -> T:
    """What is wanted, unless the client goes away first.   Raises GoneError."""
    gone = asyncio.ensure_future(_gone(request))
    work = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait((gone, work), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise GoneError
    finally:
        gone.cancel()
        work.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _answered(request: Request, asking: Asking, answer: Chat | Completion, stream: bool | None) -> Response:
    """All at once, or from the first event on: until then, what goes wrong still has a status of its own."""
    try:
        if not stream:
            return JSONResponse(await _while_there(request, answer.whole()))
        events = answer.events()
        first = await _while_there(request, anext(events, None))
    except BaseException:
        asking.close()
        raise
    else:
        return Events(asking, first, events)
    finally:
        if not stream:
            asking.close()


def make_app(
    models: Mapping[str, Served], limits: Limits, key: str | None = None, state: State | None = None
) -> FastAPI:
    """The app over models that are loaded. Their threads end when it shuts down.   key: which everybody must send, if any."""
    state = state or State()
    workers = {served.name: served.worker for served in models.values() if served.parent is None}
    metrics = Metrics(workers)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for worker in {served.worker for served in models.values()}:  # some may have come since
            await asyncio.to_thread(worker.stop)

    app = FastAPI(title="Onward", version=__version__, lifespan=lifespan)
    for kind in (OnwardError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, refusals.handle)
    app.add_exception_handler(GoneError, lambda *_: Response(status_code=GONE))
    app.add_middleware(Gate, state=state, metrics=metrics, key=key, max_body=limits.max_body)
    _add_openapi(app, key)

    def find(name: str) -> Served:
        if name in models:
            return models[name]
        there = ", ".join(models)
        raise Refused(
            404, f"there is no model {name!r} here; there are {there}.", param="model", code="model_not_found"
        )

    @app.get("/health", responses={503: {"model": ErrorBody, "description": "the server is shutting down"}})
    async def health() -> answers.Health:
        """Whether the server takes requests."""
        if state.draining:
            raise Refused(503, "the server is shutting down.")
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """What goes on, for Prometheus."""
        return Response(metrics.page(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models", responses={status: REFUSALS[status] for status in (401, 413, 503)})
    async def list_models() -> answers.ModelList:
        """Models and adapters."""
        return {"object": "list", "data": [_card(served) for served in models.values()]}

    @app.get("/v1/models/{model}", responses={status: REFUSALS[status] for status in (401, 404, 413, 503)})
    async def show_model(model: str) -> answers.ModelCard:
        """One model."""
        return _card(find(model))

    @app.post("/v1/chat/completions", response_model=answers.ChatAnswer, responses={**REFUSALS, **EVENTS})
    async def chat_completions(asked: ChatAsked, request: Request) -> Response:
        """The assistant's next turn."""
        served = find(asked.model)
        prepared = await asyncio.to_thread(chat.prepare, served, asked, limits, _client(request))
        asking = Asking(served, prepared.requests, limits, metrics)
        return await _answered(request, asking, Chat(asking, asked, prepared), asked.stream)

    @app.post("/v1/completions", response_model=answers.CompletionAnswer, responses={**REFUSALS, **EVENTS})
    async def text_completions(asked: CompletionAsked, request: Request) -> Response:
        """Texts carried on, or looked at."""
        served = find(asked.model)
        prepared = await asyncio.to_thread(completions.prepare, served, asked, limits, _client(request))
        asking = Asking(served, prepared.requests, limits, metrics)
        return await _answered(request, asking, Completion(asking, asked, prepared), asked.stream)

    @app.post("/v1/embeddings", response_model=answers.EmbeddingAnswer, responses=REFUSALS)
    async def embed(asked: EmbeddingAsked, request: Request) -> Response:
        """Texts as vectors."""
        served = find(asked.model)
        texts = await asyncio.to_thread(embeddings.prepare, served, asked)
        asking = Asking(served, [], limits, metrics)
        try:
            return JSONResponse(await _while_there(request, embeddings.answer(asking, asked, texts)))
        finally:
            asking.close()

    return app


def _client(request: Request) -> str:
    """Who asks: texts of different addresses take turns."""
    return request.client.host if request.client else ""


def _card(served: Served) -> answers.ModelCard:
    return {
        "id": served.name,
        "object": "model",
        "created": served.since,
        "owned_by": "onward",
        "parent": served.parent,
        "max_model_len": served.model.engine.room,
    }


def _add_openapi(app: FastAPI, key: str | None) -> None:
    """The document says what is so: bad requests get a 400, where FastAPI would say 422, and a key is wanted where there is one."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            for path in made["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            if key:
                made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
                made["security"] = [{"key": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
