"""The gate before all routes: who may come in, with how large a body, and whether anybody may any more. Plain ASGI, so that it sees a body
before it is read, and holds no stream up."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onward.serve import refusals
from onward.serve.metrics import Metrics
from onward.serve.refusals import Refused

OPEN_TO_ALL = ("/health", "/metrics")
PAGES = "/studio"
"""Pages below have a door of their own; they hold connections open as long as somebody looks, and nobody waits for those to end."""


class State:
    """Whether the server takes requests. One that drains finishes those that are running and refuses new ones."""

    def __init__(self) -> None:
        self.draining = False
        self.running = 0


class Gate:
    """Refuses before anything is read: 401, 413, 503. Counts who is inside, and how each was answered."""

    def __init__(self, app: ASGIApp, state: State, metrics: Metrics, key: str | None, max_body: int) -> None:
        self.app, self.state, self.metrics, self.key, self.max_body = app, state, metrics, key, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        free = scope["path"] in OPEN_TO_ALL or scope["path"].startswith(PAGES)
        refused = None if free else self._refusal(Headers(scope=scope))

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and not free:
                self.metrics.requests.labels(_known(scope), message["status"]).inc()
            await send(message)

        if refused is not None:
            await refusals.response(refused)(scope, receive, noted)
            return
        self.state.running += not free
        try:
            await self.app(scope, self._counted(receive), noted)
        finally:
            self.state.running -= not free

    def _refusal(self, headers: Mapping[str, str]) -> Refused | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if self.key and not (scheme.lower() == "bearer" and _same(given.strip(), self.key)):
            return Refused(
                401,
                "the API key is missing or wrong. Send it as `Authorization: Bearer KEY`.",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self.state.draining:
            return Refused(
                503, "the server is shutting down. Ask another one, or this one later.", headers={"Retry-After": "10"}
            )
        said = headers.get("content-length", "0")
        return self._too_large() if said.isdecimal() and int(said) > self.max_body else None

    def _too_large(self) -> Refused:
        return Refused(413, f"the request has more than {self.max_body:,} bytes, the server's limit. Send less.")

    def _counted(self, receive: Receive) -> Receive:
        """Bodies that do not say how long they are, are counted as they come."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.max_body:
                raise HTTPException(413, str(self._too_large()))
            return message

        return counted


def _same(given: str, key: str) -> bool:
    """Headers come as Latin-1, whatever was sent."""
    return hmac.compare_digest(given.encode("latin-1"), key.encode(errors="surrogateescape"))


def _known(scope: Scope) -> str:
    """The route's path, and not what somebody typed: labels must be few. Known once the request has been routed."""
    route = scope.get("route")
    return str(route.path) if route is not None else "other"
