"""Small suites, and a tiny model with room for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onward.evaluate.opening import open_suite
from onward.evaluate.suite import Suite
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from samples import randomised

NOUNS = ("cat", "dog", "fox", "hen", "owl")


@pytest.fixture
def tiny_model(tokenizer: Tokenizer) -> LanguageModel:
    """As everybody's, with 128 positions."""
    shape = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=128, **shape)
    return randomised(LanguageModel(config).initialise(0))


@pytest.fixture
def questions(tmp_path: Path) -> Suite:
    """Twelve questions that the tiny model answers somehow."""
    lines = [{"prompt": f"the {NOUNS[i % 5]} {i}?", "answer": NOUNS[i % 5], "group": f"g{i // 2}"} for i in range(12)]
    return _suite(tmp_path / "questions.jsonl", lines)


@pytest.fixture
def choosing(tmp_path: Path) -> Suite:
    """Eight with three options each."""
    lines = [
        {"prompt": f"Who {i}?", "answer": NOUNS[i % 3], "options": [NOUNS[(i + j) % 3] for j in range(3)]}
        for i in range(8)
    ]
    return _suite(tmp_path / "choosing.jsonl", lines)


def _suite(path: Path, lines: list[dict[str, object]]) -> Suite:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return open_suite(str(path))
