"""The language model, read from top to bottom: embedding, position, attention, feed-forward, block, trunk, output.

One trunk serves decoders (Qwen3, Llama, GPT-2) and encoders (BERT); `TrunkConfig` says which steps are there. Names as
in "Attention is all you need" (arXiv 1706.03762). Letters in shapes: B sequences, T new tokens, S keys that they may
look at, V words. Left out: dropout (language models of today train without), names of other libraries (families.py),
files (folder.py), and how keys and values are kept between calls: anything that fulfils `Cache` will do.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from onward.errors import ConfigError
from onward.model.config import MoEConfig, RopeScaling, TrunkConfig
from onward.model.masks import Mask


class Cache(Protocol):
    """Keys and values of the tokens already read, for every layer. Sequences of a batch may differ in length."""

    def slots(self, tokens: int) -> Tensor:
        """Where the next tokens of each sequence go, (B|1, T) int64: their index in the sequence, rising by one."""
        ...

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put in (B, kv_heads, T, head_size); get back all, (B, kv_heads, S, head_size), slot s holding token s."""
        ...

    def advance(self, tokens: int) -> None:
        """The trunk has finished with these tokens."""
        ...


# --- 1. Embedding: a token becomes a vector ---------------------------------------------------------------------------


class Embedding(nn.Module):
    """The vector of each token, plus those of its place and of its segment where the architecture has them."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.tokens = nn.Embedding(config.vocab_size, config.width)
        self.positions = nn.Embedding(config.max_positions, config.width) if config.positions == "learned" else None
        self.token_types = nn.Embedding(config.token_types, config.width) if config.token_types else None
        self.norm = make_norm(config, config.width) if config.embedding_norm else None

    def forward(self, ids: Tensor, positions: Tensor, token_types: Tensor | None = None) -> Tensor:
        """ids, token_types (else all 0): (B, T) int64; positions: (B|1, T) int64.   Returns (B, T, width)."""
        x: Tensor = self.tokens(ids)
        if self.positions is not None:
            x = x + self.positions(positions)
        if self.token_types is not None:
            x = x + self.token_types(torch.zeros_like(ids) if token_types is None else token_types)
        return x if self.norm is None else self.norm(x)


class RMSNorm(nn.Module):
    """Divide by the root mean square, times a learned weight (arXiv 1910.07467). At least float32 inside."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        normed = F.rms_norm(x.to(at_least_float32(x.dtype)), (x.shape[-1],), eps=self.eps)
        return self.weight * normed.to(x.dtype)


def make_norm(config: TrunkConfig, width: int) -> nn.Module:
    return RMSNorm(width, config.norm_eps) if config.norm == "rms" else nn.LayerNorm(width, config.norm_eps)


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


# --- 2. Position: queries and keys are turned by an angle that grows with their place ---------------------------------


class RoPE(nn.Module):
    """Rotary position embedding (arXiv 2104.09864), in the half-split layout of Llama and Qwen.

    It holds nothing: the angles are worked out anew in each pass, so that neither a change of precision nor a device
    can spoil them.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.head_size, self.theta, self.scaling = config.head_size, config.rope_theta, config.rope_scaling

    def forward(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """cos and sin of the angles.   positions: (B|1, T) int64.   Returns two of (B|1, 1, T, head_size / 2)."""
        angles = positions[:, None, :, None].to(dtype) * self.frequencies(dtype, positions.device)
        factor = self.scaling.cos_sin_factor if self.scaling else 1.0
        return angles.cos() * factor, angles.sin() * factor

    def frequencies(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Angle per position of each pair of numbers: theta ** (-2i / head_size), stretched.   (head_size / 2,)"""
        pairs = torch.arange(0, self.head_size, 2, device=device).to(dtype)
        frequencies = 1.0 / self.theta ** (pairs / self.head_size)
        if self.scaling is None:
            return frequencies
        if self.scaling.kind == "linear":
            return frequencies / self.scaling.factor
        if self.scaling.kind == "llama3":
            return _stretch_llama3(frequencies, self.scaling)
        return _stretch_yarn(frequencies, self.scaling, self.theta)


def _stretch_llama3(frequencies: Tensor, scaling: RopeScaling) -> Tensor:
    """Waves that fit often into the old length stay, those that hardly do are stretched, between them a blend."""
    assert scaling.original_max_positions is not None
    turns = scaling.original_max_positions * frequencies / (2 * math.pi)
    kept = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    kept = kept.clamp(0, 1)
    return kept * frequencies + (1 - kept) * frequencies / scaling.factor


def _stretch_yarn(frequencies: Tensor, scaling: RopeScaling, theta: float) -> Tensor:
    """As Llama 3, but the blend is a ramp over the dimensions (section 3.2; borders rounded outwards as released)."""
    assert scaling.original_max_positions is not None
    half, length = frequencies.shape[-1], scaling.original_max_positions

    def dimension(turns: float) -> float:
        return half * math.log(length / (turns * 2 * math.pi)) / math.log(theta)

    low, high = dimension(scaling.beta_fast), dimension(scaling.beta_slow)
    if scaling.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, 2 * half - 1)
    width = high - low if high != low else 0.001
    index = torch.arange(half, device=frequencies.device).to(frequencies.dtype)
    stretched = ((index - low) / width).clamp(0, 1)
    return frequencies / scaling.factor * stretched + frequencies * (1 - stretched)


def rotate(x: Tensor, cos: Tensor, sin: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn each pair (x_i, x_{i + head_size/2}) by its angle.   x: (B, heads, T, head_size); returned in `dtype`."""
    first, second = x.to(cos.dtype).chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(dtype)


# --- 3. Attention: every token looks at the tokens that its mask allows -----------------------------------------------


class Sight:
    """What the queries of one pass may see: the mask worked out once for all the layers that share it."""

    def __init__(self, mask: Mask, queries: Tensor) -> None:
        self.mask, self.queries = mask, queries
        self._keys = -1
        self._allowed: Tensor | None = None
        self._is_causal = False

    def of(self, keys: int) -> tuple[Tensor | None, bool]:
        """The boolean mask (B|1, 1, T, keys), or None where the attention kernel needs no telling; and whether it is plainly causal:
        as many keys as queries, so that nothing was before."""
        if keys != self._keys:
            mask = self.mask.within(keys)
            self._is_causal = mask.is_causal and keys == self.queries.shape[1]
            slots = torch.arange(keys, device=self.queries.device)[None]
            told = not (mask.is_full or self._is_causal)
            self._allowed = self.mask.allowed(self.queries, slots)[:, None] if told else None
            self._keys = keys
        return self._allowed, self._is_causal


class Attention(nn.Module):
    """softmax(Q K^T / sqrt(head_size)) V in several heads; groups of queries share keys (GQA, arXiv 2305.13245)."""

    def __init__(self, config: TrunkConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.head_size = layer, config.head_size
        self.heads, self.kv_heads = config.heads, config.kv_heads
        queries, keys = config.heads * config.head_size, config.kv_heads * config.head_size
        self.q_proj = nn.Linear(config.width, queries, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.width, keys, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.width, keys, bias=config.qkv_bias)
        self.o_proj = nn.Linear(queries, config.width, bias=config.out_bias)
        self.q_norm = RMSNorm(config.head_size, config.norm_eps) if config.qk_norm else None
        self.k_norm = RMSNorm(config.head_size, config.norm_eps) if config.qk_norm else None

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor] | None, sight: Sight, cache: Cache | None) -> Tensor:
        """x: (B, T, width); angles: cos and sin from RoPE.   Returns (B, T, width)."""
        q, k, v = (self._split(part) for part in side_by_side(x, self.q_proj, self.k_proj, self.v_proj))
        q = q if self.q_norm is None else self.q_norm(q)
        k = k if self.k_norm is None else self.k_norm(k)
        if angles is not None:
            q, k = rotate(q, *angles, v.dtype), rotate(k, *angles, v.dtype)
        if cache is not None:
            k, v = cache.update(self.layer, k, v)
        mixed = attend(q, k, v, *sight.of(k.shape[2]))
        out: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, heads * head_size) to (B, heads, T, head_size)"""
        return x.view(*x.shape[:-1], -1, self.head_size).transpose(1, 2)


def side_by_side(x: Tensor, *layers: nn.Linear) -> tuple[Tensor, ...]:
    """What several linear layers make of the same input.   x: (..., width).   Returns one (..., outputs) for each layer.

    While learning, as one product with their weights side by side, which keeps the machine busier. Not while generating: with a few
    new tokens, putting the weights together would cost more than the product itself. And not where more than a product is to be done,
    as beside an adapter (adapters.py).
    """
    if not torch.is_grad_enabled() or any(type(layer) is not nn.Linear for layer in layers):
        return tuple(layer(x) for layer in layers)
    weights: list[Tensor] = [layer.weight for layer in layers]
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    joint = F.linear(x, torch.cat(weights), torch.cat(biases) if biases else None)
    return torch.split(joint, [layer.out_features for layer in layers], dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, is_causal: bool) -> Tensor:
    """Scaled dot-product attention; kv_heads divides heads.   q: (B, heads, T, head_size); k, v: (B, kv_heads, S,
    head_size); allowed: (B|1, 1, T, S) bool.   Returns (B, heads, T, head_size)."""
    heads, kv_heads = q.shape[1], k.shape[1]
    if heads == kv_heads or allowed is None:
        return F.scaled_dot_product_attention(q, k, v, allowed, is_causal=is_causal, enable_gqa=heads != kv_heads)
    if q.shape[2] == 1:
        # One new token: the heads of a group stand in a row as if they were tokens, and nothing has to be copied.
        grouped = q.reshape(q.shape[0], kv_heads, heads // kv_heads, q.shape[3])
        return F.scaled_dot_product_attention(grouped, k, v, allowed).flatten(1, 2).unsqueeze(2)
    # With a mask, the fast kernels do not know groups: each key head is repeated for its query heads.
    k, v = (x.repeat_interleave(heads // kv_heads, dim=1) for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, allowed)


# --- 4. Feed-forward: every token thinks on its own -------------------------------------------------------------------


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x)) (arXiv 2002.05202); ungated: down(activation(up(x)))."""

    def __init__(self, config: TrunkConfig, hidden: int) -> None:
        super().__init__()
        self.activation = config.activation
        self.gate_proj = nn.Linear(config.width, hidden, bias=config.ffn_bias) if config.gated else None
        self.up_proj = nn.Linear(config.width, hidden, bias=config.ffn_bias)
        self.down_proj = nn.Linear(hidden, config.width, bias=config.ffn_bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., width)"""
        if self.gate_proj is None:
            hidden = activate(self.up_proj(x), self.activation)
        else:
            gate, up = side_by_side(x, self.gate_proj, self.up_proj)
            hidden = F.silu(gate) * up
        out: Tensor = self.down_proj(hidden)
        return out


def activate(x: Tensor, name: str) -> Tensor:
    """GELU (arXiv 1606.08415), exact or by tanh, or the squared ReLU (Primer, arXiv 2109.08668)."""
    if name == "relu2":
        return F.relu(x).square()
    return F.gelu(x, approximate="tanh" if name == "gelu_tanh" else "none")


class MixtureOfExperts(nn.Module):
    """A router sends each token to its best few feed-forward networks and weighs their answers (arXiv 2101.03961)."""

    def __init__(self, config: TrunkConfig, moe: MoEConfig) -> None:
        super().__init__()
        self.per_token, self.normalise = moe.experts_per_token, moe.normalise_top_k
        self.router = nn.Linear(config.width, moe.experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(config, moe.expert_width) for _ in range(moe.experts))
        self.scores: Tensor | None = None  # (B, T, experts): the router's logits of the last pass

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, T, width)"""
        self.scores = self.router(x)
        weights, chosen = self.choose(self.scores)
        tokens = x.flatten(0, -2)
        # Tokens are sorted by expert, so that each expert does one product for all of its tokens.
        by_expert = chosen.flatten().argsort(stable=True)
        visitor = by_expert // self.per_token
        counts = torch.bincount(chosen.flatten(), minlength=len(self.experts)).tolist()
        parts = torch.split(tokens[visitor], counts)
        answers = torch.cat([expert(part) for expert, part in zip(self.experts, parts, strict=True)])
        weighted = answers * weights.flatten()[by_expert, None].to(answers.dtype)
        return torch.zeros_like(tokens, dtype=weighted.dtype).index_add(0, visitor, weighted).view_as(x)

    def choose(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Weights and numbers of each token's experts.   scores: (B, T, experts).   Returns (B, T, per_token) twice."""
        probabilities = scores.softmax(-1, dtype=at_least_float32(scores.dtype))
        weights, chosen = probabilities.topk(self.per_token, dim=-1)
        return (weights / weights.sum(-1, keepdim=True) if self.normalise else weights), chosen

    def balance_loss(self, counted: Tensor | None = None) -> Tensor:
        """experts * sum over experts of (tokens sent there / tokens) * (its mean probability); Switch, eq. 4 to 6.

        It is experts_per_token when all experts are used alike, and more when the router favours some.
        counted: (B, T) bool, the tokens that count; by default all.
        """
        if self.scores is None:
            raise RuntimeError("the load-balancing loss exists only after a forward pass")
        probabilities = self.scores.softmax(-1, dtype=at_least_float32(self.scores.dtype))
        sent = torch.zeros_like(probabilities).scatter(-1, self.choose(self.scores)[1], 1.0)
        share = torch.ones_like(probabilities[..., :1]) if counted is None else counted[..., None].to(sent.dtype)
        tokens = share.sum().clamp(min=1)
        used, probable = (sent * share).sum((0, 1)) / tokens, (probabilities * share).sum((0, 1)) / tokens
        return len(self.experts) * (used * probable).sum()

    def __getstate__(self) -> dict[str, Any]:
        """A copy of the model does not take the scores of the last pass along: they belong to that pass's graph."""
        return self.__dict__ | {"scores": None}


# --- 5. Block: attention, then feed-forward, each added to what was there ---------------------------------------------


class Block(nn.Module):
    """Two residual steps. "pre": x + f(norm(x)), as in GPT-2 and after; "post": norm(x + f(x)), as in 2017 and BERT."""

    def __init__(self, config: TrunkConfig, layer: int) -> None:
        super().__init__()
        self.pre = config.norm_place == "pre"
        self.attention_norm = make_norm(config, config.width)
        self.attention = Attention(config, layer)
        self.feed_forward_norm = make_norm(config, config.width)
        self.feed_forward: FeedForward | MixtureOfExperts = (
            MixtureOfExperts(config, config.moe)
            if config.moe is not None and config.sparse(layer)
            else FeedForward(config, config.ffn_width)
        )

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor] | None, sight: Sight, cache: Cache | None) -> Tensor:
        """x: (B, T, width).   Returns (B, T, width)."""
        if self.pre:
            x = x + self.attention(self.attention_norm(x), angles, sight, cache)
            x = x + self.feed_forward(self.feed_forward_norm(x))
        else:
            x = self.attention_norm(x + self.attention(x, angles, sight, cache))
            x = self.feed_forward_norm(x + self.feed_forward(x))
        return x


# --- 6. Trunk: the stack of blocks ------------------------------------------------------------------------------------


class Trunk(nn.Module):
    """The blocks in a row, and the final norm.

    recompute: while learning, keep only what goes into each block and work out the rest again on the way back (arXiv 1604.06174):
    a third more work, for a fraction of the memory.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.rope = RoPE(config) if config.positions == "rope" else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.depth))
        self.norm = make_norm(config, config.width) if config.final_norm else None
        self.recompute = False

    def forward(self, x: Tensor, positions: Tensor, mask: Mask, cache: Cache | None = None) -> Tensor:
        """x: (B, T, width); positions: (B|1, T) int64, for RoPE only.   Returns (B, T, width), after the final norm.

        Without a cache, the tokens stand in slots 0 to T - 1; with one, in its next slots, after those already read.
        """
        tokens = x.shape[1]
        slots = torch.arange(tokens, device=x.device)[None] if cache is None else cache.slots(tokens)
        wide = Sight(mask, slots)
        narrow = wide if self.config.window is None else Sight(mask & Mask.window(self.config.window), slots)
        angles = None if self.rope is None else self.rope(positions, at_least_float32(x.dtype))
        if cache is None:  # known now, and so no part of what a compiled block does
            wide.of(tokens)
            narrow.of(tokens)
        for layer, block in enumerate(self.blocks):
            sight = narrow if self.config.windowed(layer) else wide
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(block, x, angles, sight, cache, use_reentrant=False)
            else:
                x = block(x, angles, sight, cache)
        if cache is not None:
            cache.advance(tokens)
        return x if self.norm is None else self.norm(x)

    def balance_loss(self, counted: Tensor | None = None) -> Tensor:
        """The load-balancing loss of the last forward pass, averaged over the sparse layers, without its coefficient.

        Per layer as in the Switch paper. transformers pools the layers first, which lets a layer that always takes one
        expert hide behind another layer that always takes a different one.   counted: (B, T) bool, tokens that count.
        """
        sparse = [layer for layer in self.modules() if isinstance(layer, MixtureOfExperts)]
        if not sparse:
            raise ConfigError("this model has no experts, so there is no load to balance")
        return torch.stack([layer.balance_loss(counted) for layer in sparse]).mean()


# --- 7. Output: a distribution over the vocabulary, or one number -----------------------------------------------------


class Head(nn.Module):
    """A score for every word: the product with each word's vector, which is the embedding's own where tied. Of a reward
    model, one score: the product with one vector."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.activation = config.activation
        shape = config.head_outputs, config.width
        self.weight = nn.Parameter(torch.empty(shape)) if config.head_has_weight else None
        self.dense = nn.Linear(config.width, config.width) if config.mlm_head else None
        self.norm = make_norm(config, config.width) if config.mlm_head else None
        self.bias = nn.Parameter(torch.zeros(config.vocab_size)) if config.mlm_head else None

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """hidden: (..., width); embedding: (V, width).   Returns logits (..., V), of a reward model (..., 1)."""
        return F.linear(*self.factors(hidden, embedding), self.bias)

    def factors(self, hidden: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """What is multiplied for the scores, (..., width) and (V|1, width): for a loss that never wants all of the logits at once."""
        if self.dense is not None and self.norm is not None:
            hidden = self.norm(activate(self.dense(hidden), self.activation))
        return hidden, embedding if self.weight is None else self.weight


class LanguageModel(nn.Module):
    """Embedding, trunk and head. A new one holds no meaningful numbers until `initialise` or a folder's weights."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.trunk = Trunk(config)
        self.head = Head(config)

    def hidden(
        self,
        ids: Tensor,
        positions: Tensor | None = None,
        mask: Mask | None = None,
        cache: Cache | None = None,
        token_types: Tensor | None = None,
    ) -> Tensor:
        """What the trunk makes of the tokens, after the final norm.   ids: (B, T) int64.   Returns (B, T, width).

        positions: (B|1, T) int64, by default 0, 1, 2 ... or on from what the cache holds. mask: by default causal or
        full, as the architecture says. token_types: (B, T) int64, for models with segments.
        """
        if positions is None:
            positions = self._next_positions(ids, cache)
        if mask is None:
            mask = Mask.causal() if self.config.causal else Mask.full()
        hidden: Tensor = self.trunk(self.embedding(ids, positions, token_types), positions, mask, cache)
        return hidden

    def _next_positions(self, ids: Tensor, cache: Cache | None) -> Tensor:
        if cache is not None:
            return cache.slots(ids.shape[1])
        if self.config.positions == "learned" and ids.shape[1] > self.config.max_positions:
            raise ConfigError(
                f"{ids.shape[1]} tokens are too many: this model has learned {self.config.max_positions} positions. "
                "Give it less text, or cut it into pieces."
            )
        return torch.arange(ids.shape[1], device=ids.device)[None]

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores before the softmax.   hidden: (..., width).   Returns (..., V), of a reward model (..., 1)."""
        scores: Tensor = self.head(hidden, self.embedding.tokens.weight)
        return scores

    def forward(
        self, ids: Tensor, positions: Tensor | None = None, mask: Mask | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Scores of the next word (of the hidden word, for an encoder; of the text so far, for a reward model) at every
        place.   Returns (B, T, V|1)."""
        return self.logits(self.hidden(ids, positions, mask, cache))

    @torch.no_grad()
    def initialise(self, seed: int) -> LanguageModel:
        """Fresh weights, the same for the same seed on every device. Returns the model itself.

        Embeddings, the head and routers: normal, 0.02. Matrices: normal, 1 / sqrt(inputs), which keeps the size of what
        passes through. Projections back into the residual stream: zero, so that each block starts as the identity
        (Fixup, arXiv 1901.09321; muP, 2203.03466). Norms: one. Biases: zero. The head of a reward model: `score_std`.
        """
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            std = _initial_std(name, parameter, self.config)
            if std is None:
                parameter.fill_(1.0)
            elif std == 0:
                parameter.zero_()
            else:
                parameter.copy_(torch.empty(parameter.shape).normal_(0, std, generator=generator))
        return self


def _initial_std(name: str, parameter: Tensor, config: TrunkConfig) -> float | None:
    """The standard deviation of a fresh parameter; None where it is to be one (the weights of norms)."""
    if name.endswith(("bias", "o_proj.weight", "down_proj.weight")):
        return 0.0
    if parameter.dim() == 1:
        return None
    if name == "head.weight" and config.outputs == "score":
        return score_std(config.width)
    if name.startswith(("embedding.", "head.weight")) or name.endswith("router.weight"):
        return 0.02
    return float(parameter.shape[1] ** -0.5)


def score_std(width: int) -> float:
    """The standard deviation of a fresh head that gives one score (Stiennon et al. 2020, arXiv 2009.01325, appendix B.1)."""
    return float((width + 1) ** -0.5)
