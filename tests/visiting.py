"""A studio that is really served, for tests to visit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from onward.serve.gate import State
from onward.serve.server import Server, address, bind
from onward.studio.page import make_studio
from onward.studio.places import RANKINGS, Places
from onward.studio.shared import Studio
from onward.studio.shelf import Shelf


@dataclass
class Up:
    """A studio that is up."""

    url: str
    studio: Studio
    http: httpx.Client


@contextmanager
def served(studio: Studio, password: str | None = None, port: int = 0) -> Iterator[Up]:
    state = State()
    with bind("127.0.0.1", port) as listening:
        server = Server(make_studio(studio, password, state), state)
        url = address(listening)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=url, timeout=60) as client:
            try:
                yield Up(url, studio, client)
            finally:
                server.handle_exit(signal.SIGTERM, None)
                thread.join(20)


def make(given: list[str], data: Path, **further: bool) -> Studio:
    places = Places(given, data / RANKINGS)
    return Studio.over(places, Shelf(places, device="cpu", weights="torch"), data, **further)


def choose(page: Any, label: str, words: str) -> None:
    """In a list, by typing a part of what is wanted."""
    box = page.get_by_label(label, exact=True).locator("visible=true").first
    box.click()
    box.fill("")
    box.press_sequentially(words)
    page.get_by_role("option").filter(has_text=words).locator("visible=true").first.click()
    page.keyboard.press("Escape")
