"""Batches of stories, several to a row: what the tests of the loop and of what stands beside it train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onward.tokens.tokenizer import Tokenizer
from onward.train.packing import Batch, Batches, Packing
from onward.train.shards import Shards, write_shards
from samples import story


@pytest.fixture
def story_batches(tmp_path: Path, tokenizer: Tokenizer) -> Callable[[int], Batch]:
    """Four rows of 32 tokens each."""
    documents = ((tokenizer.encode(story(i)), None, len(story(i))) for i in range(40))
    write_shards(documents, tmp_path / "shards", vocab_size=tokenizer.highest_id + 1, tokenizer_hash="", meta={})
    packing = Packing(Shards(tmp_path / "shards"), 32, tokenizer.bos_id)
    return Batches(packing, 4, 0).batch
