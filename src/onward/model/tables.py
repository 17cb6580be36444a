"""The tables of the families: how Hugging Face names the same architectures, one table a family.

A table has two halves. The first names the fields of `config.json`; what a family fixes (Qwen2 has biases on queries,
keys and values) is a fixed field of `TrunkConfig`. The second names the weights: which of theirs is which of ours,
stored transposed or not, joined into one or not. families.py reads them in both directions.
Left out: families whose forward pass needs a step that the trunk does not have; they are refused in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Weight:
    """One row of the second half: a module of theirs (its `.weight` and `.bias`), or one tensor, and ours.

    {n} is the layer, {e} the expert. Several of ours: theirs is their rows one below the other.
    """

    theirs: str
    ours: str | tuple[str, ...]
    transposed: bool = False


@dataclass(frozen=True, kw_only=True)
class Family:
    """Everything that Onward knows about a family."""

    architecture: str
    classifier: str | None = None  # the architecture of a reward model: a sequence classifier with one label
    base: str  # the prefix that checkpoints of the bare model, without its head, leave out
    names: Mapping[str, str]  # of TrunkConfig to theirs
    defaults: Mapping[str, Any] = field(default_factory=dict)  # theirs: what transformers takes where nothing is said
    fixed: Mapping[str, Any] = field(default_factory=dict)  # of ours: what this family always has
    required: Mapping[str, Any] = field(default_factory=dict)  # of theirs: the only value whose meaning we have
    activation: tuple[str, Mapping[str, str]] = ("hidden_act", {"silu": "swiglu", "swish": "swiglu"})
    biases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # theirs to ours, all of them together
    rope_theta: float | None = 10_000.0  # where config.json is silent; None: no RoPE
    window: Literal["none", "all layers", "some layers"] = "none"
    window_default: int | None = None
    window_switch: bool = False  # the window counts only with use_sliding_window
    experts: Mapping[str, str] = field(default_factory=dict)  # of MoEConfig to theirs
    experts_some_layers: bool = False
    heads_divide_width: bool = False
    plain_heads: bool = False  # heads * head_size is the width, and every query head has its own key head
    weights: tuple[Weight, ...] = ()
    stacked: tuple[Weight, ...] = ()  # how other checkpoints store the experts: all in one tensor
    copies: tuple[tuple[str, str], ...] = ()  # theirs, ours: stored again by some tools; must be equal
    renamed: tuple[tuple[str, str], ...] = ()  # endings of old checkpoints
    ignored: str = r"$^"  # a pattern of names that are no parameters, or belong to other heads


BLOCK = "trunk.blocks.{n}"
ATTENTION = (
    Weight("model.layers.{n}.input_layernorm", f"{BLOCK}.attention_norm"),
    Weight("model.layers.{n}.self_attn.q_proj", f"{BLOCK}.attention.q_proj"),
    Weight("model.layers.{n}.self_attn.k_proj", f"{BLOCK}.attention.k_proj"),
    Weight("model.layers.{n}.self_attn.v_proj", f"{BLOCK}.attention.v_proj"),
    Weight("model.layers.{n}.self_attn.o_proj", f"{BLOCK}.attention.o_proj"),
    Weight("model.layers.{n}.self_attn.q_norm", f"{BLOCK}.attention.q_norm"),
    Weight("model.layers.{n}.self_attn.k_norm", f"{BLOCK}.attention.k_norm"),
    Weight("model.layers.{n}.post_attention_layernorm", f"{BLOCK}.feed_forward_norm"),
)
FEED_FORWARD = (
    Weight("model.layers.{n}.mlp.gate_proj", f"{BLOCK}.feed_forward.gate_proj"),
    Weight("model.layers.{n}.mlp.up_proj", f"{BLOCK}.feed_forward.up_proj"),
    Weight("model.layers.{n}.mlp.down_proj", f"{BLOCK}.feed_forward.down_proj"),
)
HEAD = Weight("lm_head.weight", "head.weight")
SCORE_HEAD = Weight("score.weight", "head.weight")  # in its place in a reward model
ENDS = (
    Weight("model.embed_tokens", "embedding.tokens"),
    Weight("model.norm", "trunk.norm"),
    HEAD,
)
EXPERT = f"{BLOCK}.feed_forward.experts.{{e}}"
STACKED_EXPERTS = (
    Weight("model.layers.{n}.mlp.gate", f"{BLOCK}.feed_forward.router"),
    Weight("model.layers.{n}.mlp.experts.gate_up_proj", (f"{EXPERT}.gate_proj.weight", f"{EXPERT}.up_proj.weight")),
    Weight("model.layers.{n}.mlp.experts.down_proj", (f"{EXPERT}.down_proj.weight",)),
)
TIED_HEAD = (("lm_head.weight", "embedding.tokens.weight"),)
OLD_BUFFERS = r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$"

NAMES = {
    "vocab_size": "vocab_size",
    "width": "hidden_size",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_size": "head_dim",
    "ffn_width": "intermediate_size",
    "max_positions": "max_position_embeddings",
    "norm_eps": "rms_norm_eps",
    "tied": "tie_word_embeddings",
}


def width_per_head(fields: Mapping[str, Any]) -> int:
    """The size of a head where none is given; 0, which is refused later, where the shapes make no sense."""
    width, heads = fields["width"], fields["heads"]
    return width // heads if isinstance(width, int) and isinstance(heads, int) and heads > 0 else 0


DEFAULTS = {
    "head_dim": width_per_head,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "router_aux_loss_coef": 0.001,
    "norm_topk_prob": False,
}
ATTENTION_BIAS = {"attention_bias": ("qkv_bias", "out_bias")}
GELUS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu_fast": "gelu_tanh"}
LAYER_NORMS = {"norm": "layer", "positions": "learned", "qk_norm": False}
ALL_BIASES = {"qkv_bias": True, "out_bias": True, "ffn_bias": True}

FAMILIES: dict[str, Family] = {
    "qwen3": Family(
        architecture="Qwen3ForCausalLM",
        classifier="Qwen3ForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"head_dim": 128, "max_position_embeddings": 32768},
        fixed={"qk_norm": True},
        biases=ATTENTION_BIAS,
        window="some layers",
        window_default=4096,
        window_switch=True,
        weights=(*ENDS, *ATTENTION, *FEED_FORWARD),
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "qwen3_moe": Family(
        architecture="Qwen3MoeForCausalLM",
        classifier="Qwen3MoeForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"max_position_embeddings": 32768},
        fixed={"qk_norm": True},
        biases=ATTENTION_BIAS,
        window="all layers",
        window_default=4096,
        window_switch=True,
        experts={
            "experts": "num_experts",
            "experts_per_token": "num_experts_per_tok",
            "expert_width": "moe_intermediate_size",
            "normalise_top_k": "norm_topk_prob",
            "balance": "router_aux_loss_coef",
        },
        experts_some_layers=True,
        weights=(
            *ENDS,
            *ATTENTION,
            *FEED_FORWARD,
            Weight("model.layers.{n}.mlp.gate", f"{BLOCK}.feed_forward.router"),
            Weight("model.layers.{n}.mlp.experts.{e}.gate_proj", f"{EXPERT}.gate_proj"),
            Weight("model.layers.{n}.mlp.experts.{e}.up_proj", f"{EXPERT}.up_proj"),
            Weight("model.layers.{n}.mlp.experts.{e}.down_proj", f"{EXPERT}.down_proj"),
        ),
        stacked=STACKED_EXPERTS,
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "llama": Family(
        architecture="LlamaForCausalLM",
        classifier="LlamaForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"num_key_value_heads": lambda fields: fields["heads"], "max_position_embeddings": 2048},
        fixed={"qk_norm": False},
        heads_divide_width=True,
        biases=ATTENTION_BIAS | {"mlp_bias": ("ffn_bias",)},
        weights=(*ENDS, *ATTENTION, *FEED_FORWARD),
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "qwen2": Family(
        architecture="Qwen2ForCausalLM",
        classifier="Qwen2ForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"max_position_embeddings": 32768},
        fixed={"qk_norm": False, "qkv_bias": True},
        window="some layers",
        window_default=4096,
        window_switch=True,
        weights=(*ENDS, *ATTENTION, *FEED_FORWARD),
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "mistral": Family(
        architecture="MistralForCausalLM",
        classifier="MistralForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"max_position_embeddings": 131072},
        fixed={"qk_norm": False},
        window="all layers",
        window_default=4096,
        weights=(*ENDS, *ATTENTION, *FEED_FORWARD),
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "mixtral": Family(
        architecture="MixtralForCausalLM",
        classifier="MixtralForSequenceClassification",
        base="model.",
        names=NAMES,
        defaults=DEFAULTS | {"rms_norm_eps": 1e-5, "max_position_embeddings": 131072},
        fixed={"qk_norm": False},
        rope_theta=1_000_000.0,
        window="all layers",
        experts={
            "experts": "num_local_experts",
            "experts_per_token": "num_experts_per_tok",
            "expert_width": "intermediate_size",
            "balance": "router_aux_loss_coef",
        },
        weights=(
            *ENDS,
            *ATTENTION,
            Weight("model.layers.{n}.block_sparse_moe.gate", f"{BLOCK}.feed_forward.router"),
            Weight("model.layers.{n}.block_sparse_moe.experts.{e}.w1", f"{EXPERT}.gate_proj"),
            Weight("model.layers.{n}.block_sparse_moe.experts.{e}.w3", f"{EXPERT}.up_proj"),
            Weight("model.layers.{n}.block_sparse_moe.experts.{e}.w2", f"{EXPERT}.down_proj"),
        ),
        stacked=STACKED_EXPERTS,
        copies=TIED_HEAD,
        ignored=OLD_BUFFERS,
    ),
    "gpt2": Family(
        architecture="GPT2LMHeadModel",
        classifier="GPT2ForSequenceClassification",
        base="transformer.",
        names={
            "vocab_size": "vocab_size",
            "width": "n_embd",
            "depth": "n_layer",
            "heads": "n_head",
            "ffn_width": "n_inner",
            "max_positions": "n_positions",
            "norm_eps": "layer_norm_epsilon",
            "tied": "tie_word_embeddings",
        },
        defaults={
            "n_inner": lambda fields: 4 * fields["width"],
            "layer_norm_epsilon": 1e-5,
            "tie_word_embeddings": True,
            "activation_function": "gelu_new",
        },
        fixed=LAYER_NORMS | ALL_BIASES,
        required={"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False},
        activation=("activation_function", GELUS | {"relu2": "relu2"}),
        rope_theta=None,
        plain_heads=True,
        weights=(
            Weight("transformer.wte", "embedding.tokens"),
            Weight("transformer.wpe", "embedding.positions"),
            Weight("transformer.h.{n}.ln_1", f"{BLOCK}.attention_norm"),
            Weight(
                "transformer.h.{n}.attn.c_attn",
                (f"{BLOCK}.attention.q_proj", f"{BLOCK}.attention.k_proj", f"{BLOCK}.attention.v_proj"),
                transposed=True,
            ),
            Weight("transformer.h.{n}.attn.c_proj", f"{BLOCK}.attention.o_proj", transposed=True),
            Weight("transformer.h.{n}.ln_2", f"{BLOCK}.feed_forward_norm"),
            Weight("transformer.h.{n}.mlp.c_fc", f"{BLOCK}.feed_forward.up_proj", transposed=True),
            Weight("transformer.h.{n}.mlp.c_proj", f"{BLOCK}.feed_forward.down_proj", transposed=True),
            Weight("transformer.ln_f", "trunk.norm"),
            HEAD,
        ),
        copies=TIED_HEAD,
        ignored=r"transformer\.h\.\d+\.attn\.(bias|masked_bias)$",
    ),
    "bert": Family(
        architecture="BertForMaskedLM",
        base="bert.",
        names={
            "vocab_size": "vocab_size",
            "width": "hidden_size",
            "depth": "num_hidden_layers",
            "heads": "num_attention_heads",
            "ffn_width": "intermediate_size",
            "max_positions": "max_position_embeddings",
            "norm_eps": "layer_norm_eps",
            "token_types": "type_vocab_size",
        },
        defaults={"layer_norm_eps": 1e-12, "type_vocab_size": 2, "hidden_act": "gelu"},
        fixed=LAYER_NORMS
        | ALL_BIASES
        | {"norm_place": "post", "embedding_norm": True, "final_norm": False, "causal": False}
        | {"mlm_head": True, "tied": True},
        required={
            "tie_word_embeddings": True,
            "position_embedding_type": "absolute",
            "is_decoder": False,
            "add_cross_attention": False,
        },
        activation=("hidden_act", GELUS | {"relu2": "relu2"}),
        rope_theta=None,
        plain_heads=True,
        weights=(
            Weight("bert.embeddings.word_embeddings", "embedding.tokens"),
            Weight("bert.embeddings.position_embeddings", "embedding.positions"),
            Weight("bert.embeddings.token_type_embeddings", "embedding.token_types"),
            Weight("bert.embeddings.LayerNorm", "embedding.norm"),
            Weight("bert.encoder.layer.{n}.attention.self.query", f"{BLOCK}.attention.q_proj"),
            Weight("bert.encoder.layer.{n}.attention.self.key", f"{BLOCK}.attention.k_proj"),
            Weight("bert.encoder.layer.{n}.attention.self.value", f"{BLOCK}.attention.v_proj"),
            Weight("bert.encoder.layer.{n}.attention.output.dense", f"{BLOCK}.attention.o_proj"),
            Weight("bert.encoder.layer.{n}.attention.output.LayerNorm", f"{BLOCK}.attention_norm"),
            Weight("bert.encoder.layer.{n}.intermediate.dense", f"{BLOCK}.feed_forward.up_proj"),
            Weight("bert.encoder.layer.{n}.output.dense", f"{BLOCK}.feed_forward.down_proj"),
            Weight("bert.encoder.layer.{n}.output.LayerNorm", f"{BLOCK}.feed_forward_norm"),
            Weight("cls.predictions.transform.dense", "head.dense"),
            Weight("cls.predictions.transform.LayerNorm", "head.norm"),
            Weight("cls.predictions.bias", "head.bias"),
        ),
        copies=(
            ("cls.predictions.decoder.weight", "embedding.tokens.weight"),
            ("cls.predictions.decoder.bias", "head.bias"),
        ),
        renamed=((".gamma", ".weight"), (".beta", ".bias")),
        ignored=r"bert\.pooler\.|cls\.seq_relationship\.|bert\.embeddings\.position_ids$",
    ),
}
