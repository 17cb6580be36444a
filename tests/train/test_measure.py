import lzma
import math

import numpy as np
import pytest
import torch

from onward.train import measure
from onward.train.packing import Packing
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
    found = measured(tiny_model, tokenizer, shards)
    targets = shards.tokens + shards.documents
    assert found.value == pytest.approx(targets * math.log2(tiny_model.config.vocab_size) / shards.bytes, rel=1e-5)
    assert found.low < found.value < found.high


def test_measuring_leaves_the_model_as_it_was(tiny_model, tokenizer, shards):
    tiny_model.train()
    first = measured(tiny_model, tokenizer, shards)
    assert tiny_model.training
    assert measured(tiny_model, tokenizer, shards) == first


def test_documents_are_what_is_resampled_however_they_are_cut(tiny_model, tokenizer, shards):
    short, long = (measured(tiny_model, tokenizer, shards, length) for length in (16, 64))
    assert short.n == long.n == shards.documents


def measured(model, tokenizer, shards, length=64):
    packing = Packing(shards, length, tokenizer.bos_id)
    return measure.held_out(model, packing, tokenizer, targets=10**6, device="cpu", precision="fp32")


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """95 % intervals of a known ratio: between 88 and 100 of 100 hold it."""
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(100):
        sizes = torch.randint(50, 150, (60,), generator=generator).double()
        bits = sizes * 2 + 40 * torch.randn(60, generator=generator, dtype=torch.float64)
        found = measure.with_interval(bits.numpy(), sizes.numpy())
        covered += found.low <= 2 <= found.high
    assert 88 <= covered <= 100


def test_byte_lengths_add_up_to_the_bytes_of_a_text(tokenizer):
    text = "The cat sat on the mat: Katze, кошка, 猫, 🐈."
    lengths = measure.byte_lengths(tokenizer, tokenizer.highest_id + 7)
    assert int(lengths[tokenizer.encode(text)].sum()) == len(text.encode())
    assert lengths[list(tokenizer.special.values())].sum() == 0


def test_one_document_has_no_interval():
    found = measure.with_interval(np.array([10.0]), np.array([5.0]))
    assert (found.value, found.low, found.high, found.n) == (2.0, None, None, 1)


def test_the_baseline_knows_what_it_has_read(tokenizer, shards):
    """Text that stands in the training text word for word costs xz next to nothing."""
    packing = Packing(shards, 64, tokenizer.bos_id)
    found = measure.xz_bits_per_byte(shards, packing, tokenizer, targets=10**6)
    assert found is not None
    assert 0 < found < 0.8


@pytest.mark.parametrize("size", [0, 10, 5_000, 200_000])
def test_the_baseline_is_xz_9_with_less_memory(size):
    data = " ".join(story(i) for i in range(size // 200 + 1)).encode()[:size]
    assert measure._xz(data) == len(lzma.compress(data, preset=9))
