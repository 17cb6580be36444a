"""Bits per byte of held-out documents, for any model that Onward opens: one measure for all sides of a comparison.

A document of n tokens has n + 1 targets, its tokens and then the boundary that ends it, cut into pieces of at most `length`; a piece sees
nothing of another. Its end costs bits and counts no byte. All models have the same tokens, pieces and bytes.

What comes before the first target of a piece in the middle of a document can be read in two ways: the token before it, as a model knows it
that was trained on a stream; or the boundary, as in Onward's rows. Each model is measured in both ways, on everything, and the better
counts, for all alike. Where a piece begins a document, both are the boundary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train.measure import byte_lengths
from onward.train.packing import IGNORE, shuffled
from onward.train.shards import Shards

WAYS = ("token before", "boundary")
AT_ONCE = 8192
"""Tokens in one pass."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Pieces of held-out documents. documents: (N,) whose they are.   firsts: (N,) what precedes each, in both ways.
    targets: (N, length) int64, -100 where a piece has ended.   sizes: (documents,) bytes of the targets."""

    documents: NDArray[np.int64]
    firsts: dict[str, NDArray[np.int64]]
    targets: NDArray[np.int64]
    sizes: Floats


def pieces(shards: Shards, tokenizer: Tokenizer, length: int, most_targets: int) -> HeldOut:
    """About `most_targets` targets, or all; always the same, and taken from all the documents alike."""
    boundary = tokenizer.bos_id
    assert boundary is not None
    found = [(i, at) for i in range(shards.documents) for at in range(0, int(shards.lengths[i]) + 1, length)]
    order = shuffled(len(found), seed=0, epoch=0)[: max(1, most_targets // length)]
    targets = np.full((len(order), length), IGNORE, dtype=np.int64)
    before = np.full(len(order), boundary, dtype=np.int64)
    for row, number in enumerate(order):
        i, at = found[number]
        whole = np.append(shards.document(i).astype(np.int64), boundary)
        piece = whole[at : at + length]
        targets[row, : len(piece)] = piece
        before[row] = whole[at - 1] if at else boundary
    documents = np.array([found[number][0] for number in order])
    bytes_of = np.append(byte_lengths(tokenizer, tokenizer.highest_id + 1).numpy(), 0)  # the last one is IGNORE's
    sizes = np.zeros(shards.documents)
    np.add.at(sizes, documents, bytes_of[np.where(targets == IGNORE, -1, targets)].sum(1))
    firsts = {"token before": before, "boundary": np.full_like(before, boundary)}
    return HeldOut(documents=documents, firsts=firsts, targets=targets, sizes=sizes)


@torch.inference_mode()
def bits(model: LanguageModel, held_out: HeldOut, way: str) -> Floats:
    """Bits that the model needs for each document's targets, (documents,). In float32."""
    found = np.zeros(len(held_out.sizes))
    device = next(model.parameters()).device
    at_once = max(1, AT_ONCE // held_out.targets.shape[1])
    for first in range(0, len(held_out.targets), at_once):
        here = slice(first, first + at_once)
        targets = torch.from_numpy(held_out.targets[here]).to(device)
        before = torch.from_numpy(held_out.firsts[way][here]).to(device)
        inputs = torch.cat([before[:, None], targets[:, :-1]], 1)
        inputs = inputs.where(inputs != IGNORE, 0)  # after a piece's end, where nothing is asked
        nats = F.cross_entropy(model(inputs).float().transpose(1, 2), targets, ignore_index=IGNORE, reduction="none")
        np.add.at(found, held_out.documents[here], nats.sum(1).double().cpu().numpy() / math.log(2))
    return found


def measure(place: Path, held_out: HeldOut, device: str) -> tuple[str, Floats]:
    """The better way of the model in a folder, and its bits."""
    model = folder.load(place, dtype=torch.float32, device=device).eval()
    both = {way: bits(model, held_out, way) for way in WAYS}
    return min(both.items(), key=lambda item: item[1].sum())
