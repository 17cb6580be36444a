"""What `onward show` says of a folder: arithmetic that agrees with the model itself."""

from __future__ import annotations

import json

import pytest
import torch

from onward.errors import FolderError
from onward.lineage import Lineage
from onward.model.describe import cache_numbers, describe
from onward.model.folder import save


@pytest.fixture
def folder(tiny, tmp_path):
    save(tmp_path / "model", tiny(dtype=torch.float32), lineage=Lineage(verb="test"), dtype=torch.bfloat16)
    return tmp_path / "model"


def test_a_folder_is_described_as_it_is(folder, tiny):
    model, said = tiny(), describe(folder)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert said["family"] == "qwen3"
    assert said["architecture"]["width"] == 24
    assert said["vocabulary"] == 41
    assert said["parameters"]["total"] == total
    assert said["stored"] == {"BF16": total}
    assert said["memory"]["weights"] == {"float32": 4 * total, "bfloat16": 2 * total}
    assert said["memory"]["training"] == 16 * total
    assert said["files"]["model.safetensors"] == (folder / "model.safetensors").stat().st_size
    assert json.loads(json.dumps(said))["parameters"] == said["parameters"]


@pytest.mark.parametrize(("window", "expected"), [(None, 3 * 50), (8, 2 * 50 + 8)])
def test_the_cache_is_counted_as_it_fills(tiny, slot_cache, window, expected):
    config = tiny(window=window, window_layers=None if window is None else (1,)).config
    assert cache_numbers(config, 50) == 2 * 2 * 8 * expected
    if window is None:
        cache = slot_cache([0], capacity=50)
        tiny()(torch.zeros(1, 50, dtype=torch.int64), cache=cache)
        held = sum(tensor.numel() for pair in cache.kept.values() for tensor in pair)
        assert cache_numbers(config, 50) == held


def test_a_shard_that_is_cut_off_is_not_described(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(FolderError, match="cut off"):
        describe(folder)
