import math

import pytest
import torch

from onward.train import measure
from onward.train.packing import Packing, held_out_batches
from onward.train.shards import Shards, write_shards
from samples import story


@pytest.fixture
def shards(tmp_path, tokenizer):
    texts = [story(i) for i in range(30)]
    write_shards(
        ((tokenizer.encode(t), None, len(t)) for t in texts),
        tmp_path / "s",
        vocab_size=tokenizer.highest_id + 1,
        tokenizer_hash="",
        meta={},
    )
    return Shards(tmp_path / "s")


def test_a_uniform_model_has_the_bits_per_byte_of_arithmetic(tiny_model, tokenizer, shards):
    """All logits equal: every target costs log2 of the vocabulary, the end of a document too."""
    with torch.no_grad():
        tiny_model.embedding.tokens.weight.zero_()
    bytes_of = measure.byte_lengths(tokenizer, tiny_model.config.vocab_size)
    batches = list(held_out_batches(Packing(shards, 64, tokenizer.bos_id), 4, 10**9))
    found = measure.bits_per_byte(tiny_model, batches, bytes_of, "cpu", "fp32")
    targets = shards.tokens + shards.documents
    assert found.value == pytest.approx(targets * math.log2(tiny_model.config.vocab_size) / shards.bytes, rel=1e-5)
    assert found.low < found.value < found.high


def test_measuring_leaves_the_model_as_it_was(tiny_model, tokenizer, shards):
    bytes_of = measure.byte_lengths(tokenizer, tiny_model.config.vocab_size)
    batches = list(held_out_batches(Packing(shards, 64, tokenizer.bos_id), 4, 10**9))
    tiny_model.train()
    first = measure.bits_per_byte(tiny_model, batches, bytes_of, "cpu", "fp32")
    assert tiny_model.training
    assert measure.bits_per_byte(tiny_model, batches, bytes_of, "cpu", "fp32") == first


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """95 % intervals of a known ratio: between 88 and 100 of 100 hold it."""
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(100):
        sizes = torch.randint(50, 150, (60,), generator=generator).double()
        bits = sizes * 2 + 40 * torch.randn(60, generator=generator, dtype=torch.float64)
        found = measure._with_interval(bits.numpy(), sizes.numpy())
        covered += found.low <= 2 <= found.high
    assert 88 <= covered <= 100


def test_byte_lengths_add_up_to_the_bytes_of_a_text(tokenizer):
    text = "The cat sat on the mat: Katze, кошка, 猫, 🐈."
    lengths = measure.byte_lengths(tokenizer, tokenizer.highest_id + 7)
    assert int(lengths[tokenizer.encode(text)].sum()) == len(text.encode())
    assert lengths[list(tokenizer.special.values())].sum() == 0


def test_the_baseline_is_what_xz_makes_of_the_text(tokenizer, shards):
    assert 0.5 < measure.compressed_bits_per_byte(shards, tokenizer) < 3
