"""A small GPT trained in the manner of nanoGPT, as a yardstick: one file, plain torch, nothing of Onward in it.

    python benchmarks/nanogpt_style.py TOKENS.bin OUT --vocab 4096 --length 256 --depth 4 --width 256 --minutes 10

Written for the comparison, after the well-known recipe: GPT-2 (learned positions, LayerNorm, GELU, four times as wide in between, tied
embeddings), AdamW with betas 0.9 and 0.95 and decay on the matrices, warm-up and a cosine down to a tenth, gradients clipped at 1, random
crops of one memory-mapped stream of tokens, bf16 where the hardware has it, torch.compile where there is a compiler. The schedule follows
the clock and not a number of steps, so that it ends exactly with the time. Compiling counts, with a cache that was filled before the clock
started. What it writes, a GPT-2 of transformers opens.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn


class Block(nn.Module):
    """Attention, then two layers with a GELU between; each after a LayerNorm, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wider, self.back = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, T, width)"""
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.ln_1(x)).chunk(3, -1))
        x = x + self.mix(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.back(F.gelu(self.wider(self.ln_2(x)), approximate="tanh"))


class GPT(nn.Module):
    """Embeddings of tokens and places, blocks, a norm, and the embedding again as the output."""

    def __init__(self, vocab: int, length: int, depth: int, width: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, max(1, width // 64)) for _ in range(depth))
        self.ln = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                # Into the residual stream smaller, by the square root of the number of additions to it.
                shrink = math.sqrt(2 * depth) if name.endswith(("mix.weight", "back.weight")) else 1
                nn.init.normal_(parameter, 0, 0.02 / shrink)

    def forward(self, ids: Tensor, targets: Tensor | None = None) -> Tensor:
        """ids, targets: (B, T) int64.   Returns the mean loss; without targets, the logits (B, T, V)."""
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln(x), self.tokens.weight)
        return logits if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def save(model: GPT, out: Path) -> None:
    """As a model folder of the gpt2 family, whose matrices are stored inputs first."""
    weights = {"wte.weight": model.tokens.weight, "wpe.weight": model.places.weight}
    weights |= {"ln_f.weight": model.ln.weight, "ln_f.bias": model.ln.bias}
    names = {"ln_1": "ln_1", "ln_2": "ln_2", "qkv": "attn.c_attn", "mix": "attn.c_proj"}
    names |= {"wider": "mlp.c_fc", "back": "mlp.c_proj"}
    for i, block in enumerate(model.blocks):
        for name, parameter in block.named_parameters():
            layer, kind = name.split(".")
            turned = layer in ("qkv", "mix", "wider", "back") and kind == "weight"
            weights[f"h.{i}.{names[layer]}.{kind}"] = parameter.T if turned else parameter
    vocab, width = model.tokens.weight.shape
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": vocab,
        "n_embd": width,
        "n_layer": len(model.blocks),
        "n_head": model.blocks[0].heads,
        "n_positions": len(model.places.weight),
        "activation_function": "gelu_new",
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": "float32",
    }
    out.mkdir(parents=True)
    (out / "config.json").write_text(json.dumps(config, indent=2))
    state = {f"transformer.{k}": v.detach().cpu().contiguous() for k, v in weights.items()}
    save_file(state, out / "model.safetensors", {"format": "pt"})


def fast_bf16(device: str) -> bool:
    """Whether the hardware multiplies bf16, and does not imitate it."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    info = Path("/proc/cpuinfo")
    return info.exists() and any(flag in info.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def compiled(model: GPT, example: Tensor) -> nn.Module:
    """With torch.compile if that works here."""
    try:
        fast = torch.compile(model)
        fast(example, example).backward()
        model.zero_grad()
    except Exception as error:  # no compiler, or one that fails: whatever it is, eager torch trains as well
        print(f"not compiled: {error}")
        return model
    return fast


def main() -> None:
    """Train until the time is over and save the model, with what it took in OUT/run.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tokens", type=Path, help="uint16 token ids, one document after the other")
    parser.add_argument("out", type=Path)
    for name in ("vocab", "length", "depth", "width"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--rows", type=int, default=32, help="crops in a step")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--warmup", type=float, default=0.02, help="share of the time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    stream = np.memmap(given.tokens, dtype="<u2", mode="r")
    random = np.random.default_rng(given.seed)

    def crops() -> tuple[Tensor, Tensor]:
        starts = random.integers(0, len(stream) - given.length, given.rows)
        rows = np.stack([stream[start : start + given.length + 1] for start in starts]).astype(np.int64)
        both = torch.from_numpy(rows).to(given.device, non_blocking=True)
        return both[:, :-1].contiguous(), both[:, 1:].contiguous()

    torch.manual_seed(given.seed)
    model = GPT(-(-given.vocab // 64) * 64, given.length, given.depth, given.width).to(given.device)
    decayed = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=given.lr, betas=(0.9, 0.95), fused=True)
    bf16 = torch.autocast(torch.device(given.device).type, torch.bfloat16, enabled=fast_bf16(given.device))

    with bf16:
        compiled(copy.deepcopy(model), crops()[0])  # fills the compiler's cache, before the clock starts
        torch.compiler.reset()
        began = time.perf_counter()
        fast = compiled(model, crops()[0])
    limit, ready, step = 60 * given.minutes, time.perf_counter() - began, 0
    while (spent := time.perf_counter() - began) < limit:
        share = (spent - ready) / (limit - ready)
        cosine = 0.1 + 0.45 * (1 + math.cos(math.pi * max(0.0, share - given.warmup) / (1 - given.warmup)))
        for group in optimiser.param_groups:
            group["lr"] = given.lr * min(cosine, (share + 1e-4) / given.warmup)
        with bf16:
            loss = fast(*crops())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        if step % 100 == 0:
            print(f"step {step}, {share:.0%} of the time, loss {loss.item():.3f}", flush=True)
    save(model, given.out)
    run = {"seconds": spent, "steps": step, "tokens": step * given.rows * given.length}
    (given.out / "run.json").write_text(
        json.dumps(run | {"compiled": fast is not model, "bf16": fast_bf16(given.device)})
    )


if __name__ == "__main__":
    main()
