"""Span corruption: spans of a text are taken out, and the model writes them, having read the rest both ways.

    text      the cat sat on the mat
    prefix    the cat <|span_0|> the <|span_1|>      seen by all of the piece
    targets   <|span_0|> sat on <|span_1|> mat <|endoftext|>

15 % of the tokens in spans of 3 on average (T5, arXiv 1910.10683, section 3.1.4 and table 7; the R-denoiser of UL2, arXiv 2205.05131,
section 3.1.2). It is one way of making batches for `prefix_token`; pairs to translate are another.

Left out: UL2's other denoisers. One thing differs from T5's code: a text may begin with a span and need not end with one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from onward.tokens.special import SPANS
from onward.train.corruption import SHARE, Noise
from onward.train.packing import IGNORE, PADDING, Batch, Ints

SPAN = 3
"""Tokens of a span on average."""


def hidden_tokens(tokens: Ints) -> Ints:
    """How many of a piece's tokens are taken out: 15 %, at least one."""
    return np.asarray(np.maximum(1, np.rint(SHARE * tokens)), dtype=np.int64)


def spans(tokens: Ints) -> Ints:
    """In how many spans: one for three of them, as far as there are sentinels."""
    return np.asarray(np.clip(np.rint(hidden_tokens(tokens) / SPAN), 1, SPANS), dtype=np.int64)


def places(tokens: Ints) -> Ints:
    """What a corrupted piece takes in a row: its tokens, each sentinel twice, and the token that it begins with.

    It does not depend on chance, so that the packing can leave room for it.
    """
    return tokens + 2 * spans(tokens) + 1


@dataclass(frozen=True, eq=False)
class SpanCorruption:
    """Every piece of a batch becomes its prefix and the spans taken out of it. The packing must have left room (`places`).

    sentinels: (SPANS,) int64, the ids that stand for the spans.   boundary_id: begins every piece, and ends its targets; the one that
    ends a document is left out, as it would end the answer too early.
    """

    sentinels: Ints
    boundary_id: int

    def __call__(self, batch: Batch, noise: Noise) -> Batch:
        shape = tuple(batch.inputs.shape)
        inputs, targets = np.full(shape, self.boundary_id), np.full(shape, IGNORE)
        documents, prefix = np.full(shape, PADDING), np.zeros(shape, dtype=np.bool_)
        positions = np.tile(np.arange(shape[1]), (shape[0], 1))
        clean, numbers = batch.targets.numpy(), batch.documents.numpy()
        for b in range(shape[0]):
            at = 0
            for number in range(int(numbers[b].max()) + 1):
                here = (numbers[b] == number) & (clean[b] != self.boundary_id)
                if here.any():
                    before, after = self.cut(clean[b, here], noise[:, b, here])
                    whole = np.concatenate([before, after])
                    begin, at = at, at + len(whole) - 1
                    inputs[b, begin:at], targets[b, begin:at] = whole[:-1], whole[1:]
                    targets[b, begin : begin + len(before) - 1] = IGNORE
                    prefix[b, begin : begin + len(before)] = True
                    documents[b, begin:at] = number
                    positions[b, begin:] -= positions[b, begin]
        return Batch.of(
            inputs=torch.from_numpy(inputs),
            targets=torch.from_numpy(targets),
            positions=torch.from_numpy(positions),
            documents=torch.from_numpy(documents),
            prefix=torch.from_numpy(prefix),
        )

    def cut(self, tokens: Ints, noise: Noise) -> tuple[Ints, Ints]:
        """One piece (N,): its prefix, with the boundary before it, and what is to be written, with the boundary after it."""
        count = np.array(len(tokens))
        hidden, parts = int(hidden_tokens(count)), int(spans(count))
        lengths = composition(hidden, parts, noise[0])
        gaps = composition(len(tokens) - hidden + 2, parts + 1, noise[1])
        gaps[0] -= 1  # nothing need stand before the first span, or after the last; between two there is a token
        gaps[-1] -= 1
        begin = np.cumsum(gaps[:-1]) + np.cumsum(lengths) - lengths
        before, after, at = [np.array([self.boundary_id])], list[Ints](), 0
        for sentinel, first, end in zip(self.sentinels[:parts, None], begin, begin + lengths, strict=True):
            before += [tokens[at:first], sentinel]
            after += [sentinel, tokens[first:end]]
            at = end
        return np.concatenate([*before, tokens[at:]]), np.concatenate([*after, [self.boundary_id]])


def composition(total: int, parts: int, noise: Noise) -> Ints:
    """`total` as a sum of `parts` numbers from 1 on, every such sum equally likely.   noise: (total - 1 or more,)"""
    cuts = np.sort(noise[: total - 1].argsort(kind="stable")[: parts - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))
