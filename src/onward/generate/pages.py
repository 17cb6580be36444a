"""Pages: the key-value cache of all sequences, in blocks of 16 tokens, which sequences that begin alike share.

A sequence has a table of blocks; its token t lies in block t // BLOCK of the table, at place t % BLOCK. A full block is known by the hash
of its tokens and of the block before it, so whoever comes with the same beginning finds it computed already. What nobody uses any more
stays until its room is wanted, the longest unused first. Sources: Kwon et al. 2023 (arXiv 2309.06180), sections 4.1 to 4.4, and vLLM's
prefix cache. Left out: moving blocks to other memory, and who may run when there is no room (schedule.py).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence

import torch
from torch import Tensor

from onward.errors import OnwardError
from onward.model.config import TrunkConfig

BLOCK = 16
"""Tokens."""
FIRST = 64
"""Blocks that there is memory for at the beginning; it doubles as it is wanted, up to the limit."""
EMPTY = 0
"""The block that no sequence has: all zeros, read where a table is shorter than others beside it."""


class NoRoomError(OnwardError):
    """All blocks are in use."""


class Pages:
    """The blocks. keys, values: (depth, blocks, kv_heads, BLOCK, head_size).   limit: blocks at most.

    In memory, of a block's keys the first numbers stand together, then the second ones, so that all scores of a block come at once.
    """

    def __init__(self, config: TrunkConfig, limit: int, *, dtype: torch.dtype, device: torch.device) -> None:
        self.limit = limit
        self.window = config.window if all(map(config.windowed, range(config.depth))) else None
        self.values = torch.zeros(config.depth, 0, config.kv_heads, BLOCK, config.head_size, dtype=dtype, device=device)
        self.keys = self.values
        self.users: list[int] = []
        self._free: list[int] = []
        self._idle: dict[int, None] = {}  # unused blocks whose content is known, the longest unused first
        self._block_of: dict[bytes, int] = {}
        self._name_of: dict[int, bytes] = {}
        self._grow()
        self.users[self._free.pop()] = 1  # the empty one

    @property
    def available(self) -> int:
        """Blocks that can still be taken."""
        return len(self._free) + len(self._idle) + self.limit + 1 - len(self.users)

    @property
    def used(self) -> int:
        """Blocks that sequences have."""
        return self.limit - self.available

    def _grow(self) -> None:
        """Room for as many blocks again. The lowest numbers are taken first."""
        before = len(self.users)
        now = min(max(FIRST, 2 * before), self.limit + 1)
        depth, _, heads, _, size = self.values.shape
        keys = self.keys.new_zeros(depth, now, heads, size, BLOCK).transpose(3, 4)
        values = self.values.new_zeros(depth, now, heads, BLOCK, size)
        keys[:, :before], values[:, :before] = self.keys, self.values
        self.keys, self.values = keys, values
        self.users += [0] * (now - before)
        self._free = [*reversed(range(before, now)), *self._free]

    def take(self) -> int:
        """A block of one's own.   Raises NoRoomError."""
        if not self._free and len(self.users) <= self.limit:
            self._grow()
        if self._free:
            block = self._free.pop()
        elif self._idle:
            block = next(iter(self._idle))
            del self._idle[block]
            self._forget(block)
        else:
            raise NoRoomError(f"all {self.limit:,} blocks of the key-value cache are in use")
        self.users[block] = 1
        self.keys[:, block] = (
            0  # where it is only masked, what is no number would still spoil a sum: 0 times it is none either
        )
        self.values[:, block] = 0
        return block

    def share(self, block: int) -> None:
        self._idle.pop(block, None)
        self.users[block] += 1

    def give_back(self, block: int, *, spoilt: bool = False) -> None:
        """spoilt: nobody is to find it."""
        self.users[block] -= 1
        if spoilt:
            self._forget(block)
        if self.users[block]:
            return
        if block in self._name_of:
            self._idle[block] = None
        else:
            self._free.append(block)

    def own(self, block: int) -> int:
        """A block of the same content that nobody else has or can find, to write on: the same one if it is so.   Raises NoRoomError."""
        if self.users[block] == 1 and block not in self._name_of:
            return block
        new = self.take()
        self.keys[:, new], self.values[:, new] = self.keys[:, block], self.values[:, block]
        self.give_back(block)
        return new

    def find(self, name: bytes) -> int | None:
        """The block of this name, if it is still there."""
        return self._block_of.get(name)

    def name(self, block: int, name: bytes) -> None:
        """Say what a full block holds; where another one holds the same already, that one keeps the name."""
        if name not in self._block_of:
            self._block_of[name], self._name_of[block] = block, name

    def _forget(self, block: int) -> None:
        name = self._name_of.pop(block, None)
        if name is not None:
            del self._block_of[name]


def names(ids: Sequence[int], adapter: str | None, known: Sequence[bytes] = ()) -> list[bytes]:
    """What full blocks of these tokens are called: a hash of each block and of the name of the one before it.   known: the first ones."""
    found = list(known)
    for first in range(BLOCK * len(found), len(ids) - len(ids) % BLOCK, BLOCK):
        before = found[-1] if found else (adapter or "").encode()
        block = array("q", ids[first : first + BLOCK]).tobytes()
        found.append(hashlib.blake2b(before + block, digest_size=16).digest())
    return found


class Table:
    """The blocks of one sequence, of which `length` tokens have been read."""

    def __init__(self, pages: Pages, adapter: str | None) -> None:
        self.pages, self.adapter = pages, adapter
        self.blocks: list[int] = []
        self.length = 0
        self._names: list[bytes] = []  # of the blocks that are full

    def adopt(self, ids: Sequence[int]) -> int:
        """Share what is known of the beginning of these tokens, but never all of it: the last token has to be read, for what follows it.
        Returns how many tokens that saved."""
        for name in names(ids[: len(ids) - 1], self.adapter):
            block = self.pages.find(name)
            if block is None:
                break
            self.pages.share(block)
            self.blocks.append(block)
            self._names.append(name)
        self.length = len(self.blocks) * BLOCK
        return self.length

    def wanted(self, tokens: int) -> int:
        """Blocks that are lacking for so many tokens more."""
        return max(0, -(-(self.length + tokens) // BLOCK) - len(self.blocks))

    def reserve(self, tokens: int) -> None:
        """See that there is room for so many tokens more.   Raises NoRoomError, and then nothing was taken."""
        wanted = self.wanted(tokens)
        if wanted > self.pages.available:
            raise NoRoomError(f"{wanted:,} blocks are wanted, and {self.pages.available:,} are left")
        self.blocks += [self.pages.take() for _ in range(wanted)]

    def gather(self, places: Sequence[int]) -> None:
        """Of tokens in the slots after those that were read, these, counted from there, move together: the others were drafts."""
        if list(places) == list(range(len(places))):
            return
        blocks, begin = torch.tensor(self.blocks), self.length
        source, target = torch.tensor(places) + begin, torch.arange(len(places)) + begin
        for cells in (self.pages.keys, self.pages.values):
            moved = cells[:, blocks[source // BLOCK], :, source % BLOCK]
            cells[:, blocks[target // BLOCK], :, target % BLOCK] = moved

    def read(self, ids: Sequence[int], tokens: int) -> None:
        """So many further ones of the sequence's tokens `ids` have been read."""
        self.length += tokens
        if self.length // BLOCK > (named := len(self._names)):
            self._names = names(ids[: self.length], self.adapter, self._names)
            for place in range(named, len(self._names)):
                self.pages.name(self.blocks[place], self._names[place])
        if self.pages.window is not None:
            # A block more than is looked at stays, since a drafter takes a few tokens back.
            self._leave_behind(self.length - self.pages.window - BLOCK)

    def _leave_behind(self, tokens: int) -> None:
        """Give back what no later token will look at: every layer looks through a window."""
        for place in reversed(range(tokens // BLOCK)):
            if self.blocks[place] == EMPTY:  # and so are all before it
                break
            self.pages.give_back(self.blocks[place])
            self.blocks[place] = EMPTY

    def fork(self) -> Table:
        """Another sequence that begins as this one does so far. Both go on as they like.   Raises NoRoomError."""
        other = Table(self.pages, self.adapter)
        kept = -(-self.length // BLOCK)
        for block in self.blocks[:kept]:
            if block != EMPTY:
                self.pages.share(block)
        other.blocks, other.length, other._names = self.blocks[:kept], self.length, list(self._names)
        other.truncate(self.length)
        return other

    def truncate(self, length: int) -> None:
        """Forget all but the first `length` tokens. Nobody who shares them sees what is written after them now."""
        self.length = min(self.length, length)
        self._drop(-(-self.length // BLOCK))
        if self.length % BLOCK:
            self.blocks[-1] = self.pages.own(self.blocks[-1])
        del self._names[self.length // BLOCK :]

    def row(self, most: int) -> list[int]:
        """The first `most` blocks, filled up with the empty one."""
        return self.blocks[:most] + [EMPTY] * (most - len(self.blocks))

    def release(self, *, spoilt: bool = False) -> None:
        """Give everything back.   spoilt: it holds what is no number."""
        self.length = 0
        self._names.clear()
        self._drop(0, spoilt=spoilt)

    def _drop(self, kept: int, *, spoilt: bool = False) -> None:
        for block in reversed(self.blocks[kept:]):
            if block != EMPTY:
                self.pages.give_back(block, spoilt=spoilt)
        del self.blocks[kept:]


class View:
    """The pages as the trunk sees them in one pass over new tokens of several sequences (the trunk's `Cache`).

    news: new tokens of each sequence, at the left of its row; what is beside them in the row is padding, and is not written.
    """

    def __init__(self, pages: Pages, tables: Sequence[Table], news: Sequence[int]) -> None:
        self.pages = pages
        device = pages.keys.device
        most = max(-(-(table.length + new) // BLOCK) for table, new in zip(tables, news, strict=True))
        self.tables = torch.tensor([table.row(most) for table in tables], device=device)
        self.lengths = torch.tensor([table.length for table in tables], device=device)
        self._written = torch.arange(max(news), device=device)[None] < torch.tensor(news, device=device)[:, None]
        slots = self.slots(max(news))
        self._places = (slots % BLOCK)[self._written]
        self._blocks = self.tables.gather(1, (slots // BLOCK).clamp(max=most - 1))[self._written]

    def slots(self, tokens: int) -> Tensor:
        return self.lengths[:, None] + torch.arange(tokens, device=self.lengths.device)

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return self._put(self.pages.keys[layer], k), self._put(self.pages.values[layer], v)

    def _put(self, kept: Tensor, new: Tensor) -> Tensor:
        """Write (B, kv_heads, T, head_size) into blocks, and read all of the tables: (B, kv_heads, S, head_size)."""
        kept[self._blocks, :, self._places] = new.transpose(1, 2)[self._written].to(kept.dtype)
        return kept.transpose(0, 1)[:, self.tables].flatten(2, 3).transpose(0, 1).to(new.dtype)

    def advance(self, tokens: int) -> None:
        """The tables note themselves what was read."""
