"""Architectures: what is impossible is refused in words, and the arithmetic agrees with the model itself."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from onward.errors import ConfigError
from onward.model.config import MoEConfig, RopeScaling, TrunkConfig
from onward.model.trunk import LanguageModel

SHAPE = {"vocab_size": 41, "width": 24, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 36}
BERT = {
    "norm": "layer",
    "norm_place": "post",
    "positions": "learned",
    "max_positions": 50,
    "activation": "gelu",
    "embedding_norm": True,
    "final_norm": False,
    "mlm_head": True,
    "token_types": 2,
    "causal": False,
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vocab_size": 0}, "vocab_size.*0"),
        ({"width": -8}, "width.*-8"),
        ({"depth": 2.0}, "depth.*2.0"),
        ({"heads": True}, "heads.*True"),
        ({"kv_heads": 3}, "4 heads.*3"),
        ({"head_size": 7}, "even.*7"),
        ({"ffn_width": 0}, "ffn_width"),
        ({"max_positions": 0}, "max_positions"),
        ({"token_types": -1}, "token_types"),
        ({"norm_eps": 0.0}, "norm_eps"),
        ({"rope_theta": float("nan")}, "rope_theta"),
        ({"rope_theta": float("inf")}, "rope_theta"),
        ({"activation": "tanh"}, "tanh"),
        ({"norm": "batch"}, "batch"),
        ({"norm_place": "both"}, "both"),
        ({"positions": "alibi"}, "alibi"),
        ({"tied": "yes"}, "tied.*yes"),
        ({"outputs": "value"}, "outputs.*value"),
        ({"outputs": "score", "causal": False}, "outputs.*encoder"),
        ({"outputs": "score", "mlm_head": True}, "outputs.*encoder"),
        ({"window": 0}, "window"),
        ({"window_layers": (0,)}, "no window"),
        ({"window": 4, "window_layers": (2,)}, "0 to 1.*2"),
        ({"window": 4, "window_layers": (1, 1)}, "once"),
        ({"positions": "learned", "rope_scaling": RopeScaling(kind="linear", factor=2.0)}, "rope_scaling"),
        ({"moe": MoEConfig(experts=2, experts_per_token=1, expert_width=4, dense_layers=(5,))}, "dense_layers"),
    ],
)
def test_an_impossible_architecture_is_refused_in_one_line(changes, said):
    with pytest.raises(ConfigError, match=said) as error:
        TrunkConfig(**(SHAPE | changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"experts": 0}, "experts"),
        ({"experts_per_token": 5}, "5 experts of 4"),
        ({"expert_width": -1}, "expert_width"),
        ({"balance": -0.1}, "-0.1"),
    ],
)
def test_an_impossible_mixture_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        MoEConfig(**({"experts": 4, "experts_per_token": 2, "expert_width": 8} | changes))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "ntk", "factor": 2.0}, "ntk"),
        ({"kind": "linear", "factor": 0.0}, "factor"),
        ({"kind": "yarn", "factor": 2.0}, "length"),
        ({"kind": "llama3", "factor": 2.0, "original_max_positions": 8, "low_freq_factor": 4.0}, "low_freq_factor"),
        ({"kind": "yarn", "factor": 2.0, "original_max_positions": 8, "beta_fast": 0.5}, "beta"),
    ],
)
def test_an_impossible_stretching_is_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        RopeScaling(**settings)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tied": False, "qk_norm": False, "qkv_bias": True},
        {"outputs": "score"},
        {"outputs": "score", "tied": False},
        {"out_bias": True, "ffn_bias": True, "activation": "relu2", "norm": "layer"},
        BERT | {"qkv_bias": True, "out_bias": True, "ffn_bias": True, "qk_norm": False},
        {
            "depth": 3,
            "moe": MoEConfig(experts=5, experts_per_token=2, expert_width=7, dense_layers=(1,)),
            "ffn_bias": True,
        },
    ],
)
def test_the_parameters_by_part_are_those_of_the_model(changes):
    config = TrunkConfig(**(SHAPE | changes))
    counted = dict.fromkeys(config.parameters(), 0)
    for name, parameter in LanguageModel(config).named_parameters():
        counted[part_of(name)] += parameter.numel()
    counted["norms"] += sum(p.numel() for n, p in LanguageModel(config).named_parameters() if n.startswith("head.norm"))
    counted["head"] -= sum(p.numel() for n, p in LanguageModel(config).named_parameters() if n.startswith("head.norm"))
    assert config.parameters() == counted


def part_of(name: str) -> str:
    first = name.split(".")[0]
    if first == "head":
        return "head"
    if "norm" in name:
        return "norms"
    if first == "embedding":
        return "embedding"
    return "attention" if ".attention." in name else "router" if ".router." in name else "feed_forward"


@pytest.mark.parametrize(
    "changes",
    [{"causal": False}, {"causal": False, "tied": False, "activation": "gelu"}, {"causal": False} | BERT],
)
def test_the_operations_are_those_that_torch_counts(changes):
    """Of a full mask: torch counts every key of a causal one, which a kernel may skip and we do not count."""
    config = TrunkConfig(**(SHAPE | changes | {"kv_heads": 4}))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        LanguageModel(config).to("meta")(torch.zeros(1, 12, dtype=torch.int64, device="meta"))
    assert config.flops_per_token(12) * 12 == counter.get_total_flops()


def test_a_score_costs_one_word_of_the_vocabulary():
    words, score = (TrunkConfig(**(SHAPE | {"outputs": outputs})).flops_per_token(9) for outputs in ("words", "score"))
    assert words - score == 2 * 24 * (41 - 1)


@pytest.mark.parametrize(("window", "length", "causal"), list(product((None, 1, 3, 9), (1, 2, 3, 10), (True, False))))
def test_attention_counts_exactly_the_keys_in_sight(window, length, causal):
    config = TrunkConfig(
        **(SHAPE | {"window": window, "window_layers": None if window is None else (1,), "causal": causal})
    )

    def pairs(reach: int) -> int:
        keys = range(length)
        return sum(abs(q - k) < reach and (k <= q or not causal) for q in keys for k in keys)

    seen = pairs(length) + pairs(length if window is None else window)
    blind = TrunkConfig(**(SHAPE | {"window": 1, "causal": causal})).flops_per_token(1) - 4 * 4 * 8 * 2
    assert config.flops_per_token(length) == pytest.approx(blind + 4 * 4 * 8 * seen / length)


def test_a_token_pays_only_for_the_experts_that_it_visits():
    def flops(experts: int, visited: int) -> float:
        moe = MoEConfig(experts=experts, experts_per_token=visited, expert_width=10)
        return TrunkConfig(**(SHAPE | {"moe": moe})).flops_per_token(1)

    one_expert, one_router_score = 2 * 2 * 3 * 24 * 10, 2 * 2 * 24
    assert flops(4, 2) - flops(4, 1) == one_expert
    assert flops(8, 2) - flops(4, 2) == 4 * one_router_score


def test_qwen3_0_6b_has_as_many_parameters_as_its_card_says():
    config = TrunkConfig(
        vocab_size=151_936, width=1024, depth=28, heads=16, kv_heads=8, head_size=128, ffn_width=3072, tied=True
    )
    parts = config.parameters()
    assert round(sum(parts.values()) / 1e9, 1) == 0.6
    assert round((sum(parts.values()) - parts["embedding"]) / 1e9, 2) == 0.44


def test_configurations_are_had_without_torch():
    """A plan can be shown, and a flag explained, before anything heavy is imported."""
    import subprocess
    import sys

    code = "import sys, onward.model.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
