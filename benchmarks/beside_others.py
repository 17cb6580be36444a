"""Carrying text on beside transformers and llama.cpp: one sequence, many sequences, and the time to the first token.

    pip install -e '.[test]' llama-cpp-python gguf
    python benchmarks/beside_others.py --sizes 5m 110m 500m --threads 2          (500m: 12 GB of memory; an hour)

Qwen3 shapes with random weights, the same numbers for all: written as a model folder that transformers opens, and as a GGUF file. The
likeliest token is taken everywhere. Each side is its library's usual way: `Engine.step`, `generate`, `llama_decode`. "known": the prompt
was read before. "alike": so many tokens as the first side says them. In every round the sides take turns; tables have medians over
rounds. GB/s: the matrices that a token of one sequence must read, times tokens a second; the share is of the speed at which torch adds up
512 MB of floats with as many threads, the best of all rounds, which is a limit only for what does not fit into the processor's caches.
Left out: what the text says (random weights say nothing), GPUs.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
import torch
import transformers
from native_step import SIZES, reading_speed

from onward.generate.engine import Engine, Request
from onward.generate.pages import Pages
from onward.generate.settings import Sampling, Weights
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train

PROMPT, LONG = 128, 1000
"""Tokens of the prompt, and of the one whose first token is waited for."""
MANY = 32


# --- the model, in three forms ----------------------------------------------------------------------------------------


def model_of(size: str) -> LanguageModel:
    config = TrunkConfig(**SIZES[size], max_positions=4096)
    model = LanguageModel(config).initialise(0)
    with torch.no_grad():
        for block in model.trunk.blocks:
            for layer in (block.attention.o_proj, block.feed_forward.down_proj):  # zero in a fresh model
                layer.weight.normal_(0, 0.02, generator=torch.Generator().manual_seed(1))
    return model.eval()


def write_gguf(model: LanguageModel, path: Path, kind: gguf.GGMLQuantizationType) -> None:
    """The same weights for llama.cpp, matrices in `kind`; without a tokeniser."""
    config, writer = model.config, gguf.GGUFWriter(str(path), "qwen3")
    writer.add_context_length(config.max_positions)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.depth)
    writer.add_feed_forward_length(config.ffn_width)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_size)
    writer.add_value_length(config.head_size)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("none")

    def put(name: str, tensor: torch.Tensor) -> None:
        numbers = tensor.detach().float().numpy()
        if tensor.dim() == 1:
            writer.add_tensor(name, numbers)
        else:
            writer.add_tensor(name, gguf.quantize(numbers, kind), raw_dtype=kind)

    put("token_embd.weight", model.embedding.tokens.weight)
    put("output_norm.weight", model.trunk.norm.weight)
    if model.head.weight is not None:
        put("output.weight", model.head.weight)
    for number, block in enumerate(model.trunk.blocks):
        attention, network, at = block.attention, block.feed_forward, f"blk.{number}."
        put(at + "attn_norm.weight", block.attention_norm.weight)
        put(at + "ffn_norm.weight", block.feed_forward_norm.weight)
        put(at + "attn_q_norm.weight", attention.q_norm.weight)
        put(at + "attn_k_norm.weight", attention.k_norm.weight)
        for name, layer in (("q", attention.q_proj), ("k", attention.k_proj), ("v", attention.v_proj)):
            put(f"{at}attn_{name}.weight", layer.weight)
        put(at + "attn_output.weight", attention.o_proj.weight)
        for name, layer in (("gate", network.gate_proj), ("up", network.up_proj), ("down", network.down_proj)):
            put(f"{at}ffn_{name}.weight", layer.weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# --- the sides --------------------------------------------------------------------------------------------------------


@dataclass
class Said:
    """ids: what the first sequence said.   first, rest: seconds until every sequence had its first token, and from then to the end."""

    ids: list[int]
    first: float
    rest: float


Say = Callable[[list[list[int]], int], Said]
"""Prompts, and how many tokens follow each."""


def ours(model: LanguageModel, tokenizer: Tokenizer, weights: Weights, *, remember: bool = False) -> Say:
    """remember: what was read for the call before is known."""
    engine = Engine(model, tokenizer, at_once=MANY, weights=weights)
    engine.ends = frozenset()
    reader, schedule = engine.reader, engine.schedule

    def say(prompts: list[list[int]], tokens: int) -> Said:
        if not remember:
            reader.pages = schedule.pages = Pages(model.config, reader.blocks, dtype=reader.dtype, device=reader.device)
        began = time.perf_counter()
        sampling = Sampling(temperature=0, max_tokens=tokens)
        runs = [engine.submit(Request(prompt=prompt, sampling=sampling)) for prompt in prompts]
        while not all(run.drawn for run in runs):
            engine.step()
        first = time.perf_counter()
        while any(run.finish is None for run in runs):
            engine.step()
        return Said(runs[0].drawn, first - began, time.perf_counter() - first)

    return say


def theirs(path: Path, dtype: torch.dtype) -> Say:
    """transformers' `generate`; something that looks at the scores of every step, and changes nothing, notes when the first ones came."""
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=dtype).eval()

    def say(prompts: list[list[int]], tokens: int) -> Said:
        came: list[float] = []

        def note(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            del ids
            came.append(time.perf_counter())
            return scores

        began, ids = time.perf_counter(), torch.tensor(prompts)
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            logits_processor=[note],
        )
        return Said(made[0, ids.shape[1] :].tolist(), came[0] - began, time.perf_counter() - came[0])

    return say


def llamas(path: Path, threads: int) -> Say:
    """llama.cpp by its own functions: a batch of the next tokens of all sequences, everything else as it has it by default."""
    llama_cpp.llama_log_set(_quiet, ctypes.c_void_p(0))
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    words = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))

    def say(prompts: list[list[int]], tokens: int) -> Said:
        params = llama_cpp.llama_context_default_params()
        rows, length = len(prompts), len(prompts[0])
        params.n_ctx = rows * -(-(length + tokens) // 256) * 256
        params.n_seq_max, params.n_threads, params.n_threads_batch = rows, threads, threads
        context = llama_cpp.llama_init_from_model(model, params)
        batch = llama_cpp.llama_batch_init(max(length, rows), 0, 1)

        def decode(items: list[tuple[int, int, int, bool]]) -> None:
            """token, place, sequence, and whether the scores after it are wanted."""
            batch.n_tokens = len(items)
            for i, (token, place, sequence, wanted) in enumerate(items):
                batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, place, 1
                batch.seq_id[i][0], batch.logits[i] = sequence, wanted
            if llama_cpp.llama_decode(context, batch):
                raise RuntimeError("llama_decode failed")

        def likeliest(row: int) -> int:
            scores = llama_cpp.llama_get_logits_ith(context, row)
            return int(np.ctypeslib.as_array(scores, (words,)).argmax())

        try:
            began, said = time.perf_counter(), list[list[int]]()
            now = list[int]()
            for row, prompt in enumerate(prompts):
                decode([(token, place, row, place == length - 1) for place, token in enumerate(prompt)])
                now.append(likeliest(length - 1))
            first = time.perf_counter()
            said.append(now)
            for place in range(length, length + tokens - 1):
                decode([(token, place, row, True) for row, token in enumerate(now)])
                now = [likeliest(row) for row in range(rows)]
                said.append(now)
            return Said([each[0] for each in said], first - began, time.perf_counter() - first)
        finally:
            llama_cpp.llama_batch_free(batch)
            llama_cpp.llama_free(context)

    return say


@llama_cpp.llama_log_callback
def _quiet(level: int, text: bytes, data: Any) -> None:
    del level, text, data


# --- measuring --------------------------------------------------------------------------------------------------------


@dataclass
class Side:
    """bytes: of matrices, that a token of one sequence must read.   one, many: tokens a second.   first: seconds.   A number each round."""

    say: Say
    bytes: float
    one: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def turn(self, prompts: list[list[int]], tokens: int) -> None:
        said = self.say(prompts[:1], tokens)
        self.ids = said.ids
        self.one.append((tokens - 1) / said.rest)
        some = max(8, tokens // 8)
        self.many.append(MANY * (some - 1) / self.say(prompts, some).rest)
        self.first.append(self.say([(prompts[1] * LONG)[:LONG]], 1).first)


def sides_of(model: LanguageModel, place: Path, threads: int, chosen: list[str]) -> dict[str, Side]:
    tokenizer = train((f"{number} is not {number + 1}." for number in range(500)), 300)
    parts = place / "tokenizer"
    parts.mkdir()
    tokenizer.save(parts)
    folder.save(place / "model", model, lineage=Lineage(verb="benchmark"), tokenizer_folder=parts)
    kinds = gguf.GGMLQuantizationType
    write_gguf(model, place / "bf16.gguf", kinds.BF16)
    write_gguf(model, place / "q8_0.gguf", kinds.Q8_0)
    matrices, half = sum(p.numel() for p in model.parameters() if p.dim() == 2), copy.deepcopy(model).bfloat16()
    makers: dict[str, Callable[[], Side]] = {
        "onward fp32": lambda: Side(ours(model, tokenizer, "fp32"), 4 * matrices),
        "onward bf16": lambda: Side(ours(half, tokenizer, "bf16"), 2 * matrices),
        "onward bf16, known": lambda: Side(ours(half, tokenizer, "bf16", remember=True), 2 * matrices),
        "onward int8": lambda: Side(ours(half, tokenizer, "int8"), (1 + 2 / 64) * matrices),
        "transformers fp32": lambda: Side(theirs(place / "model", torch.float32), 4 * matrices),
        "transformers bf16": lambda: Side(theirs(place / "model", torch.bfloat16), 2 * matrices),
        "llama.cpp bf16": lambda: Side(llamas(place / "bf16.gguf", threads), 2 * matrices),
        "llama.cpp q8_0": lambda: Side(llamas(place / "q8_0.gguf", threads), (1 + 2 / 32) * matrices),
    }
    return {name: make() for name, make in makers.items() if not chosen or name in chosen}


def measure(size: str, given: argparse.Namespace, floats: torch.Tensor) -> None:
    model, speed = model_of(size), 0.0
    print(f"\n{size}: {sum(p.numel() for p in model.parameters()):,} parameters, {given.threads} threads")
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(model.config.vocab_size, (MANY, PROMPT), generator=generator).tolist()
    with tempfile.TemporaryDirectory() as place:
        sides = sides_of(model, Path(place), given.threads, given.sides)
        for _ in range(given.rounds):
            speed = max(speed, reading_speed(floats))
            for side in sides.values():
                side.turn(prompts, given.tokens)
    print(f"medians of {given.rounds} rounds; memory is read at {speed / 1e9:.1f} GB/s")
    print(
        f"{'':20} {'1: tok/s':>9} {'GB/s':>6} {'share':>6} {f'{MANY}: tok/s':>10} {f'first of {LONG}, ms':>17} {'alike':>6}"
    )
    exact = next(iter(sides.values())).ids
    for name, side in sides.items():
        one, many, first = (statistics.median(numbers) for numbers in (side.one, side.many, side.first))
        alike = next((n for n, (a, b) in enumerate(zip(side.ids, exact, strict=True)) if a != b), len(exact))
        read = one * side.bytes
        print(f"{name:20} {one:9.1f} {read / 1e9:6.1f} {read / speed:6.0%} {many:10.1f} {1000 * first:17.1f} {alike:6}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["5m", "110m"])
    parser.add_argument("--tokens", type=int, default=128, help="that follow each prompt")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", nargs="*", default=[], help="only these, by their names in the table")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    transformers.logging.set_verbosity_error()
    floats = torch.ones(2**27)
    for size in given.sizes:
        measure(size, given, floats)


if __name__ == "__main__":
    main()
