"""A folder of every family, small and with weights that are all random, as a subject to check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onward.check import table
from onward.check.learning import compiled_and_eager
from onward.check.subject import Subject, open_subject
from onward.lineage import Lineage
from onward.model import folder
from onward.model.families import from_hf_config
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from samples import randomised

SMALL = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
}
MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12}
FAMILIES = {
    "llama": SMALL,
    "qwen2": SMALL,
    "qwen3": SMALL | {"head_dim": 8, "tie_word_embeddings": True},
    "qwen3_moe": SMALL | MOE | {"head_dim": 8},
    "mistral": SMALL | {"sliding_window": 5},
    "mixtral": SMALL | {"num_local_experts": 3, "num_experts_per_tok": 2},
    "gpt2": {"n_embd": 24, "n_head": 4, "n_layer": 2, "n_positions": 32},
    "bert": SMALL | {"num_key_value_heads": 4},
}


@pytest.fixture
def folder_of(tmp_path: Path, tokenizer: Tokenizer) -> Callable[..., Path]:
    """`folder_of("llama")` is a model folder of that family with a tokeniser."""

    def make(family: str = "qwen3", *, fresh: bool = False, **changes: object) -> Path:
        raw = FAMILIES[family] | {"model_type": family, "vocab_size": tokenizer.highest_id + 1} | changes
        model = LanguageModel(from_hf_config(raw)[1]).initialise(0)
        parts = tmp_path / "tokenizer"
        parts.mkdir()
        tokenizer.save(parts)
        path = tmp_path / family
        model = model if fresh else randomised(model)
        folder.save(path, model, lineage=Lineage(verb="test"), family=family, tokenizer_folder=parts)
        return path

    return make


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table without its compiled row, which takes half a minute a family; it has a test of its own."""
    rows = tuple(row for row in table.EQUIVALENCES if row.measure is not compiled_and_eager)
    monkeypatch.setattr(table, "EQUIVALENCES", rows)


@pytest.fixture
def subject(folder_of: Callable[..., Path]) -> Subject:
    return open_subject(folder_of())


@pytest.fixture
def encoder(folder_of: Callable[..., Path]) -> Subject:
    return open_subject(folder_of("bert"))
