"""What is measured of hidden tokens: by hand, and on models that must learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import hidden, measure
from onward.train.fit import fit
from onward.train.packing import Batches, Packing
from onward.train.plan import TrainPlan
from onward.train.shards import Shards, write_shards
from onward.train.tasks import task
from samples import story


class World:
    """The tiny language of `samples.story`, cut for a task; a small model of the task's architecture."""

    def __init__(self, name, tokenizer, folder):
        self.task, self.tokenizer = task(name), task(name).tokens(tokenizer)
        self.train, kept = (self._packing(folder / side, numbers) for side, numbers in SIDES.items())
        self.held_out = self.task.held_out(kept, self.tokenizer)
        shape = {"width": 32, "depth": 2, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 96}
        config = TrunkConfig(vocab_size=self.tokenizer.highest_id + 1, max_positions=64, **shape)
        self.model = LanguageModel(self.task.architecture(config)[1]).initialise(0)

    def _packing(self, folder, numbers):
        cut = [self.tokenizer.encode(story(i)) for i in numbers]
        documents = ((ids, None, len(story(i))) for i, ids in zip(numbers, cut, strict=True))
        write_shards(documents, folder, vocab_size=self.tokenizer.highest_id + 1, tokenizer_hash="", meta={})
        return Packing(Shards(folder), 64, self.tokenizer.bos_id, self.task.places)

    def learn(self, steps):
        plan = TrainPlan(steps=steps, length=64, batch_tokens=1024, rows_per_pass=16)
        batches = self.task.batches(Batches(self.train, 16, 0).batch, self.tokenizer, 0)
        fit(self.model, self.task.objective, batches, plan)

    def tally(self):
        return hidden.tally(
            self.model,
            self.held_out,
            self.tokenizer,
            self.train.shards,
            self.task.mask,
            targets=10**6,
            device="cpu",
            precision="fp32",
        )


SIDES = {"train": range(200), "held-out": range(1000, 1040)}


@pytest.fixture
def world(tokenizer, tmp_path):
    return lambda name: World(name, tokenizer, tmp_path)


def test_a_small_encoder_fills_far_more_than_the_commonest_token(world):
    """Of "The NOUN sat on the PLACE." all but nouns and places follows from what stands around it."""
    made = world("masked")
    made.learn(60)
    found = hidden.masked_results(made.tally(), "suite", made.tokenizer, 0)
    bits, share = found[1:]
    assert share.metric == "masked tokens filled right"
    assert share.low > share.baseline + 0.3 > share.chance + 0.3
    assert bits.high < bits.baseline - 2
    assert bits.chance == pytest.approx(math.log2(share.chance**-1))


def test_a_small_span_model_writes_spans_better_than_frequencies_do(world):
    made = world("prefix")
    made.learn(100)
    found = hidden.removed_result(made.tally(), "suite", 0)
    assert found.high < 0.8 * found.baseline


def test_a_model_that_knows_nothing_has_the_figures_of_arithmetic(world):
    made = world("masked")
    with torch.no_grad():
        made.model.embedding.tokens.weight.zero_()  # all logits are equal
    found = made.tally()
    bits = math.log2(made.model.config.vocab_size)
    assert found.of(found.bits, found.tokens).value == pytest.approx(bits, rel=1e-5)
    counts = np.bincount(np.concatenate([made.train.shards.document(i) for i in range(200)]))
    assert hidden.frequency_bits(made.train.shards, made.tokenizer).argmin() == counts.argmax()


@pytest.mark.parametrize("name", ["masked", "prefix"])
def test_what_is_measured_while_training_is_what_the_lineage_says(world, name):
    made = world(name)
    now_and_then = measure.held_out(
        made.model,
        made.held_out,
        made.tokenizer,
        targets=10**6,
        device="cpu",
        precision="fp32",
        mask=made.task.mask,
    )
    at_the_end = hidden.removed_result(made.tally(), "suite", 0)
    assert at_the_end.value == pytest.approx(now_and_then.value, rel=1e-6)
    assert at_the_end.n == now_and_then.n
