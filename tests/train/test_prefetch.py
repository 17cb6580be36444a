"""Batches made ahead: the same ones, errors where they belong, and no thread left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from onward.train.packing import Batches, Packing
from onward.train.prefetch import ahead
from onward.train.shards import Shards, write_shards


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_batches_made_ahead_are_the_same_to_the_bit(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    documents = ((random.integers(0, 98, n), None, 1) for n in random.integers(1, 40, 50))
    write_shards(documents, tmp_path / "shards", vocab_size=100, tokenizer_hash="", meta={})
    plain = Batches(Packing(Shards(tmp_path / "shards"), 16, 99), 8, seed=1).batch
    with ahead(Batches(Packing(Shards(tmp_path / "shards"), 16, 99), 8, seed=1).batch, lambda: 30) as batch:
        for i in range(30):
            ours, theirs = batch(i), plain(i)
            assert ours.learnable == theirs.learnable
            for name in ("inputs", "targets", "positions", "documents"):
                assert torch.equal(getattr(ours, name), getattr(theirs, name))


def test_the_next_batch_is_made_while_the_one_before_is_used_and_none_past_the_end() -> None:
    made = [threading.Event() for _ in range(4)]
    with ahead(lambda i: made[i].set(), lambda: 3) as batch:
        for i in range(3):
            batch(i)
            assert i == 2 or made[i + 1].wait(10), "nobody has asked for it yet"
    assert not made[3].is_set()


def test_batches_can_be_asked_for_in_any_order_and_are_made_one_at_a_time() -> None:
    at_work = threading.Lock()

    def make(i: int) -> int:
        assert at_work.acquire(blocking=False), "two at once"
        time.sleep(0.002)
        at_work.release()
        return i

    with ahead(make, lambda: 10) as batch:
        assert [batch(i) for i in (5, 6, 2, 2, 9, 0, 1)] == [5, 6, 2, 2, 9, 0, 1]


def test_an_error_is_raised_where_its_batch_is_asked_for_and_shows_where_it_arose() -> None:
    def broken(i: int) -> int:
        if i == 2:
            raise ValueError("no second batch")
        return i

    with ahead(broken, lambda: 9) as batch:
        assert [batch(0), batch(1)] == [0, 1]
        with pytest.raises(ValueError, match="no second batch") as error:
            batch(2)
        assert "in broken" in "".join(traceback.format_tb(error.value.__traceback__))
        assert batch(3) == 3


def test_an_error_of_the_training_ends_the_thread_too() -> None:
    def broken() -> None:
        with ahead(lambda i: i, lambda: 9) as batch:
            raise ZeroDivisionError(batch(0))

    with pytest.raises(ZeroDivisionError):
        broken()


def test_ctrl_c_while_a_batch_is_being_made_is_heard() -> None:
    def slow(i: int) -> None:
        if i == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)

    def train() -> None:
        with ahead(slow, lambda: 1000) as batch:
            for i in range(1000):
                batch(i)
                time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        train()
