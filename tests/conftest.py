"""What many tests need: a little text, a tokeniser trained on it, a small model, and folders with them. All made here, none downloaded."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train
from samples import conversation, randomised, story

# The models here are small: a second thread would mostly wait for the first, and on a busy machine for much longer.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train((story(i) + json.dumps(conversation(i)) for i in range(200)), 384)


@pytest.fixture
def tiny_model(tokenizer: Tokenizer) -> LanguageModel:
    """Two blocks, 64 positions, every parameter random."""
    config = TrunkConfig(
        vocab_size=tokenizer.highest_id + 1,
        width=32,
        depth=2,
        heads=4,
        kv_heads=2,
        head_size=8,
        ffn_width=64,
        max_positions=64,
    )
    return randomised(LanguageModel(config).initialise(0))


@pytest.fixture
def model_folder(tmp_path: Path, tiny_model: LanguageModel, tokenizer: Tokenizer) -> Path:
    parts = tmp_path / "tokenizer"
    parts.mkdir()
    tokenizer.save(parts)
    folder.save(tmp_path / "model", tiny_model, lineage=Lineage(verb="test"), tokenizer_folder=parts)
    return tmp_path / "model"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A file of 60 stories."""
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps({"text": story(i)}) + "\n" for i in range(60)))
    return path


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """A file of 40 questions with their answers."""
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps(conversation(i)) + "\n" for i in range(40)))
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, really full when it is full."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "onward", place], capture_output=True, check=False
        )
    except OSError as error:
        pytest.skip(f"no small disk can be made here: {error}")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)
