"""Every family against transformers itself: small random models, made there, must compute the same here, and back."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
import transformers

from onward.errors import ConfigError
from onward.lineage import Lineage
from onward.model.config import MoEConfig, TrunkConfig
from onward.model.families import (
    FAMILIES,
    from_hf_config,
    from_hf_weights,
    onward_family,
    shapes_of,
    to_hf_config,
    to_hf_weights,
)
from onward.model.folder import load, save
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel

SMALL = {
    "vocab_size": 43,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
GPT2 = {"vocab_size": 43, "n_embd": 20, "n_head": 4, "n_layer": 3, "n_positions": 64}
BERT = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 100.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 3.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 16}
MOE = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12, "head_dim": 8}
WINDOWS = {"use_sliding_window": True, "sliding_window": 3}

CASES = {
    "llama": ("llama", SMALL),
    "llama with every bias": ("llama", SMALL | {"attention_bias": True, "mlp_bias": True}),
    "llama with heads wider than the model": ("llama", SMALL | {"head_dim": 10}),
    "llama with one key head, tied": ("llama", SMALL | {"num_key_value_heads": 1, "tie_word_embeddings": True}),
    "llama stretched as Llama 3": ("llama", SMALL | {"head_dim": 16, "rope_parameters": LLAMA3}),
    "llama stretched linearly": (
        "llama",
        SMALL | {"rope_parameters": {"rope_type": "linear", "rope_theta": 50.0, "factor": 3.0}},
    ),
    "qwen2": ("qwen2", SMALL),
    "qwen2, tied": ("qwen2", SMALL | {"tie_word_embeddings": True}),
    "qwen2 with windows in its upper layers": ("qwen2", SMALL | WINDOWS | {"max_window_layers": 1}),
    "qwen3": ("qwen3", SMALL | {"head_dim": 8}),
    "qwen3 with narrow heads, biases, tied": (
        "qwen3",
        SMALL | {"head_dim": 2, "attention_bias": True, "tie_word_embeddings": True},
    ),
    "qwen3 with a window in every other layer": (
        "qwen3",
        SMALL | WINDOWS | {"head_dim": 8, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]},
    ),
    "qwen3 stretched by YaRN": ("qwen3", SMALL | {"head_dim": 16, "rope_parameters": YARN}),
    "qwen3 stretched by YaRN with all its settings": (
        "qwen3",
        SMALL
        | {"head_dim": 16}
        | {"rope_parameters": YARN | {"beta_fast": 2.0, "beta_slow": 0.5, "mscale": 0.7, "mscale_all_dim": 0.4}},
    ),
    "qwen3 stretched by YaRN, its factor given": (
        "qwen3",
        SMALL | {"head_dim": 16, "rope_parameters": YARN | {"attention_factor": 0.9, "truncate": False}},
    ),
    "qwen3_moe": ("qwen3_moe", SMALL | MOE),
    "qwen3_moe, weights of experts summing to one": ("qwen3_moe", SMALL | MOE | {"norm_topk_prob": True}),
    "qwen3_moe with dense layers": ("qwen3_moe", SMALL | MOE | {"decoder_sparse_step": 2, "mlp_only_layers": [0]}),
    "qwen3_moe with a window": ("qwen3_moe", SMALL | MOE | WINDOWS),
    "mistral with a window": ("mistral", SMALL | {"sliding_window": 3}),
    "mistral without": ("mistral", SMALL | {"sliding_window": None, "head_dim": 14}),
    "mixtral": ("mixtral", SMALL | {"num_local_experts": 5}),
    "mixtral, all experts, a window": (
        "mixtral",
        SMALL | {"num_local_experts": 3, "num_experts_per_tok": 3, "sliding_window": 4, "tie_word_embeddings": True},
    ),
    "gpt2 with heads of five": ("gpt2", GPT2),
    "gpt2, untied, exact GELU": (
        "gpt2",
        GPT2 | {"tie_word_embeddings": False, "n_inner": 30, "activation_function": "gelu"},
    ),
    "bert": ("bert", BERT),
    "bert with three segments": ("bert", BERT | {"type_vocab_size": 3, "hidden_act": "gelu_new"}),
}
DECODERS = [name for name, (family, _) in CASES.items() if family != "bert"]
TOKENS = 30
MASKS = {
    "left": [[0] * 9 + [1] * 21, [1] * 30, [0] * 2 + [1] * 28],
    "right": [[1] * 21 + [0] * 9, [1] * 30, [1] * 28 + [0] * 2],
}


def auto(family):
    return transformers.AutoModelForMaskedLM if family == "bert" else transformers.AutoModelForCausalLM


@pytest.fixture(scope="module")
def theirs(request, random_weights):
    """A small model of a family, made by transformers, every parameter random."""
    family, settings = CASES[request.param]
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(family, **settings)
    model = auto(family).from_config(config).eval()
    random_weights(model)
    return model


@pytest.fixture(scope="module")
def ours(theirs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    theirs.save_pretrained(folder)
    return load(folder)


def sequences(vocab=43):
    return torch.randint(0, vocab, (3, TOKENS), generator=torch.Generator().manual_seed(1))


def agree(one, other):
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("theirs", CASES, indirect=True)
@torch.no_grad()
def test_a_model_of_theirs_computes_the_same_here(theirs, ours):
    logits = theirs(sequences()).logits
    assert logits.std() > 0.1  # a model that says nothing would agree with anything
    agree(ours(sequences()), logits)


@pytest.mark.parametrize("theirs", CASES, indirect=True)
@pytest.mark.parametrize("side", MASKS)
@torch.no_grad()
def test_a_padded_batch_computes_the_same_here(theirs, ours, side):
    present = torch.tensor(MASKS[side])
    positions = (present.cumsum(1) - 1).clamp(min=0)
    logits = theirs(sequences(), attention_mask=present, position_ids=positions).logits
    mask = (Mask.causal() if ours.config.causal else Mask.full()) & Mask.documents(present - 1)
    agree(ours(sequences(), positions=positions, mask=mask)[present == 1], logits[present == 1])


@pytest.mark.parametrize("theirs", DECODERS, indirect=True)
@torch.no_grad()
def test_reading_on_with_a_cache_computes_the_same_here(theirs, ours, slot_cache):
    ids, cache = sequences(), slot_cache([0, 0, 0], TOKENS)
    first = theirs(ids[:, :20], use_cache=True)
    rest = theirs(ids[:, 20:], past_key_values=first.past_key_values).logits
    agree(ours(ids[:, :20], cache=cache), first.logits)
    steps = [ours(ids[:, n : n + 1], cache=cache) for n in range(20, TOKENS)]
    agree(torch.cat(steps, 1), rest)


@pytest.mark.parametrize("theirs", CASES, indirect=True)
@torch.no_grad()
def test_a_model_of_ours_computes_the_same_there(theirs, ours, tmp_path, random_weights):
    ours = deepcopy(ours)
    random_weights(ours, seed=5)
    family = theirs.config.model_type
    save(tmp_path / "ours", ours, lineage=Lineage(verb="test"), family=family)
    back, report = auto(family).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report.values()), report
    assert type(back) is type(theirs)
    agree(ours(sequences()), back.eval()(sequences()).logits)


@pytest.mark.parametrize("theirs", CASES, indirect=True)
def test_a_checkpoint_that_comes_and_goes_keeps_its_names_and_bytes(theirs, ours):
    family = theirs.config.model_type
    out = dict(to_hf_weights(ours.state_dict(), ours.config, family))
    again = from_hf_weights(out.items(), ours.config, family)
    assert again.keys() == ours.state_dict().keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in ours.state_dict().items())
    assert from_hf_config(to_hf_config(ours.config, family)) == (family, ours.config)


@pytest.mark.parametrize("theirs", CASES, indirect=True)
def test_the_parameters_are_counted_by_arithmetic_as_transformers_counts_them(theirs, ours):
    count = sum(parameter.numel() for parameter in theirs.parameters())
    assert sum(ours.config.parameters().values()) == count


@pytest.mark.parametrize("theirs", ["bert with three segments"], indirect=True)
@torch.no_grad()
def test_segments_count(theirs, ours):
    segments = torch.randint(0, 3, (3, TOKENS), generator=torch.Generator().manual_seed(2))
    logits = ours.logits(ours.hidden(sequences(), token_types=segments))
    agree(logits, theirs(sequences(), token_type_ids=segments).logits)
    assert not torch.allclose(logits, ours(sequences()), atol=1e-2)


@pytest.mark.parametrize("theirs", ["qwen3_moe", "mixtral"], indirect=True)
@torch.no_grad()
def test_experts_stacked_into_one_tensor_are_read_too(theirs, ours, tmp_path):
    theirs.save_pretrained(tmp_path / "stacked", save_original_format=False)
    agree(load(tmp_path / "stacked")(sequences()), ours(sequences()))


@pytest.mark.parametrize("theirs", ["gpt2 with heads of five"], indirect=True)
@torch.no_grad()
def test_a_checkpoint_of_the_bare_model_is_read_with_its_old_buffers(theirs, ours):
    """As the GPT-2 that OpenAI's weights were put into: no prefix, and the causal mask stored as a tensor."""
    tensors = {
        name.removeprefix("transformer."): t for name, t in theirs.state_dict().items() if name != "lm_head.weight"
    }
    tensors |= {"h.0.attn.bias": torch.ones(1, 1, 64, 64, dtype=torch.bool), "h.0.attn.masked_bias": torch.tensor(-1e4)}
    state = from_hf_weights(tensors.items(), ours.config, "gpt2")
    assert all(torch.equal(state[name], tensor) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize("theirs", ["bert"], indirect=True)
def test_a_bert_of_2018_is_read_with_its_old_names_and_the_heads_we_lack(theirs, ours):
    old = {"weight": "gamma", "bias": "beta"}
    tensors = {}
    for name, tensor in theirs.state_dict().items():
        stem, _, ending = name.rpartition(".")
        tensors[f"{stem}.{old[ending]}" if stem.endswith("LayerNorm") else name] = tensor
    tensors |= {"bert.pooler.dense.weight": torch.ones(24, 24), "cls.seq_relationship.bias": torch.ones(2)}
    tensors |= {"bert.embeddings.position_ids": torch.arange(64)[None]}
    state = from_hf_weights(tensors.items(), ours.config, "bert")
    assert all(torch.equal(state[name], tensor) for name, tensor in ours.state_dict().items())


def test_rope_may_be_told_as_transformers_4_did():
    raw = {**SMALL, "model_type": "llama", "rms_norm_eps": 1e-5}
    assert from_hf_config(raw)[1].rope_theta == 10_000
    assert from_hf_config(raw | {"rope_theta": 77.0})[1].rope_theta == 77
    old = from_hf_config(
        raw | {"rope_theta": 100.0, "rope_scaling": {k: v for k, v in LLAMA3.items() if k != "rope_theta"}}
    )
    assert old == from_hf_config(raw | {"rope_parameters": LLAMA3})
    older = {"type": "linear", "factor": 2.0}
    assert from_hf_config(raw | {"rope_scaling": older})[1].rope_scaling.factor == 2


def test_what_a_configuration_leaves_out_is_what_transformers_takes():
    for family, left_out in {
        "llama": ["num_key_value_heads"],
        "mistral": [],
        "qwen2": [],
        "qwen3": [],
        "mixtral": [],
    }.items():
        raw = {key: value for key, value in SMALL.items() if key not in (*left_out, "max_position_embeddings")}
        raw |= {"num_local_experts": 8, "num_experts_per_tok": 2} if family == "mixtral" else {}
        full = transformers.AutoConfig.for_model(family, **raw).to_dict()
        assert from_hf_config(raw | {"model_type": family}) == from_hf_config(full), family


def test_the_default_architecture_is_qwen3(tiny):
    config = tiny().config
    assert onward_family(config) == "qwen3"
    assert to_hf_config(config, "qwen3")["architectures"] == ["Qwen3ForCausalLM"]


@pytest.mark.parametrize(
    ("changes", "family"),
    [
        ({"qk_norm": False}, "llama"),
        ({"qk_norm": False, "ffn_bias": True}, "llama"),
        ({"qk_norm": False, "qkv_bias": True}, "qwen2"),
        ({"qk_norm": False, "window": 8}, "mistral"),
        ({"moe": MoEConfig(experts=4, experts_per_token=2, expert_width=8)}, "qwen3_moe"),
        ({"qk_norm": False, "moe": MoEConfig(experts=4, experts_per_token=2, expert_width=8)}, "mixtral"),
    ],
)
def test_an_architecture_goes_to_a_family_that_has_it(tiny, changes, family):
    config = replace(tiny().config, **changes)
    assert onward_family(config) == family
    # transformers must build the very shapes that we store
    assert from_hf_config(to_hf_config(config, family))[1].parameters() == config.parameters()


@pytest.mark.parametrize(
    ("changes", "family", "said"),
    [
        ({}, "llama", "qk_norm"),
        ({"activation": "relu2"}, "qwen3", "relu2"),
        ({"positions": "none"}, "qwen3", "positions"),
        ({"causal": False}, "qwen3", "causal"),
        ({"qk_norm": False, "window": 4, "window_layers": (1,)}, "mistral", "window"),
        ({"qkv_bias": True}, "qwen3", "out_bias|qkv_bias"),
        ({"qk_norm": False, "width": 26}, "llama", "26"),
        ({}, "qwen3_moe", "mixture"),
        ({"activation": "gelu"}, "gpt2", "norm"),
        ({}, "gpt5", "gpt5"),
    ],
)
def test_an_architecture_that_a_family_lacks_is_refused_by_name(tiny, changes, family, said):
    with pytest.raises(ConfigError, match=said):
        to_hf_config(replace(tiny().config, **changes), family)


def test_an_architecture_that_no_family_has_is_refused(tiny):
    with pytest.raises(ConfigError, match="relu2"):
        onward_family(replace(tiny().config, activation="relu2"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "mamba2"}, "mamba2.*qwen3"),
        ({"model_type": None}, "model_type"),
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"hidden_size": "24"}, "hidden_size.*'24'"),
        ({"num_attention_heads": 0}, "num_attention_heads.*0"),
        ({"num_key_value_heads": 3}, "4 heads.*3"),
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"rope_scaling": {"rope_type": "longrope", "factor": 2.0}}, "longrope"),
        ({"rope_scaling": {"rope_type": "linear"}}, "lacks factor"),
        ({"rope_parameters": {"full_attention": {"rope_theta": 1.0}}}, "layer to layer"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ({"tie_word_embeddings": "yes"}, "yes"),
        ({"quantization_config": {"bits": 4}}, "quantised"),
        ({"head_dim": 7}, "even"),
        ({"use_sliding_window": True, "layer_types": ["full_attention"]}, "layer_types"),
        ({"use_sliding_window": True, "sliding_window": 0, "max_window_layers": 0}, "window"),
    ],
)
def test_a_configuration_that_cannot_be_computed_is_refused_in_words(changes, said):
    raw = SMALL | {"model_type": "qwen3", "head_dim": 8} | changes
    with pytest.raises(ConfigError, match=said) as error:
        from_hf_config(raw)
    assert "\n" not in str(error.value)


MOST_FIELDS = {
    "llama": SMALL | {"rope_scaling": LLAMA3 | {"attention_factor": 1.0}},
    "qwen3": SMALL | WINDOWS | {"head_dim": 8, "max_window_layers": 1, "rope_parameters": YARN},
    "qwen3_moe": SMALL | MOE | {"decoder_sparse_step": 1, "mlp_only_layers": [0], "router_aux_loss_coef": 0.1},
    "gpt2": GPT2 | {"n_inner": 30, "activation_function": "gelu"},
    "bert": BERT | {"type_vocab_size": 2},
}


@pytest.mark.parametrize("family", MOST_FIELDS)
@pytest.mark.parametrize("odd", ["odd", -1, 0, 2.5, True, None, [], [7], {}, {"odd": {}}, float("nan")], ids=repr)
def test_no_value_however_odd_is_more_than_a_refusal_in_words(family, odd):
    """A damaged configuration gives an architecture or a ConfigError, and no other error."""
    raw = MOST_FIELDS[family] | {"model_type": family}
    scaling = next((key for key in raw if key.startswith("rope")), None)
    damaged = [raw | {key: odd} for key in raw]
    damaged += [raw | {scaling: raw[scaling] | {key: odd}} for key in raw[scaling]] if scaling else []
    for one in [*damaged, raw | {"layer_types": odd}]:
        with suppress(ConfigError):
            LanguageModel(from_hf_config(one)[1])


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("bert", {"is_decoder": True}),
        ("bert", {"tie_word_embeddings": False}),
    ],
)
def test_a_variant_that_the_trunk_does_not_compute_is_refused(family, changes):
    raw = (GPT2 if family == "gpt2" else BERT) | {"model_type": family} | changes
    with pytest.raises(ConfigError, match=next(iter(changes))):
        from_hf_config(raw)


def test_every_family_of_the_design_is_there():
    assert set(FAMILIES) == {"llama", "qwen2", "qwen3", "qwen3_moe", "mistral", "mixtral", "gpt2", "bert"}


def test_shapes_are_known_without_making_a_parameter():
    giant = TrunkConfig(
        vocab_size=151_936, width=8192, depth=4, heads=64, kv_heads=8, head_size=128, ffn_width=29_568, tied=False
    )
    assert sum(torch.Size(shape).numel() for shape in shapes_of(giant).values()) == sum(giant.parameters().values())
