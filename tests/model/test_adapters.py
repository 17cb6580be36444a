"""Adapters: every method is merged without a difference, and its folder opens in PEFT beside the base."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from onward.errors import ConfigError, FolderError, PlanError
from onward.lineage import Lineage
from onward.model import adapters, folder
from onward.model.families import from_hf_config
from onward.model.trunk import LanguageModel
from samples import randomised

IDS = torch.arange(24).view(2, 12) % 40
SPECIAL = {"c3a", "fourierft", "road", "shira", "waveft"}
"""They want wider layers than these are: their defaults divide them, or choose some thousand of their weights."""


def randomised_adapter(model):
    """Every weight that learns random: a fresh adapter mostly changes nothing."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.empty(parameter.shape).normal_(0, 0.1, generator=generator))
    return model.eval()


def adapted(base, method="lora", rank=None):
    model = folder.load(base)
    adapters.add(model, folder.read_config(base)[0], method, rank=rank, base=base, seed=3)
    return randomised_adapter(model)


def saved(model, base, out):
    adapters.save(out, model, lineage=Lineage(verb="sft"), family=folder.read_config(base)[0], tokenizer_folder=base)
    return out


@torch.no_grad()
def logits(model):
    return model(IDS)


@pytest.fixture
def wide_folder(model_folder, tmp_path):
    config = replace(
        folder.read_config(model_folder)[1], depth=1, width=256, heads=4, kv_heads=4, head_size=64, ffn_width=512
    )
    model = randomised(LanguageModel(config).initialise(0))
    folder.save(tmp_path / "wide", model, lineage=Lineage(verb="test"), tokenizer_folder=model_folder)
    return tmp_path / "wide"


def changed_read_back_and_merged(base, method, out, rank=None):
    model = adapted(base, method, rank)
    found = logits(model)
    assert (found - logits(folder.load(base))).abs().max() > 1e-3
    again = folder.load(base)
    adapters.attach(again, "qwen3", saved(model, base, out))
    size = max(1.0, found.abs().max().item())
    assert torch.allclose(logits(again.eval()), found, atol=1e-5 * size)
    adapters.merge(again)
    assert torch.allclose(logits(again), found, atol=1e-5 * size)
    assert again.state_dict().keys() == folder.load(base).state_dict().keys()


@pytest.mark.parametrize("method", sorted(set(adapters.METHODS) - SPECIAL))
def test_every_method_changes_the_model_and_is_read_back_and_merged_to_the_same(model_folder, tmp_path, method):
    rank = 4 if method in ("miss", "psoft") else None
    changed_read_back_and_merged(model_folder, method, tmp_path / "adapter", rank)


@pytest.mark.parametrize("method", sorted(SPECIAL))
def test_a_method_that_needs_a_wider_model_says_so_and_works_in_one(model_folder, wide_folder, tmp_path, method):
    with pytest.raises(PlanError, match=f"--adapter {method}: peft cannot make it for this model: .+"):
        adapted(model_folder, method)
    changed_read_back_and_merged(wide_folder, method, tmp_path / "adapter")


@pytest.mark.parametrize("method", ["lora", "dora", "ia3", "loha"])
def test_peft_opens_an_adapter_folder_beside_the_base_in_transformers(model_folder, tmp_path, method):
    import transformers
    from peft import PeftModel

    model = adapted(model_folder, method)
    out = saved(model, model_folder, tmp_path / "adapter")
    theirs = PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(model_folder), str(out)).eval()
    with torch.no_grad():
        assert torch.allclose(theirs(IDS).logits, logits(model), atol=1e-5)


def test_an_adapter_made_by_peft_is_read(model_folder, tmp_path):
    import transformers
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, layers_to_transform=[1])
    theirs = get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(model_folder), config).eval()
    theirs.save_pretrained(str(tmp_path / "theirs"))
    model = folder.load(model_folder)
    adapters.attach(model, "qwen3", tmp_path / "theirs")
    with torch.no_grad():
        assert torch.allclose(logits(model.eval()), theirs(IDS).logits, atol=1e-5)
    assert adapters.base_of(tmp_path / "theirs") == model_folder


@pytest.mark.parametrize("depth", [2, 4])
def test_the_layers_are_named_as_other_tools_name_them_however_many_there_are(tmp_path, model_folder, depth):
    config = replace(folder.read_config(model_folder)[1], depth=depth)
    folder.save(tmp_path / "deep", LanguageModel(config), lineage=Lineage(verb="test"), tokenizer_folder=model_folder)
    out = saved(adapted(tmp_path / "deep"), tmp_path / "deep", tmp_path / "adapter")
    names = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert set(json.loads((out / folder.ADAPTER).read_text())["target_modules"]) == names


def test_two_adapters_stand_beside_one_base_and_neither_touches_the_other(model_folder, tmp_path):
    one, other = adapted(model_folder, rank=2), adapted(model_folder, rank=8)
    randomised_adapter(other)
    model = folder.load(model_folder).eval()
    plain = logits(model)
    for name, made in (("one", one), ("other", other)):
        adapters.attach(model, "qwen3", saved(made, model_folder, tmp_path / name), name)
    for name, expected in (("one", logits(one)), (None, plain), ("other", logits(other)), ("one", logits(one))):
        adapters.use(model, name)
        assert torch.allclose(logits(model), expected, atol=1e-6), name


def test_only_the_adapter_learns_and_the_same_seed_makes_the_same(model_folder):
    model, again = (folder.load(model_folder) for _ in range(2))
    for one in (model, again):
        adapters.add(one, "qwen3", "lora", rank=4, base=model_folder, seed=1)
    learned = {name for name, p in model.named_parameters() if p.requires_grad}
    assert learned
    assert all("lora_" in name for name in learned)
    assert len(learned) == 2 * 2 * 7  # matrices, blocks, linear layers in each
    for (name, one), (_, other) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_a_merged_folder_is_a_plain_model_with_both_in_its_lineage(model_folder, tmp_path):
    from onward import lineage

    model = adapted(model_folder)
    out = tmp_path / "merged"
    adapters.merged_folder(model_folder, saved(model, model_folder, tmp_path / "adapter"), out)
    assert torch.allclose(logits(folder.load(out).eval()), logits(model), atol=1e-5)
    assert [parent.verb for parent in lineage.of(out).parents] == ["test", "sft"]
    assert (out / "tokenizer.json").is_file()


def test_what_cannot_be_made_is_said_in_a_line(model_folder, tmp_path):
    with pytest.raises(PlanError, match="--adapter lorra: choose one of lora, dora"):
        adapted(model_folder, "lorra")
    with pytest.raises(PlanError, match="--rank 4: ia3 has no rank"):
        adapted(model_folder, "ia3", rank=4)
    with pytest.raises(FolderError, match="holds no adapter"):
        adapters.merged_folder(model_folder, model_folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_gpt2_is_refused_since_it_has_no_layers_of_these_names():
    raw = {"model_type": "gpt2", "vocab_size": 41, "n_embd": 24, "n_layer": 2, "n_head": 3, "n_positions": 64}
    model = LanguageModel(from_hf_config(raw)[1])
    with pytest.raises(ConfigError, match="gpt2"):
        adapters.add(model, "gpt2", "lora", rank=4, base=Path("x"), seed=0)


class TestBrokenFolders:
    @pytest.fixture
    def adapter(self, model_folder, tmp_path):
        return saved(adapted(model_folder, rank=4), model_folder, tmp_path / "adapter")

    def attach(self, model_folder, adapter):
        adapters.attach(folder.load(model_folder), "qwen3", adapter)

    def test_weights_that_are_cut_off(self, model_folder, adapter):
        file = adapter / folder.ADAPTER_WEIGHTS
        file.write_bytes(file.read_bytes()[:-10])
        with pytest.raises(FolderError, match="cut off"):
            self.attach(model_folder, adapter)

    def test_weights_that_are_missing(self, model_folder, adapter):
        (adapter / folder.ADAPTER_WEIGHTS).unlink()
        with pytest.raises(FolderError, match="has no adapter_model"):
            self.attach(model_folder, adapter)

    def test_a_tensor_that_is_missing(self, model_folder, adapter):
        file = adapter / folder.ADAPTER_WEIGHTS
        tensors = load_file(file)
        tensors.pop(next(name for name in sorted(tensors) if "lora_B" in name))
        save_file(tensors, file)
        with pytest.raises(FolderError, match=r"lacks .*lora_B"):
            self.attach(model_folder, adapter)

    def test_another_rank_than_the_configuration_says(self, model_folder, adapter):
        config = json.loads((adapter / folder.ADAPTER).read_text()) | {"r": 5}
        (adapter / folder.ADAPTER).write_text(json.dumps(config))
        with pytest.raises(FolderError, match="does not fit this model"):
            self.attach(model_folder, adapter)

    def test_a_method_that_peft_does_not_know(self, model_folder, adapter):
        (adapter / folder.ADAPTER).write_text(json.dumps({"peft_type": "MAGIC", "base_model_name_or_path": "x"}))
        with pytest.raises(FolderError, match="does not fit this model"):
            self.attach(model_folder, adapter)

    def test_a_base_that_has_gone(self, model_folder, adapter):
        shutil.rmtree(model_folder)
        with pytest.raises(FolderError, match="adapter of a model that is not there"):
            adapters.base_of(adapter)

    def test_an_adapter_where_a_model_is_wanted(self, adapter):
        with pytest.raises(FolderError, match="onward merge BASE"):
            folder.load(adapter)
