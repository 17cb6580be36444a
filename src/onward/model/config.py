"""What a trunk looks like, as plain values: shapes, norms, positions, experts; and what follows by arithmetic.

Left out: anything that needs torch (so that a plan can be shown at once), and everything about training or sampling.
The defaults are Qwen3 (arXiv 2505.09388); `onward.model.families` says which values make which Hugging Face family.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from onward.errors import ConfigError

Activation = Literal["swiglu", "gelu", "gelu_tanh", "relu2"]
ScalingKind = Literal["linear", "llama3", "yarn"]
Outputs = Literal["words", "score"]


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How RoPE's frequencies are stretched, so that a model reads further than it was trained for.

    linear: arXiv 2306.15595; llama3: the Llama 3.1 release (arXiv 2407.21783); yarn: arXiv 2309.00071.
    """

    kind: ScalingKind = field(metadata=_help("linear | llama3 | yarn"))
    factor: float = field(metadata=_help("how many times longer than before"))
    original_max_positions: int | None = field(default=None, metadata=_help("length before stretching; llama3, yarn"))
    low_freq_factor: float = field(default=1.0, metadata=_help("llama3: slower waves are stretched fully"))
    high_freq_factor: float = field(default=4.0, metadata=_help("llama3: faster waves are left alone"))
    beta_fast: float = field(default=32.0, metadata=_help("yarn: more turns than this are left alone"))
    beta_slow: float = field(default=1.0, metadata=_help("yarn: fewer turns than this are stretched fully"))
    attention_factor: float | None = field(
        default=None, metadata=_help("yarn: scale of queries and keys; else derived")
    )
    mscale: float | None = field(default=None, metadata=_help("yarn: weight of the derived attention factor"))
    mscale_all_dim: float | None = field(default=None, metadata=_help("yarn: divisor of the derived factor"))
    truncate: bool = field(default=True, metadata=_help("yarn: round the borders of the ramp to whole dimensions"))

    def __post_init__(self) -> None:
        _one_of("rope scaling", self.kind, get_args(ScalingKind))
        turns = ("factor", "low_freq_factor", "high_freq_factor", "beta_fast", "beta_slow")
        given = [name for name in ("attention_factor", "mscale", "mscale_all_dim") if getattr(self, name) is not None]
        _finite_above(0, {f"rope scaling {name}": getattr(self, name) for name in (*turns, *given)})
        _one_of("rope scaling truncate", self.truncate, (True, False))
        if self.kind == "linear":
            return
        if self.original_max_positions is None:
            raise ConfigError(f"rope scaling {self.kind} needs the length before stretching (original_max_positions)")
        _whole_above(0, {"original_max_positions": self.original_max_positions})
        if self.kind == "llama3" and self.low_freq_factor >= self.high_freq_factor:
            raise ConfigError(
                f"rope scaling llama3 needs low_freq_factor < high_freq_factor, "
                f"not {self.low_freq_factor:g} and {self.high_freq_factor:g}"
            )
        if self.kind == "yarn" and self.beta_slow > self.beta_fast:
            raise ConfigError(
                f"rope scaling yarn needs beta_slow <= beta_fast, not {self.beta_slow:g} and {self.beta_fast:g}"
            )

    @property
    def cos_sin_factor(self) -> float:
        """What cos and sin are multiplied by: 1, but for YaRN, which sharpens attention as it stretches (eq. 22)."""
        if self.kind != "yarn":
            return 1.0
        if self.attention_factor is not None:
            return self.attention_factor
        if self.mscale and self.mscale_all_dim:
            return self._temperature(self.mscale) / self._temperature(self.mscale_all_dim)
        return self._temperature(1.0)

    def _temperature(self, weight: float) -> float:
        return 0.1 * weight * math.log(self.factor) + 1.0 if self.factor > 1 else 1.0


@dataclass(frozen=True, kw_only=True)
class MoEConfig:
    """Experts in the place of the feed-forward layer (Switch, arXiv 2101.03961; Mixtral, arXiv 2401.04088)."""

    experts: int = field(metadata=_help("feed-forward networks to choose from, in each sparse layer"))
    experts_per_token: int = field(metadata=_help("how many of them each token visits"))
    expert_width: int = field(metadata=_help("hidden width of one expert"))
    normalise_top_k: bool = field(default=True, metadata=_help("the chosen experts' weights sum to one"))
    balance: float = field(default=0.001, metadata=_help("coefficient of the load-balancing loss, for the trainer"))
    dense_layers: tuple[int, ...] = field(
        default=(), metadata=_help("layers (from 0) that keep one feed-forward network")
    )

    def __post_init__(self) -> None:
        shapes = {
            "experts": self.experts,
            "experts_per_token": self.experts_per_token,
            "expert_width": self.expert_width,
        }
        _whole_above(0, shapes)
        if self.experts_per_token > self.experts:
            raise ConfigError(
                f"a token cannot visit {self.experts_per_token} experts of {self.experts}; "
                "lower experts_per_token or add experts"
            )
        if self.balance != 0:
            _finite_above(0, {"the load-balancing coefficient": self.balance})
        _one_of("normalise_top_k", self.normalise_top_k, (True, False))


@dataclass(frozen=True, kw_only=True)
class TrunkConfig:
    """The architecture of a language model: a stack of `depth` blocks of `width`, its embedding and its head."""

    vocab_size: int = field(metadata=_help("tokens the model knows"))
    width: int = field(metadata=_help("size of the residual stream"))
    depth: int = field(metadata=_help("blocks"))
    heads: int = field(metadata=_help("attention heads (queries)"))
    kv_heads: int = field(metadata=_help("heads of keys and values; a divisor of `heads`"))
    head_size: int = field(metadata=_help("size of one head; heads x head_size need not be `width`"))
    ffn_width: int = field(metadata=_help("hidden width of the feed-forward layer"))

    activation: Activation = field(default="swiglu", metadata=_help("swiglu (gated) | gelu | gelu_tanh | relu2"))
    norm: Literal["rms", "layer"] = field(default="rms", metadata=_help("RMSNorm or LayerNorm"))
    norm_place: Literal["pre", "post"] = field(default="pre", metadata=_help("before each sublayer, or after the sum"))
    norm_eps: float = field(default=1e-6, metadata=_help("added to the variance"))
    embedding_norm: bool = field(default=False, metadata=_help("a norm right after the embedding"))
    final_norm: bool = field(default=True, metadata=_help("a norm after the last block"))

    positions: Literal["rope", "learned", "none"] = field(default="rope", metadata=_help("how a token knows its place"))
    max_positions: int = field(default=32768, metadata=_help("longest sequence"))
    rope_theta: float = field(default=1_000_000.0, metadata=_help("base of RoPE's wavelengths"))
    rope_scaling: RopeScaling | None = field(default=None, metadata=_help("stretching of RoPE"))

    qk_norm: bool = field(default=True, metadata=_help("RMSNorm on each head's queries and keys"))
    qkv_bias: bool = field(default=False, metadata=_help("bias in the query, key and value projections"))
    out_bias: bool = field(default=False, metadata=_help("bias in the attention's output projection"))
    ffn_bias: bool = field(default=False, metadata=_help("bias in the feed-forward projections"))
    window: int | None = field(default=None, metadata=_help("a token sees itself and the window - 1 tokens before it"))
    window_layers: tuple[int, ...] | None = field(default=None, metadata=_help("layers (from 0) with the window; all"))
    causal: bool = field(default=True, metadata=_help("a token sees only what came before it"))
    block: int | None = field(
        default=None, metadata=_help("tokens that are written together, by diffusion; none: each after the one before")
    )

    moe: MoEConfig | None = field(default=None, metadata=_help("mixture of experts"))
    token_types: int = field(default=0, metadata=_help("segments that the embedding tells apart (BERT)"))
    outputs: Outputs = field(
        default="words",
        metadata=_help("what the head gives at each place: words (a score for each) | score (one; a reward model)"),
    )
    tied: bool = field(default=True, metadata=_help("the head uses the embedding's weight, if it gives words"))
    mlm_head: bool = field(default=False, metadata=_help("BERT's head: dense, activation, norm, and a bias per token"))

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "width", "depth", "heads", "kv_heads", "head_size", "ffn_width", "max_positions")
        _whole_above(0, {name: getattr(self, name) for name in sizes})
        _whole_above(-1, {"token_types": self.token_types})
        _one_of("activation", self.activation, get_args(Activation))
        _one_of("norm", self.norm, ("rms", "layer"))
        _one_of("norm_place", self.norm_place, ("pre", "post"))
        _one_of("positions", self.positions, ("rope", "learned", "none"))
        _one_of("outputs", self.outputs, get_args(Outputs))
        for name in ("embedding_norm", "final_norm", "qk_norm", "qkv_bias", "out_bias", "ffn_bias", "causal", "tied"):
            _one_of(name, getattr(self, name), (True, False))
        _finite_above(0, {"norm_eps": self.norm_eps, "rope_theta": self.rope_theta})
        if self.heads % self.kv_heads:
            raise ConfigError(
                f"{self.heads} heads cannot share {self.kv_heads} heads of keys and values; "
                "kv_heads must divide heads without a rest"
            )
        if self.positions == "rope" and self.head_size % 2:
            raise ConfigError(f"RoPE turns pairs of numbers, so head_size must be even, not {self.head_size}")
        if self.rope_scaling is not None and self.positions != "rope":
            raise ConfigError(f"rope_scaling makes no sense with {self.positions} positions; leave it out")
        if self.outputs == "score" and (self.mlm_head or not self.causal):
            raise ConfigError(
                "outputs=score is for decoders, whose last token has seen the whole text; "
                "this architecture is an encoder, or has an encoder's head (causal, mlm_head)"
            )
        if self.block is not None:
            _whole_above(0, {"block": self.block})
            if not self.causal or self.outputs != "words" or self.positions != "rope":
                raise ConfigError(
                    f"block={self.block} is for decoders with RoPE that give words: blocks are written one after the other"
                )
        self._check_layers()

    def _check_layers(self) -> None:
        if self.window is not None:
            _whole_above(0, {"window": self.window})
        elif self.window_layers is not None:
            raise ConfigError("window_layers names layers with a sliding window, but there is no window; set its size")
        self._check_numbers("window_layers", self.window_layers or ())
        if self.moe is not None:
            self._check_numbers("dense_layers", self.moe.dense_layers)

    def _check_numbers(self, name: str, layers: tuple[int, ...]) -> None:
        if any(not 0 <= layer < self.depth for layer in layers) or len(set(layers)) < len(layers):
            raise ConfigError(f"{name} must name layers from 0 to {self.depth - 1}, each once, not {list(layers)}")

    @property
    def whole(self) -> bool:
        """Whether a text is one block, all of it written together."""
        return self.block is not None and self.block >= self.max_positions

    @property
    def gated(self) -> bool:
        return self.activation == "swiglu"

    def windowed(self, layer: int) -> bool:
        """Whether this layer looks through the sliding window."""
        return self.window is not None and (self.window_layers is None or layer in self.window_layers)

    def sparse(self, layer: int) -> bool:
        """Whether this layer is a mixture of experts."""
        return self.moe is not None and layer not in self.moe.dense_layers

    @property
    def sparse_layers(self) -> int:
        return sum(self.sparse(layer) for layer in range(self.depth))

    def parameters(self) -> dict[str, int]:
        """Parameters by part; the sum of the values is the whole model. A head tied to the embedding has none of its own."""
        return {
            "embedding": self.width * (self.vocab_size + self.token_types + self._learned_positions),
            "attention": self.depth * (self._attention_weights + self._attention_biases),
            "feed_forward": self._dense_layers * self._network(self.ffn_width) + self._all_experts,
            "router": self.sparse_layers * self.width * self.moe.experts if self.moe else 0,
            "norms": self._norms,
            "head": (self.head_outputs * self.width if self.head_has_weight else 0) + self._mlm_head,
        }

    @property
    def head_outputs(self) -> int:
        """Numbers that the head gives at each place."""
        return 1 if self.outputs == "score" else self.vocab_size

    @property
    def head_has_weight(self) -> bool:
        """Whether the head has a weight of its own; else it takes the embedding's."""
        return self.outputs == "score" or not self.tied

    @property
    def _learned_positions(self) -> int:
        return self.max_positions if self.positions == "learned" else 0

    @property
    def _attention_weights(self) -> int:
        return 2 * self.width * self.head_size * (self.heads + self.kv_heads)

    @property
    def _attention_biases(self) -> int:
        qkv = (self.heads + 2 * self.kv_heads) * self.head_size
        return self.qkv_bias * qkv + self.out_bias * self.width

    @property
    def _dense_layers(self) -> int:
        return self.depth - self.sparse_layers

    @property
    def _all_experts(self) -> int:
        return self.sparse_layers * self.moe.experts * self._network(self.moe.expert_width) if self.moe else 0

    def _network(self, hidden: int) -> int:
        """Parameters of one feed-forward network: one or two matrices in, one out."""
        inputs = 2 if self.gated else 1
        return (inputs + 1) * self.width * hidden + self.ffn_bias * (inputs * hidden + self.width)

    @property
    def _norms(self) -> int:
        of_width = 2 * self.depth + self.embedding_norm + self.final_norm + self.mlm_head
        of_heads = 2 * self.depth * self.head_size if self.qk_norm else 0
        return of_width * self.width * (2 if self.norm == "layer" else 1) + of_heads

    @property
    def _mlm_head(self) -> int:
        return self.width * self.width + self.width + self.vocab_size if self.mlm_head else 0

    def flops_per_token(self, length: int) -> float:
        """Floating-point operations of one token's forward pass, on average over a sequence of `length` tokens.

        Two for each weight of a matrix product (the head's too, tied or not; only the experts that a token visits), and
        in each layer four for each number of a head and each key that the query sees: scores and weighted sum. Norms,
        activations and the look-up of the embedding are left out, as is usual. Training costs three times as much.
        """
        networks = self._dense_layers * self._matrices(self.ffn_width)
        if self.moe is not None:
            visited = self.moe.experts_per_token * self._matrices(self.moe.expert_width)
            networks += self.sparse_layers * (visited + self.width * self.moe.experts)
        head = self.head_outputs * self.width + (self.width * self.width if self.mlm_head else 0)
        products = 2 * (self.depth * self._attention_weights + networks + head)
        seen = sum(self._keys_seen(length, self.window if self.windowed(n) else None) for n in range(self.depth))
        return products + 4 * self.heads * self.head_size * seen

    def _matrices(self, hidden: int) -> int:
        return (3 if self.gated else 2) * self.width * hidden

    def _keys_seen(self, length: int, window: int | None) -> float:
        """Keys that a query sees, on average over a sequence: itself, and those before it (and after it)."""
        reach = length if window is None else min(window, length)
        before = (reach * (reach - 1) / 2 + (length - reach) * (reach - 1)) / length
        return 1 + before if self.causal else 1 + 2 * before


LARGEST = 2**31
DEEPEST = 4096


def _whole_above(least: int, values: dict[str, Any]) -> None:
    for name, value in values.items():
        most = DEEPEST if name == "depth" else LARGEST
        if isinstance(value, bool) or not isinstance(value, int) or not least < value <= most:
            raise ConfigError(f"{name} must be a whole number above {least} and at most {most:,}, not {value!r}")


def _finite_above(least: float, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not least < value < math.inf:
            raise ConfigError(f"{name} must be a number above {least:g}, not {value!r}")


def _one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")
