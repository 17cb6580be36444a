"""Masked diffusion: what is hidden, what is seen, what it is worth; and that blocks of one token are the next token exactly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from rich.console import Console

from onward.errors import FolderError, PlanError
from onward.generate.load import open_folder
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id, with_mask
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure, pretrain
from onward.train.corruption import CHANNELS, noise
from onward.train.diffusion import Hiding, places, spread
from onward.train.fit import fit
from onward.train.objectives import block_by_block, masked_diffusion, next_token, token_losses
from onward.train.packing import IGNORE, PADDING, Batch, Batches, Packing
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.shards import Shards, write_shards
from onward.train.tasks import task
from onward.train.workspace import Workspace
from samples import randomised, story

BOUNDARY, MASK, LENGTH = 8, 9, 24


def shards(path, texts, vocab_size=10):
    write_shards(((t, None, len(t)) for t in texts), path, vocab_size=vocab_size, tokenizer_hash="", meta={})
    return Shards(path)


@pytest.fixture
def packed(tmp_path):
    """A packing of random texts of 1 to 60 tokens for a block size."""
    chance = np.random.default_rng(0)
    texts = [chance.integers(0, 8, chance.integers(1, 60)).tolist() for _ in range(80)]
    cut = shards(tmp_path / "s", texts)
    return lambda block, length=LENGTH: Packing(cut, length, BOUNDARY, places(block))


def some_noise(batch, seed=0):
    return noise((CHANNELS, *batch.inputs.shape), seed, 1, 0)


def tiny(vocab_size=10, seed=0):
    shape = {"width": 16, "depth": 2, "heads": 2, "kv_heads": 1, "head_size": 8, "ffn_width": 32, "max_positions": 64}
    return randomised(LanguageModel(TrunkConfig(vocab_size=vocab_size, **shape)).initialise(0), seed).double()


def test_blocks_of_one_token_are_the_next_token_exactly(packed):
    packing, model = packed(1), tiny()
    clean = packing.batch(np.arange(packing.rows))
    hidden = Hiding(1, MASK)(clean, some_noise(clean))
    assert MASK not in hidden.inputs[hidden.documents != PADDING], "nobody sees a mask"
    one, other = masked_diffusion(model, hidden), next_token(model, clean)
    assert one.weight == other.weight == clean.learnable
    assert one.value.item() == pytest.approx(other.value.item(), rel=1e-12)


def test_gradients_of_blocks_of_one_token_are_those_of_the_next_token(packed):
    packing = packed(1)
    clean = packing.batch(np.arange(8))
    found = []
    for objective, batch in ((masked_diffusion, Hiding(1, MASK)(clean, some_noise(clean))), (next_token, clean)):
        model = tiny()
        objective(model, batch).value.backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("block", [2, 4, LENGTH])
def test_nothing_that_is_hidden_reaches_whoever_is_to_say_it(packed, block):
    """Changing one token of the text changes what is said of it nowhere, and what is said of others only where they may see it."""
    packing, model = packed(block), tiny()
    clean = packing.batch(np.arange(3))
    given = some_noise(clean)
    before = token_losses(model, Hiding(block, MASK)(clean, given), block_by_block(Hiding(block, MASK)(clean, given)))
    batch = Hiding(block, MASK)(clean, given)
    logits = model(batch.inputs, batch.positions, block_by_block(batch))
    row = 0
    for place in range(0, int((clean.documents[row] == 0).sum()) - 1, 3):
        targets, inputs = clean.targets.clone(), clean.inputs.clone()
        targets[row, place] = inputs[row, place + 1] = (targets[row, place] + 1) % 8
        other = Batch.of(inputs=inputs, targets=targets, positions=clean.positions, documents=clean.documents)
        changed = Hiding(block, MASK)(other, given)
        assert torch.equal(changed.targets != IGNORE, batch.targets != IGNORE), (
            "what is hidden does not depend on the text"
        )
        now = model(changed.inputs, changed.positions, block_by_block(changed))
        wanted = (batch.targets[row] != IGNORE) & (batch.documents[row] == 0)
        moved = ((now[row] - logits[row]).abs().max(-1).values > 1e-12) & wanted
        start = place // block * block
        same_block = (batch.starts[row] == start) & (batch.starts[row] <= batch.positions[row])
        at = same_block & (batch.positions[row] == place)
        if (batch.targets[row] != IGNORE)[at].any():
            assert not (moved & same_block).any(), "it is hidden from its own block"
        assert not (moved & (batch.starts[row] < start)).any(), "and from those before"
        assert not (moved[batch.documents[row] != 0]).any(), "and from other texts"
        later = wanted & (batch.starts[row] > start) & (batch.starts[row] <= batch.positions[row])
        assert bool(moved[later].all()), "those after see it as it is"
    assert torch.isfinite(before).all()


def test_every_token_of_a_text_and_its_end_are_in_one_block(packed):
    packing = packed(4)
    clean = packing.batch(np.arange(packing.rows))
    batch = Hiding(4, MASK)(clean, some_noise(clean))
    noised = (batch.starts <= batch.positions) & (batch.documents >= 0)
    first = noised & (batch.positions == batch.starts)
    texts = (clean.documents >= 0).sum() + 0
    assert batch.learnable == int(first.sum()) * 4 >= int(texts), (
        "weights add up to the text, filled up to whole blocks"
    )
    told = batch.targets != IGNORE
    ended = clean.targets[clean.documents >= 0]
    assert set(batch.targets[told].tolist()) <= set(ended.tolist()) | {BOUNDARY}


def test_the_loss_has_the_mean_of_hiding_with_chance_t_and_weight_one_over_t(packed):
    """Both over all ways to hide a block of 4, worked out: n even with weight K / n; t even, by quadrature, with weight 1 / t."""
    packing, model = packed(4), tiny()
    row = next(i for i in range(packing.rows) if packing.batch(np.array([i])).single)
    clean = packing.batch(np.array([row]))
    size = 4

    def worth(hidden):
        """Summed nats of hidden places of the first block, unweighted, for one way to hide it."""
        order = np.ones((CHANNELS, 1, LENGTH))
        order[0, 0, :size] = [0.0 if h else 0.9 for h in hidden]
        order[1] = (sum(hidden) - 0.5) / size  # so many are hidden
        one = order.copy()
        batch = Hiding(size, MASK)(clean, one)
        first = (batch.starts[0] == 0) & (batch.starts[0] <= batch.positions[0])
        weights = batch.weights[0][first & (batch.targets[0] != IGNORE)]
        assert weights.tolist() == pytest.approx([size / sum(hidden)] * sum(hidden))
        return float(token_losses(model, batch, block_by_block(batch))[0][first].sum()) * sum(hidden) / size

    ways = [hidden for hidden in itertools.product((0, 1), repeat=size) if any(hidden)]
    nats = {hidden: worth(hidden) for hidden in ways}
    ours = sum(size / sum(h) * nats[h] / (size * math.comb(size, sum(h))) for h in ways)
    grid = (np.arange(200_000) + 0.5) / 200_000
    theirs = sum(nats[h] * float(np.mean(grid ** (sum(h) - 1) * (1 - grid) ** (size - sum(h)))) for h in ways)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_the_number_hidden_is_even_from_one_to_all(packed):
    packing = packed(4)
    clean = packing.batch(np.arange(packing.rows))
    counts = np.zeros(5)
    for seed in range(20):
        batch = Hiding(4, MASK)(clean, spread(some_noise(clean, seed)))
        noised = batch.starts <= batch.positions
        hidden = (batch.targets != IGNORE) & noised
        groups = hidden.numpy()[:, : LENGTH // 4 * 5].reshape(len(hidden), -1, 5).sum(-1)
        real = (batch.documents.numpy()[:, : LENGTH // 4 * 5].reshape(len(hidden), -1, 5) >= 0).any(-1)
        counts += np.bincount(groups[real], minlength=5)
    assert counts[0] == 0
    share = counts[1:] / counts.sum()
    assert share == pytest.approx(0.25, abs=0.01)


def test_stratified_noise_is_even_and_falls_into_every_part():
    given = noise((CHANNELS, 16, 8), 0, 1, 0)
    found = spread(given)[1]
    assert np.array_equal(np.sort(np.floor(found * 16), axis=0), np.tile(np.arange(16)[:, None], 8))
    assert np.array_equal(spread(given)[0], given[0])


def test_a_small_model_learns_what_blocks_of_stories_hide(tokenizer, tmp_path):
    """Bits per byte, at most: of 8 at first; a quarter of a bit when all but nouns and places is known."""
    cut, goal = with_mask(tokenizer), task("diffusion", 4)
    sides = {"train": range(300), "kept": range(1000, 1040)}
    train, kept = (
        Packing(
            shards(tmp_path / side, [cut.encode(story(i)) for i in numbers], cut.highest_id + 1),
            64,
            cut.bos_id,
            goal.places,
        )
        for side, numbers in sides.items()
    )
    shape = {"width": 32, "depth": 2, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 96}
    config = goal.architecture(TrunkConfig(vocab_size=cut.highest_id + 1, max_positions=64, **shape))[1]
    model = LanguageModel(config).initialise(0)
    rows = goal.held_out(kept, cut)

    def bits():
        return measure.held_out(model, rows, cut, targets=10**6, device="cpu", precision="fp32", mask=goal.mask).value

    before = bits()
    plan = TrainPlan(steps=60, length=64, batch_tokens=512, rows_per_pass=8)
    fit(model, goal.objective, goal.batches(Batches(train, 8, 0).batch, cut, 0), plan)
    assert bits() < 0.45 < 2 < before


# --- folders ------------------------------------------------------------------------------------------------------------

ANY = Shape(depth=1, width=32, heads=2)


def trained(place, texts, objective="diffusion", steps=2, **further):
    wishes = Wishes(steps=steps, batch=256, length=32, eager=True)
    asked = Shape() if "init" in further else ANY
    vocab = None if "init" in further else 300
    with Workspace(place, {}) as workspace:
        training = pretrain.prepare(
            [str(texts)],
            workspace,
            wishes,
            asked,
            vocab=vocab,
            objective=objective,
            console=Console(quiet=True),
            **further,
        )
        return training.run(Console(quiet=True))


def test_a_folder_knows_its_block_and_its_mask(texts, tmp_path):
    path = trained(tmp_path / "made", texts, block=4)
    assert folder.read_config(path)[1].block == 4
    assert mask_id(Tokenizer.load(path)) is not None
    whole = folder.read_config(trained(tmp_path / "whole", texts))[1]
    assert whole.whole
    assert whole.block == whole.max_positions == 32


def test_a_model_of_next_tokens_goes_on_in_blocks(texts, tmp_path):
    base = trained(tmp_path / "base", texts, objective="next")
    path = trained(tmp_path / "blocks", texts, init=str(base), block=4)
    one, other = folder.read_config(base)[1], folder.read_config(path)[1]
    assert (other.block, other.max_positions) == (4, one.max_positions)
    cut = Tokenizer.load(path)
    assert mask_id(cut) == cut.highest_id == Tokenizer.load(base).highest_id + 1
    again = trained(tmp_path / "again", texts, init=str(path), block=8)
    assert folder.read_config(again)[1] == TrunkConfig(**{**vars(other), "block": 8})


def test_what_wants_the_next_token_refuses_a_folder_of_blocks(texts, tmp_path):
    path = trained(tmp_path / "made", texts, block=4)
    with pytest.raises(FolderError, match="4 tokens together"):
        trained(tmp_path / "next", texts, objective="next", init=str(path))
    with pytest.raises(FolderError, match="4 tokens together"):
        open_folder(path)


@pytest.mark.parametrize(("objective", "block"), [("next", 4), ("diffusion", 0)])
def test_blocks_that_make_no_sense_are_refused(objective, block):
    with pytest.raises(PlanError, match=f"--block {block}"):
        task(objective, block)
