"""Weights in int8: near the float ones by a known bound, computed with exactly, small, and good enough for an adapter to learn beside."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from onward.errors import ConfigError, PlanError
from onward.lineage import Lineage
from onward.model import adapters, folder
from onward.model.config import MoEConfig
from onward.model.int8 import Int8Linear, quantise, quantised
from onward.model.trunk import LanguageModel
from samples import randomised

IDS = torch.arange(24).view(2, 12) % 40


def float_twin(model):
    """The same model with float layers that hold the dequantised weights."""
    twin = copy.deepcopy(model)
    for parent in list(twin.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Int8Linear):
                plain = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
                plain.load_state_dict({"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias}))
                setattr(parent, name, plain.requires_grad_(False))
    return twin


@pytest.fixture
def wide_model(tiny_model):
    """Wide enough for the methods whose defaults choose some thousand weights of a layer."""
    config = replace(tiny_model.config, depth=1, width=256, heads=4, kv_heads=4, head_size=64, ffn_width=512)
    return randomised(LanguageModel(config).initialise(0))


def test_each_weight_is_within_half_a_scale_of_its_own_and_the_largest_of_a_row_is_exact():
    weight = torch.randn(40, 64, generator=torch.Generator().manual_seed(1)) * torch.logspace(-6, 3, 40)[:, None]
    weight[7] = 0
    codes, scale = quantised(weight)
    error = (codes * scale[:, None] - weight).abs()
    assert (error <= scale[:, None] * (0.5 + 1e-4)).all()
    assert (codes.abs().amax(1) == 127)[torch.arange(40) != 7].all()
    assert (codes[7] == 0).all()


@pytest.mark.parametrize("bias", [False, True])
def test_output_and_gradient_are_those_of_a_float_layer_with_the_dequantised_weight(bias):
    torch.manual_seed(2)
    layer = Int8Linear(nn.Linear(48, 32, bias=bias))
    plain = float_twin(nn.Sequential(layer))[0].double()
    x = torch.randn(3, 5, 48, dtype=torch.float64, requires_grad=True)
    twin = x.detach().clone().requires_grad_()
    ours, theirs = layer.double()(x), plain(twin)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    assert (ours - theirs).abs().max() < 1e-6
    assert (x.grad - twin.grad).abs().max() < 1e-6


def test_nothing_but_the_codes_and_scales_is_kept_for_the_way_back():
    layer, kept = Int8Linear(nn.Linear(64, 64)), []
    x = torch.randn(4, 64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        layer(x)
    assert sorted(tuple(one.shape) for one in kept) == [(64,), (64, 64)]
    assert torch.int8 in {one.dtype for one in kept}


def test_what_is_seen_while_measuring_can_be_learned_beside_afterwards():
    layer = Int8Linear(nn.Linear(200, 300))
    x = torch.randn(4, 200, requires_grad=True)
    with torch.inference_mode():
        measured = layer.double()(x.detach().double())
    layer.float()(x).sum().backward()
    assert torch.allclose(measured.float(), layer(x), atol=1e-4)
    assert x.grad is not None


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say where memory lies")
def test_floats_for_a_while_lie_in_pages_of_their_own_and_not_in_the_heap_where_they_would_leave_holes():
    weight, plain = Int8Linear(nn.Linear(64, 64)).weight, torch.empty(64, 64)
    heap = next(line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("[heap]"))
    first, last = (int(end, 16) for end in heap.split()[0].split("-"))
    assert not first <= weight.data_ptr() < last
    assert first <= plain.data_ptr() < last


def test_the_blocks_take_a_byte_a_weight_and_what_is_no_product_stays_as_it_is(tiny_model):
    before = copy.deepcopy(tiny_model)
    model = quantise(tiny_model)
    linear = sum(m.weight.numel() for m in before.trunk.blocks.modules() if isinstance(m, nn.Linear))
    rows = sum(m.out_features for m in before.trunk.blocks.modules() if isinstance(m, nn.Linear))
    whole = sum(p.nbytes for p in before.parameters())
    assert sum(p.nbytes for p in model.parameters()) == whole - 4 * linear + linear + 4 * rows
    assert not any(p.requires_grad for p in model.parameters())
    assert torch.equal(model.embedding.tokens.weight, before.embedding.tokens.weight)
    assert (model(IDS) - before(IDS)).abs().max() < 0.05 * before(IDS).abs().max()


def test_routers_stay_in_float_and_experts_do_not(tiny_model):
    config = replace(tiny_model.config, moe=MoEConfig(experts=4, experts_per_token=2, expert_width=16))
    block = quantise(LanguageModel(config).initialise(0)).trunk.blocks[0]
    assert type(block.feed_forward.router) is nn.Linear
    assert isinstance(block.feed_forward.experts[3].down_proj, Int8Linear)


def test_a_folder_in_bf16_is_quantised_from_its_own_weights(tiny_model, tmp_path):
    folder.save(tmp_path / "half", tiny_model, lineage=Lineage(verb="x"), dtype=torch.bfloat16)
    model = quantise(folder.load(tmp_path / "half"))
    half = tiny_model.trunk.blocks[0].attention.q_proj.weight.bfloat16()
    codes, scale = quantised(half)
    layer = model.trunk.blocks[0].attention.q_proj
    assert torch.equal(layer.codes, codes)
    assert torch.equal(layer.scale, scale)
    assert model.embedding.tokens.weight.dtype == torch.float32


def adapted(model, method):
    adapters.add(model, "qwen3", method, rank=None, base="base", seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.empty(parameter.shape).normal_(0, 0.1, generator=generator))
    return model


@pytest.mark.parametrize("method", sorted(set(adapters.METHODS) - set(adapters.NEEDS_FLOAT)))
def test_every_method_that_is_let_computes_and_learns_as_beside_the_dequantised_weights(wide_model, method):
    model = quantise(wide_model)
    twin = adapted(float_twin(model), method)
    model = adapted(model, method)
    for one in (model, twin):
        one(IDS).square().mean().backward()
    assert torch.allclose(model(IDS), twin(IDS), atol=1e-4)
    for (name, ours), theirs in zip(model.named_parameters(), twin.parameters(), strict=False):
        if ours.requires_grad:
            theirs = twin.get_parameter(name)
            assert (ours.grad - theirs.grad).abs().max() <= 1e-4 * max(theirs.grad.abs().max(), 1e-3), name


@pytest.mark.parametrize("method", sorted(set(adapters.METHODS) - set(adapters.NEEDS_FLOAT)))
def test_what_has_learned_beside_int8_does_nearly_the_same_beside_the_float_weights(wide_model, tmp_path, method):
    """As near as the base models are to one another: nothing of the adapter hangs on the rounded weights."""
    apart = (quantise(copy.deepcopy(wide_model))(IDS) - wide_model(IDS)).abs().mean()
    model = adapted(quantise(copy.deepcopy(wide_model)), method).eval()
    (tmp_path / "tokenizer.json").write_text("{}")
    adapters.save(tmp_path / "adapter", model, lineage=Lineage(verb="sft"), family="qwen3", tokenizer_folder=tmp_path)
    adapters.attach(wide_model, "qwen3", tmp_path / "adapter")
    assert (model(IDS) - wide_model.eval()(IDS)).abs().mean() < 2 * apart


@pytest.mark.parametrize("method", adapters.NEEDS_FLOAT)
def test_methods_that_need_the_weights_in_float_are_refused_in_a_line(method):
    with pytest.raises(
        PlanError, match=f"^--adapter {method} works with the model's weights in float.*lora"
    ) as refused:
        adapters.check_int8(method)
    assert "\n" not in str(refused.value)


def test_merging_into_int8_is_refused_since_it_would_be_lost(wide_model):
    with pytest.raises(ConfigError, match="int8"):
        adapters.merge(adapted(quantise(wide_model), "lora"))
