import shutil

import pytest
import torch

from onward.errors import FolderError, OutputError
from onward.train import checkpoints
from onward.train.optimisers import optimisers
from onward.train.plan import TrainPlan

PLAN = TrainPlan(steps=1, length=8, batch_tokens=8, rows_per_pass=1)


@pytest.fixture
def trained(tiny_model):
    """A model and optimisers that have taken a step, so that there are moments to keep."""
    found = optimisers(tiny_model, PLAN)
    tiny_model(torch.tensor([[1, 2, 3]])).sum().backward()
    for optimiser in found:
        optimiser.step()
    return tiny_model, found


def test_only_the_newest_two_are_kept(trained, tmp_path):
    for step in (1, 2, 3, 10):
        checkpoints.save(tmp_path, step, *trained, tokens=1, seconds=1.0)
    assert [path.name for path in checkpoints.existing(tmp_path)] == ["step-00000003", "step-00000010"]


def test_a_stop_in_between_does_not_push_out_a_checkpoint_made_at_its_regular_step(trained, tmp_path):
    for step in (10, 20, 23, 27):
        checkpoints.save(tmp_path, step, *trained, tokens=1, seconds=1.0, every=10)
    assert [checkpoints.step_of(path) for path in checkpoints.existing(tmp_path)] == [10, 20, 27]


def test_a_checkpoint_holds_no_pickle(trained, tmp_path):
    path = checkpoints.save(tmp_path, 1, *trained, tokens=1, seconds=1.0)
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}


def test_a_full_disk_keeps_the_last_good_one_and_says_so(trained, small_disk):
    """Room for two small checkpoints and not for three; the third needs a place before the first is dropped."""
    size = sum(
        file.stat().st_size for file in checkpoints.save(small_disk, 1, *trained, tokens=1, seconds=1.0).iterdir()
    )
    fill(small_disk, leaving=size // 2)
    with pytest.raises(OutputError, match="no space left"):
        checkpoints.save(small_disk, 2, *trained, tokens=1, seconds=1.0)
    assert [path.name for path in checkpoints.existing(small_disk)] == ["step-00000001"]
    assert not list(small_disk.glob(".*"))
    checkpoints.load(small_disk / "step-00000001", *trained)


def fill(disk, *, leaving):
    free = shutil.disk_usage(disk).free
    (disk / "ballast").write_bytes(b"\0" * (free - leaving))


@pytest.mark.parametrize("broken", ["model.safetensors", "optimisers.safetensors", "state.json"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_broken_checkpoint_is_named(trained, tmp_path, broken, how):
    path = checkpoints.save(tmp_path, 1, *trained, tokens=1, seconds=1.0)
    if how == "gone":
        (path / broken).unlink()
    else:
        (path / broken).write_bytes((path / broken).read_bytes()[:9])
    with pytest.raises(FolderError, match="step-00000001 is broken"):
        checkpoints.load(path, *trained)


def test_a_checkpoint_of_another_shape_is_refused(trained, tmp_path):
    path = checkpoints.save(tmp_path, 1, *trained, tokens=1, seconds=1.0)
    other = torch.nn.Linear(3, 3)
    with pytest.raises(FolderError):
        checkpoints.load(path, other, optimisers(other, PLAN))
