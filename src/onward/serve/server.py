"""Listening: a socket, uvicorn on it, and an end in good order.

At the first SIGTERM or Ctrl-C those that are running are finished, and new ones refused with a 503; at the second, everything ends at once.
"""

from __future__ import annotations

import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from onward.errors import ServeError
from onward.serve.gate import State

KEPT_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients keep theirs, who would otherwise now and then ask into a closing one."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.   port: 0 takes any that is free.   Raises ServeError."""
    if not 0 <= port < 2**16:
        raise ServeError(f"--port {port}: from 0 (any that is free) to 65535.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Else a piece waits, some 40 ms, until the client has acknowledged the one before. Connections inherit it; asyncio sets it by
        # itself only for sockets that say that they are TCP's, as these do not.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ServeError(f"cannot listen at {host}, port {port}: {why}. Choose another --port or --host.") from error


def address(listening: socket.socket) -> str:
    """http://host:port"""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, which at a signal drains first."""

    def __init__(self, app: FastAPI, state: State) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEPT_ALIVE,
                timeout_graceful_shutdown=10,
            )
        )
        self.state = state

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del sig, frame
        self.should_exit = self.force_exit = self.state.draining
        self.state.draining = True

    async def on_tick(self, counter: int) -> bool:
        if self.state.draining and not self.state.running:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(app: FastAPI, state: State, listening: socket.socket) -> None:
    """Answer until a signal comes."""
    Server(app, state).run(sockets=[listening])
