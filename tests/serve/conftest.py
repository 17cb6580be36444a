"""What the server's tests serve: a tiny model with room for a thousand tokens, and an adapter beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from onward.lineage import Lineage
from onward.model import adapters, folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.serve.models import Served, open_all
from onward.serve.settings import Limits
from onward.tokens.tokenizer import Tokenizer
from samples import randomised
from serving import Running, running

ROOM = 1024


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    place = tmp_path_factory.mktemp("served")
    (place / "tokenizer").mkdir()
    tokenizer.save(place / "tokenizer")
    shape = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=ROOM, **shape)
    model = randomised(LanguageModel(config).initialise(0))
    folder.save(place / "tiny", model, lineage=Lineage(verb="test"), tokenizer_folder=place / "tokenizer")
    return place / "tiny"


@pytest.fixture(scope="module")
def adapter_folder(tiny_folder: Path) -> Path:
    model = folder.load(tiny_folder)
    adapters.add(model, "qwen3", "lora", rank=4, base=tiny_folder, seed=1)
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(0, 0.3, generator=noise)
    out = tiny_folder.parent / "poet"
    adapters.save(out, model, lineage=Lineage(verb="sft"), family="qwen3", tokenizer_folder=tiny_folder)
    return out


@pytest.fixture(scope="module")
def server(tiny_folder: Path, adapter_folder: Path) -> Iterator[Running]:
    models = open_all([str(tiny_folder)], [f"poet={adapter_folder}"], device="cpu")
    with running(models, Limits()) as up:
        yield up


@pytest.fixture
def serve(tiny_folder: Path) -> Iterator[Callable[..., Running]]:
    """`serve(max_queue=0, key="k")`: another server, with other limits, for one test."""
    with ExitStack() as stack:

        def start(
            key: str | None = None, change: Callable[[Served], None] = lambda _: None, **limits: float
        ) -> Running:
            models = open_all([str(tiny_folder)], device="cpu")
            change(models["tiny"])
            return stack.enter_context(running(models, Limits(**limits), key))

        yield start
