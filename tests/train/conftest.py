"""What trainings in these tests learn from: stories, several to a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onward.tokens.tokenizer import Tokenizer
from onward.train.packing import Batch, Batches, Packing
from onward.train.shards import Shards, write_shards
from samples import story


@pytest.fixture
def batches(tmp_path: Path, tokenizer: Tokenizer) -> Callable[[int], Batch]:
    """Batch i, of four rows of 32."""
    documents = ((tokenizer.encode(story(i)), None, len(story(i))) for i in range(40))
    write_shards(documents, tmp_path / "shards", vocab_size=tokenizer.highest_id + 1, tokenizer_hash="", meta={})
    return Batches(Packing(Shards(tmp_path / "shards"), 32, tokenizer.bos_id), 4, 0).batch
