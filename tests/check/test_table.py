"""All that must hold does hold, for a folder of every family; and what cannot be tried is said."""

from __future__ import annotations

import importlib.util
import math

import pytest
import torch

from onward.check.keeping import folder_and_transformers
from onward.check.learning import compiled_and_eager
from onward.check.reading import draws_alone_and_in_a_batch
from onward.check.row import Equivalence, Found, NotTriedError, tried
from onward.check.subject import open_subject
from onward.check.table import check, memory_wanted
from onward.errors import OutputError, PlanError, TrainingError
from onward.files import file_hash
from onward.lineage import Lineage
from onward.model import folder
from onward.model.families import FAMILIES

NEEDS_A_DECODER = {"cache = full forward", "drawn in a batch = alone"}
NEEDS_ATTENTION = {"cache = full forward", "padded = alone", "packed = unpacked"}


def states(subject):
    return {row.name: (row.state, row.why) for row in check(subject)}


def not_tried(found):
    return {name for name, (state, _) in found.items() if state == "not tried"}


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_holds_for_a_folder_of_every_family_and_nothing_is_changed(folder_of, family):
    path = folder_of(family)
    before = {file.name: file_hash(file) for file in path.iterdir()}
    subject = open_subject(path)
    weights = [parameter.clone() for parameter in subject.model.parameters()]
    found = states(subject)
    assert not [name for name, (state, _) in found.items() if state == "failed"], found
    assert not_tried(found) == (NEEDS_A_DECODER if family == "bert" else set()), found
    assert {file.name: file_hash(file) for file in path.iterdir()} == before
    assert all(torch.equal(a, b) for a, b in zip(weights, subject.model.parameters(), strict=True))


def test_compiled_blocks_have_the_gradients_of_eager_ones(subject):
    found = compiled_and_eager(subject)
    assert found.held, found
    assert found.difference > 0  # the blocks were compiled: not the same sums in the same order


def test_experts_are_not_compiled_and_the_row_says_so(folder_of):
    with pytest.raises(NotTriedError, match="experts"):
        compiled_and_eager(open_subject(folder_of("qwen3_moe")))


def test_without_a_compiler_the_row_says_so(subject, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotTriedError, match="compiler"):
        compiled_and_eager(subject)


def test_fresh_weights_pay_no_attention_and_the_rows_that_could_not_fail_say_so(folder_of):
    found = states(open_subject(folder_of(fresh=True)))
    assert not_tried(found) == NEEDS_ATTENTION
    assert "fresh weights" in found["padded = alone"][1]


def test_a_folder_in_bfloat16_is_checked_in_float32_and_kept_in_bfloat16(folder_of, tmp_path):
    path = folder_of()
    folder.save(
        tmp_path / "half", folder.load(path), lineage=Lineage(verb="test"), tokenizer_folder=path, dtype=torch.bfloat16
    )
    subject = open_subject(tmp_path / "half")
    assert (subject.dtype, subject.stored) == (torch.float32, torch.bfloat16)
    assert {state for state, _ in states(subject).values()} == {"held"}


def test_another_seed_is_another_text(folder_of):
    path = folder_of()
    one, other = open_subject(path), open_subject(path, seed=1)
    assert not torch.equal(one.ids(2, 9), other.ids(2, 9))
    assert torch.equal(one.batch(3).inputs, open_subject(path).batch(3).inputs)
    assert not torch.equal(one.batch(3).inputs, one.batch(4).inputs)


def test_made_up_batches_hold_what_packing_can_hold(subject):
    """Several documents in a row, positions from 0 in each, padding at the end, and unequal shares to learn."""
    batch = subject.batch(0)
    assert (batch.documents.max(1).values >= 1).all()
    assert (batch.documents[:, -1] == -1).all()
    assert ((batch.documents.diff() >= 0) | (batch.documents[:, 1:] == -1)).all()
    begins = torch.cat([torch.ones(len(batch.documents), 1, dtype=torch.bool), batch.documents.diff() > 0], 1)
    assert (batch.positions[begins] == 0).all()
    assert (batch.positions.diff()[~begins[:, 1:]] == 1).all()
    assert (batch.targets[batch.documents < 0] == -100).all()
    learned = (batch.targets >= 0).sum(1)
    assert learned.min() > 0
    assert learned.max() > 2 * learned.min()
    assert batch.learnable == learned.sum()


def test_too_little_memory_or_disk_is_a_reason_and_no_crash(subject):
    assert memory_wanted(subject) > subject.weight_bytes
    greedy = Equivalence(name="x = y", measure=lambda _: Found(0, 0, "nats"), copies=1e12)
    assert (tried(greedy, subject).state, "of memory" in tried(greedy, subject).why) == ("not tried", True)
    large = Equivalence(name="x = y", measure=lambda _: Found(0, 0, "nats"), disk=1e12)
    assert "GB in" in tried(large, subject).why


def raising(error):
    def measure(_):
        raise error

    return Equivalence(name="x = y", measure=measure)


def test_what_goes_wrong_in_a_row_is_told_in_the_row(subject):
    cut_short = TrainingError("step 1 does not fit into memory")
    cut_short.__cause__ = torch.OutOfMemoryError()
    for error, state in (
        (OutputError("no space left"), "not tried"),
        (torch.OutOfMemoryError("CUDA"), "not tried"),
        (cut_short, "not tried"),
        (TrainingError("step 1: the loss is nan"), "failed"),
    ):
        assert tried(raising(error), subject).state == state, error
    with pytest.raises(RuntimeError, match="our own fault"):
        tried(raising(RuntimeError("our own fault")), subject)


@pytest.mark.parametrize("difference", [math.nan, math.inf])
def test_a_difference_that_is_no_number_never_holds(subject, difference):
    row = tried(Equivalence(name="x = y", measure=lambda _: Found(difference, 1, "nats")), subject)
    assert row.state == "failed"
    assert row.to_json()["difference"] is None


def test_weights_that_are_no_numbers_fail(subject):
    with torch.no_grad():
        next(subject.model.parameters())[3, 3] = math.nan
    found = states(subject)
    assert {state for name, (state, _) in found.items() if name not in ("drawn in a batch = alone",)} == {"failed"}


def test_without_transformers_its_row_says_so(subject, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NotTriedError, match="not installed"):
        folder_and_transformers(subject)


def test_a_folder_without_a_tokenizer_is_checked_all_the_same(folder_of):
    path = folder_of()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (path / name).unlink()
    with pytest.raises(NotTriedError, match="no tokenizer"):
        draws_alone_and_in_a_batch(open_subject(path))


def test_what_cannot_be_checked_is_refused_before_any_work(folder_of):
    path = folder_of(max_position_embeddings=4)
    with pytest.raises(PlanError, match="4 positions"):
        open_subject(path)
    with pytest.raises(PlanError, match="--seed -1"):
        open_subject(path, seed=-1)


def test_eight_positions_are_enough(folder_of):
    assert {state for state, _ in states(open_subject(folder_of(max_position_embeddings=8))).values()} == {"held"}
