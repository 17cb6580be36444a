"""The door before everything: who may come in, from where, and what a page may fetch. Plain ASGI, outermost: nothing goes around it.

On loopback only this machine's own names are answered (a page elsewhere may point a name of its own at 127.0.0.1), and only what the page
itself asks (no other site's scripts and forms). Open to the network there is a password besides, as HTTP's Basic has it, or as a bearer key
for programs. The browser is told to fetch from here alone. Uploads and the files that Gradio could serve are not needed: refused.
Left out: encryption. Over a network that is not yours, put a proxy with TLS before it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onward.serve.gate import State

PAGE = "/studio"
LOOK = 0.5
"""Seconds between two looks at whether the server is shutting down."""
WRONG = 0.5
"""Seconds that a wrong password waits for its answer: guessing shall not be quick."""
HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
NEVER = ("/file=", "/file/", "/upload", "/stream/", "/proxy=", "/deep_link", "/process_recording", "/vibe")
"""What Gradio offers below its address and no room uses."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Gradio makes its templates by evaluating them, hence 'unsafe-eval'; nothing may be fetched from, or sent to, anywhere else."""


class Door:
    """password: which everybody must give, if any; names other than this machine's own are then answered too."""

    def __init__(self, app: ASGIApp, password: str | None, state: State) -> None:
        self.app, self.password, self.state = app, password, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # no room uses one
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope["path"], Headers(scope=scope))
        if refused is not None:
            if refused.status_code == 401 and "authorization" in Headers(scope=scope):
                await asyncio.sleep(WRONG)
            await refused(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        if scope["path"].startswith(PAGE):
            await self._until_drained(scope, receive, guarded)
        else:
            await self.app(scope, receive, guarded)

    async def _until_drained(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page listens for as long as it is open. Where the server shuts down, nobody waits for that."""
        begun = ended = gone = False

        async def heard() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        async def noted(message: Message) -> None:
            nonlocal begun, ended
            begun = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        work = asyncio.ensure_future(self.app(scope, heard, noted))
        try:
            while not (await asyncio.wait((work,), timeout=LOOK))[0]:
                if self.state.draining:
                    work.cancel()
                    with suppress(asyncio.CancelledError):
                        await work
                    if not ended:
                        await send({"type": "http.response.body", "body": b""})
                    return
            await work
        except Exception:
            # Gradio's stream of news ends so when a page is left in the middle of one: nobody is there to be told. What goes wrong in
            # making the news is told to the page, and logged, by Gradio itself.
            if not (gone or begun):
                raise
            if not ended:
                with suppress(Exception):
                    await send({"type": "http.response.body", "body": b""})
        finally:
            work.cancel()

    def _refusal(self, path: str, headers: Headers) -> PlainTextResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.password is None and _name(host) not in HERE:
            return PlainTextResponse("the studio answers at this machine's own address only.\n", 421)
        if self.password is not None and not self._knows(headers.get("authorization", "")):
            return PlainTextResponse(
                "a password is wanted.\n", 401, {"WWW-Authenticate": 'Basic realm="Onward", charset="UTF-8"'}
            )
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("this was asked from another site.\n", 403)
        if path.startswith(PAGE) and any(part in unquote(path) for part in NEVER):
            return PlainTextResponse("no room of the studio needs this.\n", 404)
        return None

    def _knows(self, given: str) -> bool:
        """Whether the header holds the password, whatever the name beside it."""
        scheme, _, rest = given.partition(" ")
        if scheme.lower() == "basic":
            try:
                said = base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() == "bearer":
            said = rest.strip().encode("latin-1")  # as headers are decoded
        else:
            return False
        return hmac.compare_digest(said, (self.password or "").encode())


def _name(host: str) -> str:
    """Without the port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host
