"""Native: a model whose decode step runs in C++, in one call for all layers. The trunk is its oracle.

`Native.of` takes a copy of the weights, which later changes of the model do not reach. Numbers are summed in fp32 whatever the weights
are; where those are bf16, what they are multiplied by is rounded to bf16 too, as everybody does. It uses as many threads as torch does, and
for one thread none besides the caller; while it computes, Python's other threads go on. Left out, and refused in words: experts, LayerNorm,
learned positions, feed-forward without a gate, adapters, GPUs, fp64.
"""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor, nn

from onward.errors import NativeError
from onward.generate.native.build import library
from onward.generate.native.packing import Packed, pack, side_by_side
from onward.generate.pages import BLOCK
from onward.generate.settings import Weights
from onward.model.config import TrunkConfig
from onward.model.int8 import Int8Linear
from onward.model.trunk import Attention, Block, FeedForward, LanguageModel

FORMATS: tuple[Weights, ...] = ("fp32", "bf16", "int8", "int4")
"""In the order of `Format` in step.cpp."""


# --- the structures of step.cpp, section 2 ----------------------------------------------------------------------------


class _Matrix(Structure):
    _fields_ = (("codes", c_void_p), ("scales", c_void_p), ("bias", c_void_p), ("rows", c_int64), ("columns", c_int64))


class _Layer(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("attention_norm", "q_norm", "k_norm", "feed_forward_norm")),
        *((name, _Matrix) for name in ("qkv", "out", "gate_up", "down")),
        ("window", c_int64),
    )


class _Model(Structure):
    _fields_ = (
        *((name, c_int64) for name in ("format", "vocab", "width", "depth", "heads", "kv_heads", "head_size")),
        *((name, c_float) for name in ("eps", "rope_factor")),
        *((name, c_void_p) for name in ("frequencies", "norm")),
        *((name, _Matrix) for name in ("embedding", "head")),
        ("layers", POINTER(_Layer)),
    )


class _Call(Structure):
    _fields_ = (
        *((name, c_int64) for name in ("batch", "scores", "table_width", "blocks", "cells_are_bf16", "threads")),
        *(
            (name, c_void_p)
            for name in ("ids", "slots", "unseen", "scored", "tables", "keys", "values", "logits", "hidden")
        ),
    )


# --- what it does not do ----------------------------------------------------------------------------------------------


def why_not(model: LanguageModel) -> str | None:
    """What of this model the native step does not know, in words; None where it knows everything."""
    config, parameter = model.config, next(model.parameters())
    unknown = {
        "experts": config.moe is not None,
        "LayerNorm": config.norm != "rms",
        "norms after the sum": config.norm_place != "pre",
        "a norm after the embedding": config.embedding_norm,
        "no final norm": not config.final_norm,
        "learned positions": config.positions == "learned",
        f"a feed-forward layer with {config.activation}": not config.gated,
        "attention both ways": not config.causal or config.block is not None,
        "segments": config.token_types > 0,
        "a head that gives one score": config.outputs != "words",
        "BERT's head": config.mlm_head,
        f"weights on {parameter.device}": parameter.device.type != "cpu",
        "weights in float64": parameter.dtype == torch.float64,
        "weights in float16": parameter.dtype == torch.float16,
        "layers that are more than a matrix (adapters)": any(type(layer) not in PLAIN for layer in _linears(model)),
    }
    found = [words for words, there in unknown.items() if there]
    return f"the native step does not know {', '.join(found)}; the model runs in torch" if found else None


PLAIN = (nn.Linear, Int8Linear)


def _linears(model: LanguageModel) -> Iterator[nn.Module]:
    for block in model.trunk.blocks:
        for name in ("attention", "feed_forward"):
            yield from (layer for end, layer in getattr(block, name).named_children() if end.endswith("_proj"))


# --- the step ---------------------------------------------------------------------------------------------------------


class Native:
    """`weights`: one of FORMATS (packing.py).   bytes: of matrices, that a step of one row reads."""

    def __init__(self, model: LanguageModel, weights: Weights) -> None:
        self.config, self.weights = model.config, weights
        self._run = library().onward_step
        self._run.restype = c_char_p
        self._kept: list[Tensor] = []  # what the structures point to
        self.bytes = 0
        self._model = self._whole(model)

    @classmethod
    @torch.no_grad()
    def of(cls, model: LanguageModel, weights: Weights) -> Native:
        """Pack the weights, and compile on first use.   Raises NativeError, one line, where the model or the machine will not do."""
        if weights not in FORMATS:
            raise NativeError(f"weights must be one of {', '.join(FORMATS)}, not {weights!r}")
        if reason := why_not(model):
            raise NativeError(reason)
        return cls(model, weights)

    def step(
        self,
        ids: Tensor,
        slots: Tensor,
        tables: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        unseen: Tensor | None = None,
        scored: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """B new tokens, each of a sequence of its own, or several of one. Returns (S, V) float32 logits of the rows `scored`, (S,) int64,
        by default all, and the hidden states after the final norm that they come from, (S, width), in memory of their own.

        ids, slots: (B,) int64; token `ids[b]` takes the place `slots[b]` of its sequence, sees all before it, also those of this step (or
        the window of a layer), and its key and value are written into the cache.   tables: (B, M) int32, block numbers.
        keys, values: (depth, blocks, kv_heads, 16, head_size), float32 or bfloat16. All contiguous, on the CPU; keys as Pages has them.
        unseen: (B,) int64, a set of bits for each token, by default empty: where bit i is set, it does not see the slot 1 + i before its
        own, which is of another branch of a draft; nor does that one count for the token's position.
        Raises NativeError where a shape, id, slot or block does not fit; nothing has been written then.
        """
        batch, dtype = ids.shape[0], keys.dtype
        unseen = torch.zeros_like(slots) if unseen is None else unseen
        scored = torch.arange(batch) if scored is None else scored
        cache = self.config.depth, keys.shape[1], self.config.kv_heads, BLOCK, self.config.head_size
        if dtype not in (torch.float32, torch.bfloat16):
            raise NativeError(f"keys must be float32 or bfloat16, not {dtype}")
        _check("ids", ids, torch.int64, (batch,))
        _check("slots", slots, torch.int64, (batch,))
        _check("unseen", unseen, torch.int64, (batch,))
        _check("scored", scored, torch.int64, (scored.numel(),))
        _check("tables", tables, torch.int32, (batch, tables.shape[-1]))
        _check("keys", keys.transpose(3, 4) if keys.dim() == 5 else keys, dtype, (*cache[:3], cache[4], cache[3]))
        _check("values", values, dtype, cache)
        logits = torch.empty(len(scored), self.config.vocab_size)
        hidden = torch.empty(len(scored), self.config.width)
        if batch:
            sizes = batch, len(scored), tables.shape[1], keys.shape[1], dtype == torch.bfloat16, torch.get_num_threads()
            parts = ids, slots, unseen, scored, tables, keys, values, logits, hidden
            wrong = self._run(byref(self._model), byref(_Call(*sizes, *(part.data_ptr() for part in parts))))
            if wrong is not None:
                raise NativeError(wrong.decode())
        return logits, hidden

    def _whole(self, model: LanguageModel) -> _Model:
        config, rope = model.config, model.trunk.rope
        layers = [self._layer(block, number, config) for number, block in enumerate(model.trunk.blocks)]
        frequencies = None if rope is None else rope.frequencies(torch.float32, torch.device("cpu"))
        embedding = self._matrix(model.embedding.tokens.weight, read=model.head.weight is None)
        assert model.trunk.norm is not None
        return _Model(
            format=FORMATS.index(self.weights),
            vocab=config.vocab_size,
            width=config.width,
            depth=config.depth,
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_size=config.head_size,
            eps=config.norm_eps,
            rope_factor=config.rope_scaling.cos_sin_factor if config.rope_scaling else 1.0,
            frequencies=self._floats(frequencies),
            norm=self._floats(model.trunk.norm.weight),
            embedding=embedding,
            head=embedding if model.head.weight is None else self._matrix(model.head.weight),
            layers=(_Layer * config.depth)(*layers),
        )

    def _layer(self, block: nn.Module, number: int, config: TrunkConfig) -> _Layer:
        assert isinstance(block, Block)
        attention, network = block.attention, block.feed_forward
        assert isinstance(attention, Attention)
        assert isinstance(network, FeedForward)
        assert network.gate_proj is not None
        inputs = attention.q_proj, attention.k_proj, attention.v_proj
        gate, up = network.gate_proj, network.up_proj
        ffn_bias = side_by_side(gate.bias[:, None], up.bias[:, None])[:, 0] if config.ffn_bias else None
        return _Layer(
            attention_norm=self._floats(block.attention_norm.weight),
            q_norm=self._floats(attention.q_norm and attention.q_norm.weight),
            k_norm=self._floats(attention.k_norm and attention.k_norm.weight),
            feed_forward_norm=self._floats(block.feed_forward_norm.weight),
            qkv=self._matrix(
                torch.cat([layer.weight for layer in inputs]),
                torch.cat([layer.bias for layer in inputs]) if config.qkv_bias else None,
            ),
            out=self._matrix(attention.o_proj.weight, attention.o_proj.bias),
            gate_up=self._matrix(side_by_side(gate.weight, up.weight), ffn_bias),
            down=self._matrix(network.down_proj.weight, network.down_proj.bias),
            window=config.window if config.windowed(number) else 0,
        )

    def _matrix(self, weight: Tensor, bias: Tensor | None = None, *, read: bool = True) -> _Matrix:
        packed: Packed = pack(weight, bias, self.weights)
        self.bytes += packed.bytes if read else 0
        pointers = (self._place(part) for part in (packed.codes, packed.scales, packed.bias))
        return _Matrix(*pointers, packed.rows, packed.columns)

    def _floats(self, numbers: Any) -> int | None:
        return None if numbers is None else self._place(numbers.detach().float().clone())

    def _place(self, tensor: Tensor | None) -> int | None:
        """Where it lies; it is kept there as long as this object lives."""
        if tensor is None:
            return None
        self._kept.append(tensor)
        return tensor.data_ptr()


def _check(name: str, tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    if tensor.dtype != dtype or tensor.shape != shape or not tensor.is_contiguous() or not tensor.is_cpu:
        given = f"{tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
        raise NativeError(f"{name} must be {shape} {dtype}, contiguous, on the CPU, not {given}")
