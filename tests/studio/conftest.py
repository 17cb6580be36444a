"""What the studio's tests look at: a run with two stages that talk nonsense, and a studio over it, really served."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

pytest.importorskip("gradio", reason="the studio needs gradio")

from onward.lineage import Lineage, Result
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.serve.gate import State
from onward.serve.server import Server, address, bind
from onward.studio.page import make_studio
from onward.studio.places import Places
from onward.studio.shared import Studio
from onward.studio.shelf import Shelf
from onward.tokens.tokenizer import Tokenizer
from samples import randomised

ROOM = 4096
SHAPE = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A folder of runs; in it `small` with base, sft and a report; beside it something that is nobody's business."""
    place = tmp_path_factory.mktemp("studio")
    (place / "tokenizer").mkdir()
    tokenizer.save(place / "tokenizer")
    (place / "secret.txt").write_text("nobody's business")
    (place / "report.html").write_text("nobody's business")
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=ROOM, **SHAPE)
    parent = None
    for seed, stage in enumerate(("base", "sft")):
        history = Lineage(
            verb="pretrain" if stage == "base" else "sft",
            command="onward build <script>window.hacked = 'command'</script>",
            date="2026-11-23T10:00:00+00:00",
            parents=[parent] if parent else [],
            folder=f"runs/small/{stage}",
            try_asking=["Who is <b>Ann</b>?"],
            results=[
                Result(suite="held-out text", metric="bits per byte", value=2.5 - seed, low=2.4 - seed, high=2.6 - seed)
            ],
        )
        model = randomised(LanguageModel(config).initialise(seed))
        folder.save(place / "runs" / "small" / stage, model, lineage=history, tokenizer_folder=place / "tokenizer")
        lines = [{"step": i, "loss": 5.0 / i, "tokens": 100 * i, "seconds": 60.0 * i} for i in range(1, 11)]
        (place / "runs" / "small" / stage / "metrics.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines)
        )
        parent = history
    (place / "runs" / "small" / "report.html").write_text(
        "<h1>the report</h1><script>window.hacked = 'report'</script>"
    )
    return place / "runs"


@dataclass
class Up:
    """A studio that is up."""

    url: str
    studio: Studio
    http: httpx.Client


@contextmanager
def served(studio: Studio, password: str | None = None) -> Iterator[Up]:
    state = State()
    # Gradio makes an event loop where a thread has none, and leaves it open.
    with closing(asyncio.new_event_loop()) as loop, bind("127.0.0.1", 0) as listening:
        asyncio.set_event_loop(loop)
        server = Server(make_studio(studio, password, state), state)
        url = address(listening)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=url, timeout=60) as client:
            try:
                yield Up(url, studio, client)
            finally:
                server.should_exit = True
                thread.join(20)
                asyncio.set_event_loop(None)


def make(given: list[str], data: Path, **further: bool) -> Studio:
    places = Places(given)
    return Studio.over(places, Shelf(places, device="cpu", weights="torch"), data, **further)


@pytest.fixture(scope="module")
def up(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with served(make([str(runs)], tmp_path_factory.mktemp("data"))) as one:
        yield one


@pytest.fixture
def start(runs: Path, tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """`start(password=..., given=[...])`: another studio, for one test."""
    with ExitStack() as stack:

        def begin(password: str | None = None, given: list[str] | None = None, data: Path | None = None) -> Up:
            studio = make(given or [str(runs)], data or tmp_path / "data", locked=bool(password))
            return stack.enter_context(served(studio, password))

        yield begin


@pytest.fixture
def studio(runs: Path, tmp_path: Path) -> Iterator[Studio]:
    """Without a page."""
    made = make([str(runs)], tmp_path / "data")
    yield made
    made.shelf.stop()
