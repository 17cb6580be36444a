"""What a head should be made of: shapes of heads that learn from the same hidden states, as long, and how many tokens each foretells.

python benchmarks/head_shapes.py MODEL TEXTS... [--steps 60] [--rows 480]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onward.corpus.read import documents
from onward.model import folder
from onward.tokens.tokenizer import Tokenizer
from onward.train.parent import boundaries

HEADS, LENGTH, ROWS_A_STEP, HELD_OUT = 4, 256, 8, 24


class Shape(nn.Module):
    """told: whether a head sees the token that was drawn.   inside: width of a second matrix's input; 0: silu(W x) is added as it is.
    own: whether each head has words of its own, which begin as the model's."""

    def __init__(self, words: Tensor, *, told: bool, inside: int, own: bool) -> None:
        super().__init__()
        width = words.shape[1]
        self.told, self.words = told, words
        self.inwards = nn.ModuleList(
            nn.Linear(width * (1 + told), width * (inside or 1), bias=False) for _ in range(HEADS)
        )
        self.outwards = nn.ModuleList(
            nn.Linear(width * inside, width, bias=False) for _ in range(HEADS if inside else 0)
        )
        for matrix in self.outwards if inside else self.inwards:
            nn.init.zeros_(matrix.weight)
        self.own = nn.ParameterList(words.clone() for _ in range(HEADS if own else 0))

    def forward(self, hidden: Tensor, drawn: Tensor) -> list[Tensor]:
        """Logits of each head, (B, T, V)."""
        vectors = F.rms_norm(self.words, self.words.shape[1:])[drawn]
        seen = torch.cat([hidden, vectors], dim=-1) if self.told else hidden
        made = [F.silu(inwards(seen)) for inwards in self.inwards]
        if len(self.outwards):
            made = [outwards(one) for outwards, one in zip(self.outwards, made, strict=True)]
        words = list(self.own) or [self.words] * HEADS
        return [(hidden + one) @ own.T for one, own in zip(made, words, strict=True)]


SHAPES: dict[str, Callable[[Tensor], Shape]] = {
    "silu(W h) + h, words of its own (Medusa)": lambda words: Shape(words, told=False, inside=0, own=True),
    "silu(W h) + h, the model's words": lambda words: Shape(words, told=False, inside=0, own=False),
    "silu(W [h; e]) + h, the model's words": lambda words: Shape(words, told=True, inside=0, own=False),
    "V silu(W [h; e]) + h, the model's words": lambda words: Shape(words, told=True, inside=1, own=False),
    "the same, twice as wide inside": lambda words: Shape(words, told=True, inside=2, own=False),
}


def rows_of(texts: Sequence[str], tokenizer: Tokenizer, begin: int, number: int) -> Tensor:
    """(number, LENGTH) tokens of texts, one after the other."""
    ids: list[int] = []
    every = [document.text for document in documents(texts)]
    random.Random(0).shuffle(every)
    for text in every:
        ids += [begin, *tokenizer.encode(text)]
        if len(ids) >= number * LENGTH:
            break
    return torch.tensor(ids[: len(ids) // LENGTH * LENGTH]).view(-1, LENGTH)[:number]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", nargs="+")
    for name, default in (("steps", 60), ("rows", 504)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--lr", type=float, default=0.008)
    asked = parser.parse_args()
    tokenizer, model = Tokenizer.load(asked.model), folder.load(asked.model).float().eval().requires_grad_(False)
    rows = rows_of(asked.texts, tokenizer, boundaries(tokenizer, asked.model)[0], asked.rows)
    with torch.no_grad():
        hidden = torch.cat([model.hidden(part) for part in rows.split(ROWS_A_STEP)])
    last = LENGTH - HEADS - 1

    def given(some: slice) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Hidden states, the tokens drawn from them, and the model's own logits at the places after."""
        with torch.no_grad():
            own = [model.logits(hidden[some, 1 + number : 1 + number + last]) for number in range(HEADS)]
        return hidden[some, :last], rows[some, 1 : 1 + last], own

    for name, make in SHAPES.items():
        torch.manual_seed(0)
        heads = make(model.embedding.tokens.weight)
        optimiser = torch.optim.AdamW(heads.parameters(), lr=asked.lr, betas=(0.9, 0.95), weight_decay=0.0)
        for step in range(asked.steps):
            first = HELD_OUT + step * ROWS_A_STEP % (len(rows) - HELD_OUT - ROWS_A_STEP)
            seen, drawn, own = given(slice(first, first + ROWS_A_STEP))
            pairs = zip(heads(seen, drawn), own, strict=True)
            loss = sum(-(p.softmax(-1) * q.log_softmax(-1)).sum(-1).mean() for q, p in pairs) / HEADS
            loss.backward()
            nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
            optimiser.param_groups[0]["lr"] = asked.lr * min(1.0, 2 * (asked.steps - step) / asked.steps)
            optimiser.step()
            optimiser.zero_grad()
        seen, drawn, own = given(slice(0, HELD_OUT))
        with torch.no_grad():
            right = torch.stack([q.argmax(-1) == p.argmax(-1) for q, p in zip(heads(seen, drawn), own, strict=True)])
        each = ", ".join(f"{one:.2f}" for one in right.float().mean((1, 2)).tolist())
        row = right.float().cumprod(0).sum(0).mean().item()
        learned = sum(parameter.numel() for parameter in heads.parameters())
        print(f"| {name} | {learned:,} | {each} | {row:.2f} |", flush=True)


if __name__ == "__main__":
    main()
