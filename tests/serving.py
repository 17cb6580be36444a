"""A real server on loopback, in a thread of the test, with clients to ask it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from openai import OpenAI

from onward.serve.app import make_app
from onward.serve.gate import State
from onward.serve.models import Served
from onward.serve.server import Server, address, bind
from onward.serve.settings import Limits


class Running:
    """A server that is up: its address, its models, and clients to ask it with."""

    def __init__(self, url: str, models: Mapping[str, Served], state: State) -> None:
        self.url, self.models, self.state = url, models, state
        self.http = httpx.Client(base_url=url, timeout=60)
        self.openai = OpenAI(base_url=url + "/v1", api_key="none", max_retries=0, timeout=60)

    @property
    def engine(self):
        return self.models["tiny"].model.engine

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.http.post("/v1" + path, json={"model": "tiny", **body})

    def figure(self, name: str) -> float:
        """A number of /metrics, summed over its labels."""
        lines = self.http.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((name + "{", name + " ")))


@contextmanager
def running(models: Mapping[str, Served], limits: Limits, key: str | None = None) -> Iterator[Running]:
    state = State()
    with bind("127.0.0.1", 0) as listening:
        server = Server(make_app(models, limits, key, state), state)
        url = address(listening)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        up = Running(url, models, state)
        try:
            yield up
        finally:
            up.http.close()
            up.openai.close()
            server.should_exit = True
            thread.join(20)
