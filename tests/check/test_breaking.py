"""Every row can fail: each is given something that is broken on purpose, and must notice."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
import torch

from onward.check.keeping import folder_and_transformers, saved_and_loaded
from onward.check.learning import accumulated_and_whole, plan_of, resumed_and_uninterrupted
from onward.check.reading import (
    cache_and_full_forward,
    draws_alone_and_in_a_batch,
    packed_and_unpacked,
    padded_and_alone,
)
from onward.check.subject import losses, mean_loss
from onward.generate.cache import KVCache
from onward.generate.engine import Engine
from onward.model import folder
from onward.train import checkpoints
from onward.train.objectives import Loss
from onward.train.optimisers import optimisers


def clearly(found):
    """A failure that no rounding explains."""
    return not found.held and found.difference > 10 * found.tolerance


class KeysOneLate(KVCache):
    """In the upper layer, every key stands one slot after its own."""

    def update(self, layer, k, v):
        keys, values = super().update(layer, k, v)
        return (keys.roll(1, dims=2), values) if layer else (keys, values)


class KeysOfTheLastRow(KVCache):
    """All sequences of a batch share the keys of one."""

    def update(self, layer, k, v):
        keys, values = super().update(layer, k, v)
        return keys[-1:].expand_as(keys), values


class KeepsPadding(KVCache):
    """What short texts were filled up with stays, as if it had been read."""

    def truncate(self, lengths):
        pass


@pytest.mark.parametrize("broken", [KeysOneLate, KeysOfTheLastRow])
def test_a_broken_cache_is_noticed(subject, broken):
    assert cache_and_full_forward(subject).held
    assert clearly(cache_and_full_forward(subject, broken))


@pytest.mark.parametrize("broken", [KeepsPadding, KeysOfTheLastRow])
def test_a_cache_that_mixes_up_a_padded_batch_is_noticed(subject, broken):
    assert padded_and_alone(subject).held
    assert clearly(padded_and_alone(subject, broken))


def test_padding_that_an_encoder_sees_is_noticed(encoder, monkeypatch):
    assert padded_and_alone(encoder).held
    forward = type(encoder.model).forward

    def heedless(model, ids, positions=None, mask=None, cache=None):
        return forward(model, ids, positions, None if len(ids) > 2 else mask, cache)

    monkeypatch.setattr(type(encoder.model), "forward", heedless)
    assert clearly(padded_and_alone(encoder))


@pytest.mark.parametrize("which", ["subject", "encoder"])
def test_documents_that_see_their_neighbours_are_noticed(which, request):
    subject = request.getfixturevalue(which)

    def without_mask(model, batch):
        return losses(model, replace(batch, single=True, documents=torch.zeros_like(batch.documents)))

    assert packed_and_unpacked(subject).held
    assert clearly(packed_and_unpacked(subject, without_mask))


def test_positions_that_run_on_through_a_row_are_noticed_where_positions_are_learned(encoder):
    def running_on(model, batch):
        return losses(model, replace(batch, positions=torch.arange(batch.inputs.shape[1]).expand_as(batch.inputs)))

    assert clearly(packed_and_unpacked(encoder, running_on))


def test_draws_that_depend_on_the_place_in_the_batch_are_noticed(subject):
    class Shared(Engine):
        """One stream of chance for the whole batch, as torch.multinomial has it."""

        def run(self, requests):
            counts = itertools.count()
            return super().run(
                [
                    replace(one, sampling=replace(one.sampling, seed=one.sampling.seed + next(counts)))
                    for one in requests
                ]
            )

    assert draws_alone_and_in_a_batch(subject).held
    assert not draws_alone_and_in_a_batch(subject, Shared).held


def test_a_folder_whose_weights_have_changed_since_is_noticed_by_both_that_read_it_again(subject):
    assert saved_and_loaded(subject).held
    assert folder_and_transformers(subject).held
    with torch.no_grad():
        subject.model.trunk.blocks[0].feed_forward.up_proj.weight[2, 3] += 0.5
    assert saved_and_loaded(subject).difference == pytest.approx(0.5)
    assert clearly(folder_and_transformers(subject))


def test_files_that_are_other_bytes_each_time_are_noticed(subject):
    count = itertools.count()

    def with_the_time(path, model, **further):
        folder.save(path, model, further={"when.txt": str(next(count)).encode()}, **further)

    found = saved_and_loaded(subject, with_the_time)
    assert not found.held
    assert "when.txt" in found.remark


def test_weights_that_are_rounded_when_saved_are_noticed(subject):
    assert not saved_and_loaded(replace(subject, stored=torch.bfloat16)).held


def test_a_folder_that_transformers_does_not_open_is_noticed(subject):
    config = json.loads((subject.path / "config.json").read_text())
    (subject.path / "config.json").write_text(json.dumps(config | {"model_type": "no such thing"}))
    found = folder_and_transformers(subject)
    assert not found.held
    assert "no such thing" in found.remark


@pytest.mark.parametrize("which", ["subject", "encoder"])
def test_a_checkpoint_without_the_optimisers_is_noticed(which, request):
    subject = request.getfixturevalue(which)

    def weights_only(path, model, _):
        return checkpoints.load(path, model, optimisers(model, plan_of(subject)))

    assert resumed_and_uninterrupted(subject).held
    assert not resumed_and_uninterrupted(subject, weights_only).held


def test_a_checkpoint_that_goes_on_one_step_too_early_is_noticed(subject):
    def one_step_back(path, model, found):
        state = checkpoints.load(path, model, found)
        return state | {"step": state["step"] - 1}

    found = resumed_and_uninterrupted(subject, one_step_back)
    assert not found.held
    assert "uninterrupted" not in found.remark


def test_a_training_that_is_never_the_same_twice_is_told_from_a_bad_checkpoint(subject):
    count = itertools.count()

    def restless(model, batch):
        loss = mean_loss(model, batch)
        return Loss(loss.value * (1 + 0.1 * next(count)), loss.weight)

    found = resumed_and_uninterrupted(subject, objective=restless)
    assert not found.held
    assert "two uninterrupted trainings differ as well" in found.remark


def test_passes_that_count_alike_however_much_is_in_them_are_noticed(subject):
    """The mean of the means, as many a trainer had it until 2024."""
    whole = subject.batch(0)

    def mean_of_means(model, part):
        loss = mean_loss(model, part)
        return Loss(loss.value, round(whole.learnable * len(part.inputs) / len(whole.inputs)))

    assert accumulated_and_whole(subject).held
    assert clearly(accumulated_and_whole(subject, mean_of_means))
