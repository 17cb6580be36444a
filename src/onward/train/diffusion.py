"""Masked diffusion: some tokens of each block are hidden, any number of them, for a model that shall write a block together.

    text      <|endoftext|> the cat sat on the mat <|endoftext|>
    in blocks of 4, hidden  <|endoftext|> the <|mask|> sat <|mask|>          on the mat, and ends
    and as it is, for the blocks after

Every place says the token after it, as in a model that carries texts on, whose folder can therefore be gone on from. The last token of
a block has no place in its own block to stand at, and so it gets one beside it, which nobody sees while the token is hidden. In blocks
of one token nothing but the text is then seen, and this is `next_token` exactly.

LLaDA (arXiv 2502.09992) draws t from (0, 1], hides each token with chance t, and weighs by 1 / t. Here the number n of hidden tokens is
drawn evenly from 1 to K, and weighed by K / n. The two have the same mean: given t, n is binomial; integrated over t, any n from 0 to K
is as likely, and 1 / t is (K + 1) / n on average; the empty draw teaches nothing and is left out. Ours varies less (LLaDA, section 2.4).

A text that ends inside a block goes on with its end token to the end of the block, hidden and learned like the rest: else the length of
a block would give away where the text ends. Left out: noise that is not a mask (uniform, D3PM), and schedules that are learned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from onward.lineage import Result
from onward.model.trunk import LanguageModel
from onward.train import measure
from onward.train.corruption import CorruptedRows, Noise
from onward.train.packing import IGNORE, PADDING, Batch, Ints
from onward.train.plan import TrainPlan
from onward.train.texts import TextData


def places(block: int) -> Callable[[Ints], Ints]:
    """What a piece of n targets takes in a row: whole blocks."""
    return lambda targets: -(-targets // block) * block


def spread(noise: Noise) -> Noise:
    """The noise of a batch with its second channel stratified over the rows: each number is still even in [0, 1), and in each of B equal
    parts of [0, 1) falls one (a Latin hypercube), so that batches differ less in how much they hide.   (CHANNELS, B, L)"""
    part = noise[2].argsort(0, kind="stable").argsort(0, kind="stable")
    return np.stack([noise[0], (part + noise[1]) / len(part), *noise[2:]])


@dataclass(frozen=True, eq=False)
class Hiding:
    """A batch of texts becomes its blocks with tokens hidden, and after them, where there are several blocks, the texts as they are.

    block: tokens hidden together; the packing must have left room (`places`).   mask_id: what is seen of a hidden token.
    """

    block: int
    mask_id: int

    def __call__(self, batch: Batch, noise: Noise) -> Batch:
        inputs, tokens, documents, learned = self._in_blocks(batch)  # (B, blocks, K) each
        hidden, weights = self._hidden(learned, noise)
        count, size = tokens.shape[1:]
        first = (
            np.arange(count)[None] - _first_block(documents[:, :, 0])
        ) * size  # (B, blocks): where in its text a block starts
        seen = np.where(hidden, self.mask_id, tokens)
        unseen = np.where(hidden, PADDING, documents)[:, :, -1:]
        nothing = np.zeros_like(unseen)
        copies = {
            "inputs": np.concatenate([inputs[:, :, :1], seen], 2),
            "targets": np.concatenate([np.where(hidden, tokens, IGNORE), nothing + IGNORE], 2),
            "weights": np.concatenate([weights, nothing], 2),
            "documents": np.concatenate([documents, unseen], 2),
            "positions": first[:, :, None] + np.arange(size + 1),
            "starts": first[:, :, None] + np.zeros(size + 1, dtype=np.int64),
        }
        if count > 1:  # else nobody comes after, and looks back
            place = first[:, :, None] + np.arange(size)
            clean = {"inputs": inputs, "targets": np.full_like(tokens, IGNORE), "weights": np.zeros(tokens.shape)}
            clean |= {"documents": documents, "positions": place, "starts": place + 1}
            copies = {n: np.concatenate([_flat(x), _flat(clean[n])], 1) for n, x in copies.items()}
        return Batch.of(**{n: torch.from_numpy(_flat(x)) for n, x in copies.items()})

    def _in_blocks(self, batch: Batch) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
        """What stands at each place and what comes after it, the number of its text, and whether that is learned; every text filled up
        to whole blocks with the last token that is learned of it.   (B, blocks, K) each"""
        rows, length = batch.targets.shape
        size = min(self.block, length)
        shape = (rows, length // size * size)
        inputs, tokens = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        documents, learned = np.full(shape, PADDING, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
        given, wanted, numbers = batch.inputs.numpy(), batch.targets.numpy(), batch.documents.numpy()
        for b in range(rows):
            at = 0
            for number in range(int(numbers[b].max()) + 1):
                here = np.flatnonzero(numbers[b] == number)
                here = here[: 1 + int(np.flatnonzero(wanted[b, here] != IGNORE)[-1])]
                begin, end, at = at, at + len(here), at + -(-len(here) // size) * size
                last = wanted[b, here[-1]]
                tokens[b, begin:at] = last
                tokens[b, begin : end - 1] = given[b, here[1:]]
                inputs[b, begin:at] = np.concatenate([given[b, here[:1]], tokens[b, begin : at - 1]])
                documents[b, begin:at], learned[b, begin:at] = number, True
                learned[b, begin:end] = wanted[b, here] != IGNORE
        blocked = (rows, shape[1] // size, size)
        return inputs.reshape(blocked), tokens.reshape(blocked), documents.reshape(blocked), learned.reshape(blocked)

    @staticmethod
    def _hidden(learned: NDArray[np.bool_], noise: Noise) -> tuple[NDArray[np.bool_], Noise]:
        """Which places are hidden, and their weights; of each block with anything to learn 1 to all of that, the blocks of a row taking
        numbers evenly apart.   (B, blocks, K) each"""
        rows, count, size = learned.shape
        among = learned.sum(2)
        has = among > 0
        number = np.cumsum(has, 1) - 1
        share = (noise[1, :, :1] + number / np.maximum(1, has.sum(1, keepdims=True))) % 1.0
        wanted = np.minimum(among, np.floor(share * among).astype(np.int64) + 1)
        order = np.where(learned, noise[0, :, : count * size].reshape(rows, count, size), np.inf)
        hidden = order.argsort(2, kind="stable").argsort(2, kind="stable") < wanted[:, :, None]
        return hidden, hidden * (among / np.maximum(1, wanted))[:, :, None]


def _first_block(documents: Ints) -> Ints:
    """The number of the block in which each block's text begins.   documents: (B, blocks).   Returns (B, blocks)."""
    number = np.broadcast_to(np.arange(documents.shape[1]), documents.shape)
    new = np.ones_like(documents, dtype=np.bool_)
    new[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return np.asarray(np.maximum.accumulate(np.where(new, number, 0), 1))


def _flat(x: NDArray[np.generic]) -> NDArray[np.generic]:
    return x.reshape(len(x), -1)


def bound_results(data: TextData, model: LanguageModel, plan: TrainPlan) -> list[Result]:
    """Bits per byte of held-out text, at most: one draw of what is hidden in each block, always the same. Beside those of `xz`."""
    measured = data.measure(model, plan, measure.AT_THE_END)[""]
    assert isinstance(data.held_out, CorruptedRows)
    clean = data.held_out.packing
    baseline = measure.xz_bits_per_byte(data.train.shards, clean, data.tokenizer, targets=measure.AT_THE_END)
    name = f"{measure.BITS_PER_BYTE.words}, at most"
    return [measure.result(data.suite, measured, seed=plan.seed, baseline=baseline, metric=name)]
