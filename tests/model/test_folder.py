"""The model folder: whole or not there, read back exactly, and refused in one clear line wherever it is not whole."""

from __future__ import annotations

import json
import os
import stat

import pytest
import torch
import transformers
from huggingface_hub import constants
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from onward import lineage
from onward.errors import ConfigError, FolderError, OutputError
from onward.lineage import Lineage
from onward.model import folder as folders
from onward.model.config import MoEConfig
from onward.model.folder import check_tokenizer, load, resolve, save

WORDS = torch.randint(0, 41, (2, 9), generator=torch.Generator().manual_seed(0))
LINEAGE = Lineage(verb="test", seed=3)


@pytest.fixture
def model(tiny):
    return tiny(dtype=torch.float32)


@pytest.fixture
def folder(model, tmp_path):
    save(tmp_path / "model", model, lineage=LINEAGE)
    return tmp_path / "model"


def weights(model):
    return model.state_dict()


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- saved and loaded -------------------------------------------------------------------------------------------------


def test_what_is_saved_is_loaded(model, folder):
    back = load(folder)
    assert back.config == model.config
    assert equal(weights(back), weights(model))
    assert all(parameter.requires_grad for parameter in back.parameters())
    assert lineage.read(folder) == LINEAGE


@pytest.mark.parametrize(
    "changes", [{"tied": False}, {"moe": MoEConfig(experts=3, experts_per_token=1, expert_width=4)}]
)
def test_other_architectures_too(tiny, tmp_path, changes):
    model = tiny(dtype=torch.float32, **changes)
    save(tmp_path / "model", model, lineage=LINEAGE)
    assert load(tmp_path / "model").config == model.config
    assert equal(weights(load(tmp_path / "model")), weights(model))


def test_a_tied_head_is_stored_once(folder):
    with safe_open(folder / "model.safetensors", "pt") as file:
        names = set(file.keys())
        assert file.metadata() == {"format": "pt"}
    assert "model.embed_tokens.weight" in names
    assert "lm_head.weight" not in names


def test_a_folder_is_a_stock_checkpoint(folder):
    config = json.loads((folder / "config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("qwen3", ["Qwen3ForCausalLM"])
    assert config["dtype"] == config["torch_dtype"] == "float32"
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert theirs.dtype == torch.float32
    torch.testing.assert_close(theirs(WORDS).logits, load(folder)(WORDS), atol=1e-4, rtol=1e-4)


def test_the_same_model_gives_the_same_bytes(model, folder, tmp_path):
    save(tmp_path / "again", model, lineage=LINEAGE)
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_precision_may_change_on_the_way_in_and_out(model, folder, tmp_path):
    half = load(folder, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    save(tmp_path / "half", model, lineage=LINEAGE, dtype=torch.bfloat16)
    assert equal(weights(load(tmp_path / "half")), weights(half))
    assert transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "half").dtype == torch.bfloat16


def test_weights_are_as_readable_as_the_rest_of_the_folder(folder):
    assert len({stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}) == 1


def test_loading_does_not_disturb_the_random_numbers(folder):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load(folder)
    assert torch.equal(torch.get_rng_state(), before)


# --- shards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 5_000, 20_000])
def test_a_large_model_is_cut_into_shards_that_transformers_reads(model, tmp_path, limit):
    save(tmp_path / "model", model, lineage=LINEAGE, shard_bytes=limit)
    index = json.loads((tmp_path / "model" / "model.safetensors.index.json").read_text())
    shards = sorted((tmp_path / "model").glob("*.safetensors"))
    assert len(shards) > 1
    assert {file.name for file in shards} == set(index["weight_map"].values())
    assert index["metadata"]["total_size"] == 4 * sum(model.config.parameters().values())
    for shard in shards:
        tensors = load_file(shard)
        assert {name for name, place in index["weight_map"].items() if place == shard.name} == tensors.keys()
        assert len(tensors) == 1 or sum(tensor.nbytes for tensor in tensors.values()) <= limit
    assert equal(weights(load(tmp_path / "model")), weights(model))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    torch.testing.assert_close(theirs(WORDS).logits, model(WORDS), atol=1e-4, rtol=1e-4)


def test_shards_of_theirs_are_read(folder, tmp_path):
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder)
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size="10KB")
    assert len(list((tmp_path / "theirs").glob("*.safetensors"))) > 1
    assert equal(weights(load(tmp_path / "theirs")), weights(load(folder)))


# --- what lies beside the weights ---------------------------------------------------------------------------------------


def test_the_tokenizer_and_the_generation_settings_are_put_beside_the_model(model, tmp_path):
    source = tmp_path / "tokenizer"
    source.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "private-notes.txt"):
        (source / name).write_text(name)
    generation = {"bos_token_id": 3, "eos_token_id": [4, 5], "temperature": 0.7}
    save(tmp_path / "model", model, lineage=LINEAGE, tokenizer_folder=source, generation=generation)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / "model" / name).read_text() == name
    assert not (tmp_path / "model" / "private-notes.txt").exists()
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) == (3, [4, 5], None)
    assert json.loads((tmp_path / "model" / "generation_config.json").read_text()) == generation


def test_a_tokenizer_folder_without_a_tokenizer_is_refused_and_nothing_is_written(model, tmp_path):
    with pytest.raises(FolderError, match=r"no tokenizer\.json"):
        save(tmp_path / "model", model, lineage=LINEAGE, tokenizer_folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_with_more_ids_than_the_model_has_vectors_is_refused(model):
    check_tokenizer(model.config, 40)
    with pytest.raises(FolderError, match=r"up to 41.*only 41 tokens"):
        check_tokenizer(model.config, 41)


# --- whole or not there -----------------------------------------------------------------------------------------------


def test_a_folder_that_exists_is_refused_and_left_alone(model, folder):
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        save(folder, model, lineage=LINEAGE)
    assert (folder / "model.safetensors").read_bytes() == before


def test_force_replaces_it(tiny, folder):
    other = tiny(dtype=torch.float32, seed=9)
    save(folder, other, lineage=LINEAGE, force=True)
    assert equal(weights(load(folder)), weights(other))


def test_an_architecture_without_a_family_is_refused_before_anything_is_written(tiny, tmp_path):
    with pytest.raises(ConfigError, match="relu2"):
        save(tmp_path / "model", tiny(activation="relu2"), lineage=LINEAGE)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("code", "said"), [(28, "no space left"), (13, "no permission")])
def test_a_disk_that_is_full_in_the_middle_leaves_nothing_half_written(model, folder, monkeypatch, code, said):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    real, calls = folders.save_file, []

    def full(tensors, path, metadata):
        calls.append(path)
        if len(calls) == 2:
            raise folders.SafetensorError(f"Error while serializing: I/O error: refused (os error {code})")
        real(tensors, path, metadata)

    monkeypatch.setattr(folders, "save_file", full)
    with pytest.raises(OutputError, match=said):
        save(folder, model, lineage=LINEAGE, shard_bytes=5_000, force=True)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


# --- folders that are not whole ---------------------------------------------------------------------------------------


def refused(path, said, error=FolderError):
    with pytest.raises(error, match=said) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_place_where_nothing_is(tmp_path):
    refused(tmp_path / "nowhere", "does not exist")


def test_a_file_instead_of_a_folder(folder):
    refused(folder / "config.json", "is a file")


def test_a_folder_of_something_else(tmp_path):
    refused(tmp_path, "no config.json")


@pytest.mark.parametrize("text", ["{", "", "[1, 2]", "\xff\xfe"])
def test_a_broken_config(folder, text):
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    refused(folder, "config.json")


def test_a_config_of_an_unknown_architecture(folder):
    (folder / "config.json").write_text('{"model_type": "mamba2"}')
    refused(folder, "config.json: architecture 'mamba2'", ConfigError)


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, "has no model.safetensors")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_weights_as_a_pickle_are_not_opened(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    refused(folder, f"pickle.*{name}.*[Cc]onvert it to safetensors")


@pytest.mark.parametrize("keep", [0, 5, 300, -1])
def test_weights_that_are_cut_off(folder, keep):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    refused(folder, "model.safetensors is cut off")


def test_weights_that_are_something_else(folder):
    (folder / "model.safetensors").write_bytes(b"<html>404</html>" * 100)
    refused(folder, "not a safetensors file")


def rewrite(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_a_missing_tensor_is_named(folder):
    rewrite(folder, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    refused(folder, "missing.*model.layers.1.mlp.up_proj.weight")


def test_many_missing_tensors_are_counted(folder):
    rewrite(folder, lambda tensors: [tensors.pop(name) for name in list(tensors) if ".layers.2." in name])
    refused(folder, "missing.*and 8 more")


def test_a_tensor_of_another_architecture_is_named(folder):
    rewrite(folder, lambda tensors: tensors.update({"model.layers.0.self_attn.q_proj.bias": torch.zeros(32)}))
    refused(folder, "unknown.*q_proj.bias")


def test_a_tensor_of_another_shape_is_named_with_both_shapes(folder):
    rewrite(folder, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(25)}))
    refused(folder, r"model.norm.weight has shape \[25\].*\[24\]")


def test_quantised_weights_are_refused(folder):
    rewrite(folder, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(24, dtype=torch.int8)}))
    refused(folder, "int8")


def test_a_second_head_beside_a_tied_one_must_be_the_same(folder):
    before = weights(load(folder))
    rewrite(folder, lambda tensors: tensors.update({"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}))
    assert equal(weights(load(folder)), before)
    rewrite(folder, lambda tensors: tensors["lm_head.weight"].add_(1e-3))
    refused(folder, "lm_head.weight.*tie_word_embeddings")


@pytest.fixture
def sharded(model, tmp_path):
    save(tmp_path / "sharded", model, lineage=LINEAGE, shard_bytes=20_000)
    return tmp_path / "sharded"


def test_a_missing_shard_is_named(sharded):
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.unlink()
    refused(sharded, f"lacks {shard.name}")


def test_a_shard_that_is_cut_off_is_named(sharded):
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-3])
    refused(sharded, f"{shard.name} is cut off")


@pytest.mark.parametrize("index", ["{", "{}", '{"weight_map": {}}', '{"weight_map": {"a": 3}}'])
def test_a_broken_index(sharded, index):
    (sharded / "model.safetensors.index.json").write_text(index)
    refused(sharded, "model.safetensors.index.json")


@pytest.mark.parametrize("place", ["../elsewhere.safetensors", "/etc/passwd", "weights.bin"])
def test_an_index_cannot_lead_out_of_the_folder_or_to_a_pickle(sharded, place):
    (sharded / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"model.norm.weight": place}}))
    refused(sharded, "not a safetensors file of this folder")


# --- found ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch, folder):
    """A hub that cannot be reached, and the snapshot of one model that was fetched earlier."""
    place = tmp_path / "hub" / "models--org--name"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("a" * 40)
    (place / "snapshots").mkdir()
    folder.rename(place / "snapshots" / ("a" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return place


def test_a_folder_is_found_as_it_stands(folder):
    assert resolve(folder) == folder
    assert resolve(str(folder)) == folder


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_found_in_its_snapshot(model):
    assert equal(weights(load(resolve("org/name"))), weights(model))


@pytest.mark.usefixtures("hub")
def test_a_model_that_cannot_be_fetched_is_refused_in_one_line():
    with pytest.raises(FolderError, match="org/other is no folder here") as error:
        resolve("org/other")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("where", ["runs/one/chat", "./nothing", "/nothing/at/all", "nothing", "../a"])
def test_a_path_that_does_not_exist_is_not_looked_for_on_the_hub(where):
    with pytest.raises(FolderError, match="does not exist"):
        resolve(where)


def test_a_folder_of_the_same_name_comes_before_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("org/name")
    assert str(resolve("org/name")) == "org/name"


def test_weights_that_need_scales_are_refused_and_not_taken_for_numbers(tmp_path, model):
    save(tmp_path / "model", model, lineage=LINEAGE)
    weights = load_file(tmp_path / "model" / "model.safetensors")
    name = next(name for name in weights if name.endswith("q_proj.weight"))
    save_file(weights | {name: weights[name].to(torch.float8_e4m3fn)}, tmp_path / "model" / "model.safetensors")
    for dtype in (None, torch.float32):
        with pytest.raises(FolderError, match="float8_e4m3fn, which needs scales"):
            load(tmp_path / "model", dtype=dtype)


def test_a_home_of_nobody_is_one_line():
    with pytest.raises(FolderError, match="no such user"):
        resolve("~nosuchuser/model")
