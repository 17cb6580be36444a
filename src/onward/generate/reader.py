"""The reader: passes of a model over new tokens of several sequences, with what was read before in pages.

The one primitive of carrying texts on: reading a prompt is many new tokens, saying something is one, verifying a draft is one and a tree.
Compiled code (native/) reads all, where there is any: it sums in one order whatever else is read in the pass, so that to the last bit a
text does not depend on its company. Else, and with adapters, torch reads. Left out: who takes part (schedule.py), and what is done
with the scores (engine.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from onward.generate.drafters.tree import Tree
from onward.generate.native.step import Native
from onward.generate.pages import Pages, Table, View
from onward.generate.settings import Weights
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel


@dataclass(frozen=True)
class News:
    """What of a sequence is to be read.   ids: all of its tokens.   tokens: so many of those not read yet.   tree: what follows those, as
    if it had been said.   every: whether the scores after every token are wanted, and not after the last alone."""

    table: Table
    ids: Sequence[int]
    tokens: int
    tree: Tree = field(default_factory=Tree.nothing)
    every: bool = False

    @property
    def wanted(self) -> range:
        """Of the new tokens, those whose scores are wanted."""
        return range(0 if self.every else self.tokens - 1, self.rows)

    @property
    def rows(self) -> int:
        return self.tokens + len(self.tree)

    @property
    def new(self) -> list[int]:
        return [*self.ids[self.table.length : self.table.length + self.tokens], *self.tree.tokens]


@dataclass(frozen=True)
class Read:
    """What follows the tokens of each sequence of which it is wanted: R rows in all, one sequence after the other.

    logits: (R, V).   hidden: (R, width), what they come from, after the final norm.
    """

    logits: Tensor
    hidden: Tensor


class Reader:
    """use: called with a table's adapter before each pass of torch, where there are adapters.   weights: of compiled code, which reads
    what has no adapter; None: torch reads all.   Raises NativeError."""

    def __init__(
        self, model: LanguageModel, blocks: int, use: Callable[[str | None], None], weights: Weights | None
    ) -> None:
        self.model, self.use, self.weights, self.blocks = model.eval(), use, weights, blocks
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype
        self.forget()

    def forget(self) -> None:
        """Begin with an empty cache and, where there is a compiled copy, with a new one, as after the model has changed."""
        self.pages = Pages(self.model.config, self.blocks, dtype=self.dtype, device=self.device)
        self.native = None if self.weights is None else Native.of(self.model, self.weights)

    def read(self, news: Sequence[News]) -> Read:
        """Take blocks, read, and count as read.   Raises NoRoomError."""
        for one in news:
            one.table.reserve(one.rows)
        read = self.look(news)
        for one in news:
            one.table.read(one.ids, one.tokens)
        return read

    def look(self, news: Sequence[News]) -> Read:
        """Read what there are blocks for, all of the same adapter. The tables count it as not read: whoever called says what of it
        stays."""
        if self.native is not None and news[0].table.adapter is None:
            return self._natively(self.native, news)
        hidden = self.hidden(news)
        rows = [(row, at) for row, one in enumerate(news) for at in one.wanted]
        row, at = torch.tensor(rows, device=self.device).T
        last = hidden[row, at]
        return Read(self.model.logits(last), last)

    def hidden(self, news: Sequence[News]) -> Tensor:
        """The trunk's states at all new tokens, after the final norm.   Returns (B, T, width), padded at the right."""
        self.use(news[0].table.adapter)
        width = max(one.rows for one in news)
        ids = torch.tensor([one.new + [0] * (width - one.rows) for one in news], device=self.device)
        view = View(self.pages, [one.table for one in news], [one.rows for one in news])
        if all(one.tree.is_chain for one in news):
            return self.model.hidden(ids, cache=view)
        positions = torch.tensor([_places(one, width) for one in news], device=self.device) + view.lengths[:, None]
        seen = torch.from_numpy(np.stack([_seen(one, width) for one in news])).to(self.device)
        return self.model.hidden(ids, positions, Mask.branches(view.lengths, seen), view)

    def _natively(self, native: Native, news: Sequence[News]) -> Read:
        longest = max(len(one.table.blocks) for one in news)
        begins = list(accumulate((one.rows for one in news), initial=0))
        rows = torch.tensor([one.table.row(longest) for one in news], dtype=torch.int32)
        rows = rows.repeat_interleave(torch.tensor([one.rows for one in news]), 0) if len(news) < begins[-1] else rows
        scored = [begin + at for one, begin in zip(news, begins, strict=False) for at in one.wanted]
        return Read(
            *native.step(
                torch.tensor([id for one in news for id in one.new]),
                torch.tensor([one.table.length + at for one in news for at in range(one.rows)]),
                rows,
                self.pages.keys,
                self.pages.values,
                unseen=torch.tensor([bits for one in news for bits in [*[0] * one.tokens, *one.tree.unseen]]),
                scored=torch.tensor(scored),
            )
        )


def _places(one: News, width: int) -> list[int]:
    """How far behind the table's end each new token stands in its text, padded with 0."""
    nodes = [one.tokens + depth for depth in one.tree.depths]
    return [*range(one.tokens), *nodes, *[0] * (width - one.rows)]


def _seen(one: News, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which new token (row) sees which (column).   (width, width)"""
    seen = np.zeros((width, width), np.bool_)
    seen[: one.rows, : one.tokens] = np.tri(one.rows, one.tokens, dtype=np.bool_)
    seen[one.tokens : one.rows, one.tokens : one.rows] = one.tree.mask
    return seen
