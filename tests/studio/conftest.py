"""What the studio's tests look at: a run with two stages that talk nonsense, and a studio over it, really served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the studio needs gradio")

from onward.lineage import Lineage, Result
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.studio.shared import Studio
from onward.tokens.tokenizer import Tokenizer
from samples import randomised, story
from visiting import Up, make, served

ROOM = 16_384
SHAPE = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gradio makes event loops of its own, and leaves them open."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


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
    (place / "runs" / "stories.txt").write_text(
        "\n<|endoftext|>\n".join(
            f"The {which} story. {story(i)}" for i, which in enumerate(("first", "second", "third"))
        )
        + "".join(f"\n<|endoftext|>\n{story(i)}" for i in range(3, 60))
    )
    (place / "runs" / "preferred.jsonl").write_text(
        json.dumps({"prompt": "Where is the cat?", "chosen": "In the garden <b>", "rejected": "No."}) + "\n"
    )
    return place / "runs"


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
