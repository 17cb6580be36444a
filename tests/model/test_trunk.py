"""The trunk: what must hold of every step, whatever the weights. Parity with transformers is in test_families.py."""

from __future__ import annotations

import math
import shutil
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm
from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

from onward.errors import ConfigError
from onward.model.config import MoEConfig, RopeScaling, TrunkConfig
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel, MixtureOfExperts, RMSNorm, RoPE, attend, rotate

MOE = MoEConfig(experts=5, experts_per_token=2, expert_width=9)
DECODERS = {
    "qwen3": {},
    "one window": {"window": 3, "window_layers": (1,)},
    "learned positions": {"positions": "learned", "norm": "layer", "activation": "gelu_tanh", "qkv_bias": True},
    "no positions": {"positions": "none", "activation": "relu2", "qk_norm": False},
    "post-norm": {"norm_place": "post", "final_norm": False, "embedding_norm": True},
    "experts": {"moe": MOE},
}
ENCODER = {"causal": False, "norm_place": "post", "mlm_head": True, "activation": "gelu", "token_types": 2}


def words(rows: int = 2, length: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 41, (rows, length), generator=torch.Generator().manual_seed(seed))


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


# --- what may be seen -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DECODERS)
@torch.no_grad()
def test_a_decoder_does_not_see_the_future(tiny, kind):
    model, ids = tiny(**DECODERS[kind]), words()
    changed = ids.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 41
    same(model(ids)[:, :7], model(changed)[:, :7])
    assert not torch.allclose(model(ids)[:, 7:], model(changed)[:, 7:])


@torch.no_grad()
def test_an_encoder_sees_both_ways(tiny):
    model, ids = tiny(**ENCODER), words()
    changed = ids.clone()
    changed[:, -1] = (changed[:, -1] + 1) % 41
    assert not torch.isclose(model(ids)[:, 0], model(changed)[:, 0]).any()


@torch.no_grad()
def test_one_windowed_layer_reaches_as_far_as_its_window(tiny):
    model, ids = tiny(depth=1, window=4), words()
    changed = ids.clone()
    changed[:, 2] = (changed[:, 2] + 1) % 41
    differs = ~torch.isclose(model(ids), model(changed)).all(-1)
    assert differs.nonzero()[:, 1].tolist() == [2, 3, 4, 5] * 2


@pytest.mark.parametrize("kind", DECODERS)
@torch.no_grad()
def test_packed_documents_compute_as_if_each_were_alone(tiny, kind):
    model = tiny(**DECODERS[kind])
    one, other = words(1, 5, seed=1), words(1, 8, seed=2)
    row = torch.cat((one, other, torch.zeros(1, 2, dtype=torch.int64)), 1)
    positions = torch.cat((torch.arange(5), torch.arange(8), torch.zeros(2, dtype=torch.int64)))[None]
    documents = torch.tensor([[0] * 5 + [1] * 8 + [-1] * 2])
    packed = model(row, positions=positions, mask=Mask.causal() & Mask.documents(documents))
    same(packed[:, :5], model(one))
    same(packed[:, 5:13], model(other))
    assert packed.isfinite().all()


@torch.no_grad()
def test_a_prefix_is_read_both_ways_and_the_rest_is_not(tiny):
    model, ids = tiny(), words()
    mask = Mask.prefix(torch.tensor([4, 0]))
    logits, changed = model(ids, mask=mask), ids.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 41
    differs = ~torch.isclose(logits, model(changed, mask=mask)).all(-1)
    assert differs[0].all()
    assert differs[1].tolist() == [False] * 3 + [True] * 9


@torch.no_grad()
def test_the_short_cut_of_plain_causal_attention_changes_nothing(tiny):
    model, ids = tiny(), words()
    spelled_out = Mask.causal() & Mask.documents(torch.zeros_like(ids))
    same(model(ids), model(ids, mask=spelled_out))


# --- the cache --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("pieces", [[12], [1] * 12, [5, 1, 4, 2]])
@torch.no_grad()
def test_a_text_read_in_pieces_is_the_text_read_whole(tiny, slot_cache, kind, pieces):
    model, ids = tiny(**DECODERS[kind]), words()
    cache = slot_cache([0, 0], capacity=12)
    same(torch.cat([model(part, cache=cache) for part in ids.split(pieces, 1)], 1), model(ids))


@pytest.mark.parametrize("kind", DECODERS)
@torch.no_grad()
def test_sequences_of_different_lengths_read_on_side_by_side(tiny, slot_cache, kind):
    model, ids = tiny(**DECODERS[kind]), words()
    cache = slot_cache([0, 0], capacity=20)
    model(ids[:, :6], cache=cache)
    cache.lengths = torch.tensor([6, 3])  # the second has only three tokens; what lies past them is overwritten
    tail = torch.stack((ids[0, 6:9], ids[1, 3:6]))
    logits = model(tail, cache=cache)
    same(logits[0], model(ids)[0, 6:9])
    same(logits[1], model(ids)[1, 3:6])


@torch.no_grad()
def test_a_full_cache_is_told_from_a_fresh_one(tiny, slot_cache):
    """As many keys as queries means that nothing came before: only then may the causal short cut be taken."""
    model, ids = tiny(), words()
    cache = slot_cache([0, 0], capacity=7)
    first = model(ids[:, :4], cache=cache)
    rest = model(ids[:, 4:7], cache=cache)
    same(torch.cat((first, rest), 1), model(ids[:, :7]))


@pytest.mark.parametrize("tokens", [1, 4])
def test_grouped_attention_is_the_formula(tokens):
    generator = torch.Generator().manual_seed(3)
    q = torch.randn(2, 6, tokens, 8, generator=generator, dtype=torch.float64)
    k, v = torch.randn(2, 2, 2, 5, 8, generator=generator, dtype=torch.float64)
    allowed = torch.tensor([[True, False, True, True, False], [True, True, False, False, True]])[:, None, None]
    allowed = allowed.expand(2, 1, tokens, 5)
    for mask in (allowed, None):
        scores = torch.einsum("bgtd,bgsd->bgts", q.unflatten(1, (2, 3)).flatten(2, 3), k) / math.sqrt(8)
        if mask is not None:
            scores = scores.masked_fill(~mask.repeat(1, 1, 3, 1), -torch.inf)
        expected = (scores.softmax(-1) @ v).unflatten(2, (3, tokens)).flatten(1, 2)
        same(attend(q, k, v, mask, is_causal=False), expected)


# --- positions and norms ----------------------------------------------------------------------------------------------


def rope(head_size: int = 8, **settings: object) -> RoPE:
    shape = {"vocab_size": 5, "width": 8, "depth": 1, "heads": 1, "kv_heads": 1, "ffn_width": 8}
    return RoPE(TrunkConfig(**shape, head_size=head_size, rope_theta=100.0, **settings))


SCALINGS = [
    None,
    RopeScaling(kind="linear", factor=2.5),
    RopeScaling(kind="llama3", factor=4.0, original_max_positions=64),
    RopeScaling(kind="yarn", factor=4.0, original_max_positions=64, attention_factor=1.0),
]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_turned_queries_and_keys_know_only_how_far_apart_they_are(scaling):
    turn = rope(16, rope_scaling=scaling)
    q, k = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def product(at_query: int, at_key: int) -> float:
        angles = [turn(torch.tensor([[at]]), torch.float64) for at in (at_query, at_key)]
        return float((rotate(q, *angles[0], torch.float64) * rotate(k, *angles[1], torch.float64)).sum())

    assert product(9, 4) == pytest.approx(product(105, 100), abs=1e-9)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-3)
    assert product(3, 3) == pytest.approx(float((q * k).sum()), abs=1e-9)


@torch.no_grad()
def test_where_a_text_begins_does_not_matter_to_rope(tiny):
    model, ids = tiny(), words()
    same(model(ids, positions=torch.arange(12)[None] + 1000), model(ids))


@pytest.mark.parametrize("scaling", SCALINGS[1:])
def test_stretching_slows_the_slow_waves_and_no_wave_speeds_up(scaling):
    device = torch.device("cpu")
    plain = rope(32).frequencies(torch.float64, device)
    stretched = rope(32, rope_scaling=scaling).frequencies(torch.float64, device)
    ratio = plain / stretched
    assert ratio[-1] == pytest.approx(scaling.factor)
    assert ratio[0] == pytest.approx(scaling.factor if scaling.kind == "linear" else 1.0)
    assert (ratio.diff() >= -1e-9).all()


def test_yarn_sharpens_attention_as_its_paper_says():
    stretch = {"kind": "yarn", "original_max_positions": 16}
    assert RopeScaling(**stretch, factor=8.0).cos_sin_factor == pytest.approx(0.1 * math.log(8) + 1)
    assert RopeScaling(**stretch, factor=0.5).cos_sin_factor == 1.0


@torch.no_grad()
def test_a_change_of_precision_does_not_spoil_the_angles(tiny):
    """Frequencies kept as a buffer would be rounded to bfloat16 by `.to(bfloat16)`, and stay so."""
    model = tiny(dtype=torch.float32)
    far = torch.arange(12)[None] + 30_000
    before = model.trunk.rope(far, torch.float32)
    after = model.to(torch.bfloat16).trunk.rope(far, torch.float32)
    assert torch.equal(before[0], after[0])
    assert before[0].dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@torch.no_grad()
def test_the_norm_is_that_of_transformers_to_the_last_bit(dtype):
    ours, theirs = RMSNorm(64, 1e-6).to(dtype), Qwen3RMSNorm(64, eps=1e-6).to(dtype)
    weight = torch.randn(64, generator=torch.Generator().manual_seed(1)).to(dtype)
    for norm in (ours, theirs):
        norm.weight.copy_(weight)
    x = (30 * torch.randn(20, 64, generator=torch.Generator().manual_seed(2))).to(dtype)
    assert ours(x).dtype == dtype
    if dtype == torch.float32:
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=1e-6)
    else:
        assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize("kind", [*DECODERS, "encoder"])
@torch.no_grad()
def test_half_precision_says_nearly_the_same(tiny, kind):
    model, ids = tiny(dtype=torch.float32, **(DECODERS | {"encoder": ENCODER})[kind]), words()
    if kind == "experts":  # a rounded router may choose another expert, which is no small difference
        model.trunk.blocks[0].feed_forward.per_token = 5
        for block in model.trunk.blocks:
            block.feed_forward.per_token = 5
    exact = model(ids)
    rounded = deepcopy(model).to(torch.bfloat16)(ids)
    assert rounded.dtype == torch.bfloat16
    assert F.cosine_similarity(exact, rounded.float(), dim=-1).min() > 0.97
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(ids)
    assert F.cosine_similarity(exact, mixed.float(), dim=-1).min() > 0.97


def test_more_tokens_than_learned_positions_are_refused_in_words(tiny):
    with pytest.raises(ConfigError, match=r"12 tokens are too many.*10"):
        tiny(positions="learned", max_positions=10)(words())


# --- experts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalise", [True, False])
@torch.no_grad()
def test_each_token_gets_the_weighted_answers_of_its_best_experts(tiny, normalise):
    moe = MoEConfig(experts=5, experts_per_token=2, expert_width=9, normalise_top_k=normalise)
    layer = tiny(moe=moe).trunk.blocks[0].feed_forward
    x = torch.randn(2, 7, 24, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    answers = layer(x)
    for b in range(2):
        for t in range(7):
            probabilities = (layer.router.weight @ x[b, t]).softmax(0)
            best = probabilities.topk(2)
            total = best.values.sum() if normalise else 1.0
            parts = zip(best.values, best.indices.tolist(), strict=True)
            same(answers[b, t], sum(p / total * layer.experts[e](x[b, t]) for p, e in parts))


@pytest.mark.parametrize("masked", [False, True])
def test_the_balance_loss_is_that_of_transformers_layer_by_layer(tiny, masked):
    model, ids = tiny(moe=MOE, dtype=torch.float32), words()
    counted = torch.arange(12)[None] < torch.tensor([[12], [7]]) if masked else None
    model(ids)
    sparse = [block.feed_forward for block in model.trunk.blocks]
    expected = [load_balancing_loss_func((m.scores.flatten(0, 1),), 5, 2, counted) for m in sparse]
    torch.testing.assert_close(model.trunk.balance_loss(counted), torch.stack(expected).mean())


def test_the_balance_loss_is_least_when_all_experts_are_used_alike_and_flows_to_the_router(tiny):
    moe = MoEConfig(experts=4, experts_per_token=1, expert_width=9)
    layer = tiny(moe=moe, depth=1).trunk.blocks[0].feed_forward
    layer.scores = 20 * F.one_hot(torch.arange(8) % 4, 4)[None].double()
    assert layer.balance_loss().item() == pytest.approx(1.0, abs=1e-6)
    layer.scores = 20 * F.one_hot(torch.zeros(8, dtype=torch.int64), 4)[None].double()
    assert layer.balance_loss().item() == pytest.approx(4.0, abs=1e-6)
    layer(torch.randn(1, 8, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    layer.balance_loss().backward()
    assert layer.router.weight.grad.abs().sum() > 0


def test_layers_that_each_always_take_one_expert_do_not_balance_each_other(tiny):
    """Pooled over the layers, as transformers does, two opposite collapses would look like perfect balance."""
    model = tiny(moe=MoEConfig(experts=2, experts_per_token=1, expert_width=9), depth=2)
    model(words())
    for expert, block in enumerate(model.trunk.blocks):
        block.feed_forward.scores = 20 * F.one_hot(torch.full((1, 8), expert), 2).double()
    assert model.trunk.balance_loss().item() == pytest.approx(2.0, abs=1e-6)
    pooled = load_balancing_loss_func(tuple(b.feed_forward.scores[0] for b in model.trunk.blocks), 2, 1)
    assert float(pooled) == pytest.approx(1.0, abs=1e-6)


def test_a_model_without_experts_has_no_load_to_balance(tiny):
    with pytest.raises(ConfigError, match="no experts"):
        tiny().trunk.balance_loss()


def test_a_model_can_be_copied_after_a_pass(tiny):
    model, ids = tiny(moe=MOE), words()
    logits = model(ids)
    same(deepcopy(model)(ids), logits)


# --- beginning and learning -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"moe": MOE}, {"ffn_bias": True, "out_bias": True, "norm": "layer"}])
@torch.no_grad()
def test_a_fresh_block_changes_nothing(tiny, changes):
    model, ids = tiny(**changes).initialise(0), words()
    x = model.embedding(ids, torch.arange(12)[None])
    assert x.std() > 0.01
    for block in model.trunk.blocks:
        x_after = block(x, model.trunk.rope(torch.arange(12)[None], torch.float64), sight(), None)
        assert torch.equal(x_after, x)


def sight():
    from onward.model.trunk import Sight

    return Sight(Mask.causal(), torch.arange(12)[None])


def test_the_same_seed_gives_the_same_weights_whatever_happened_before(tiny):
    torch.manual_seed(1)
    one = tiny(moe=MOE, seed=3).initialise(7).state_dict()
    torch.manual_seed(2)
    same_seed, other_seed = tiny(moe=MOE, seed=4).initialise(7).state_dict(), tiny(moe=MOE).initialise(8).state_dict()
    assert all(torch.equal(one[name], same_seed[name]) for name in one)
    drawn = [name for name in one if one[name].std() > 0]
    assert len(drawn) > 20
    assert not any(torch.equal(one[name], other_seed[name]) for name in drawn)


@torch.no_grad()
def test_fresh_weights_have_the_size_that_is_said():
    config = TrunkConfig(
        vocab_size=999, width=256, depth=1, heads=4, kv_heads=4, head_size=64, ffn_width=512, tied=False
    )
    model = LanguageModel(config).initialise(0)
    assert model.embedding.tokens.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert model.head.weight.std().item() == pytest.approx(0.02, rel=0.02)
    block = model.trunk.blocks[0]
    assert block.attention.q_proj.weight.std().item() == pytest.approx(1 / 16, rel=0.02)
    assert (model.trunk.norm.weight == 1).all()
    assert (block.feed_forward.down_proj.weight == 0).all()
    assert (block.attention.o_proj.weight == 0).all()


@pytest.mark.parametrize("kind", [*DECODERS, "encoder", "untied"])
def test_every_parameter_learns(tiny, kind):
    kinds = DECODERS | {"encoder": ENCODER, "untied": {"tied": False}}
    model = tiny(**kinds[kind])
    ids = words(12, 12)
    hidden = model.hidden(ids, token_types=ids % 2 if kind == "encoder" else None)
    F.cross_entropy(model.logits(hidden).flatten(0, 1), words(12, 12, seed=9).flatten()).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle


def test_a_tied_head_is_one_parameter_with_the_embedding(tiny):
    model = tiny()
    assert "head.weight" not in model.state_dict()
    same(model.logits(torch.eye(24, dtype=torch.float64)), model.embedding.tokens.weight.T)
    assert "head.weight" in tiny(tied=False).state_dict()


def test_a_few_steps_teach_a_model_its_text(tiny):
    model, ids = tiny(dtype=torch.float32).initialise(0), words(1, 24)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    assert (model(ids[:, :-1]).argmax(-1) == ids[:, 1:]).all()


@pytest.mark.filterwarnings("ignore")
def test_a_dense_model_is_one_graph_for_the_compiler_whatever_the_mask(tiny):
    """`fullgraph` refuses any step that depends on the data; "aot_eager" captures forward and backward, and stops there."""
    model, ids = tiny(depth=1, dtype=torch.float32, window=4), words()
    packed = Mask.causal() & Mask.documents((torch.arange(12)[None] // 5).expand(2, -1))
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for mask in (None, packed):
        torch.testing.assert_close(compiled(ids, mask=mask), model(ids, mask=mask), atol=1e-5, rtol=1e-4)
    compiled(ids).sum().backward()
    assert model.embedding.tokens.weight.grad.isfinite().all()


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")
@torch.no_grad()
def test_a_compiled_model_computes_the_same(tiny):
    model, ids = tiny(depth=1, dtype=torch.float32), words()
    torch.testing.assert_close(torch.compile(model, fullgraph=True)(ids), model(ids), atol=1e-5, rtol=1e-4)


def test_experts_are_told_from_dense_layers_in_the_same_model(tiny):
    model = tiny(moe=MoEConfig(experts=3, experts_per_token=1, expert_width=4, dense_layers=(1,)))
    assert [isinstance(b.feed_forward, MixtureOfExperts) for b in model.trunk.blocks] == [True, False, True]
