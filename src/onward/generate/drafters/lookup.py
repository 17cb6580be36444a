"""Prompt lookup: what followed the last words when they stood in this text before, follows again.

Good for summaries, code and all that copies from its prompt (Saxena 2023, "Prompt Lookup Decoding"; Yang et al. 2023, arXiv 2304.04487). An
index of n-grams grows with each text, so a step costs what is new and not the whole text. Left out: other texts than the one at hand
(datastore.py), and matches longer than `longest`, which choose between places that agree on so much already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree, merge


class Lookup(Drafter):
    """Finds the longest end of the text, of `shortest` to `longest` tokens, that occurred earlier in it, and proposes what followed.

    branches: earlier places at most, the latest first; where they go on differently, the tree branches.
    texts: indexes kept at once; the one longest out of use goes first, and is made again where it is needed.
    """

    name = "lookup"

    def __init__(self, shortest: int = 2, longest: int = 8, branches: int = 4, texts: int = 64) -> None:
        if not (1 <= shortest <= longest and branches >= 1 and texts >= 1):
            raise PlanError(
                f"lookup of {shortest} to {longest} tokens, {branches} branches, {texts} texts: each at least 1, shortest first."
            )
        self.shortest, self.longest, self.branches, self.texts = shortest, longest, branches, texts
        self._indexes: list[_Index] = []

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        del aim  # nothing is drawn here
        if k < 1 or not ids:
            return Tree([], [])
        index = self._index(ids if isinstance(ids, list) else list(ids))
        found = [Tree.chain(index.ids[place : place + k]) for place in index.places(self.branches)]
        return merge(found, k)[0]

    def forget(self, ids: Sequence[int]) -> None:
        gone = list(ids)
        self._indexes = [index for index in self._indexes if index.ids[: len(gone)] != gone[: len(index.ids)]]

    def _index(self, ids: list[int]) -> _Index:
        """The index of a text: the longest one of a beginning of it, carried on, or a new one."""
        fit = [index for index in self._indexes if index.begins(ids)]
        index = max(fit, key=lambda index: len(index.ids)) if fit else _Index(self.shortest, self.longest)
        self._indexes = [*(one for one in self._indexes if one is not index), index][-self.texts :]
        index.extend(ids[len(index.ids) :])
        return index


class _Index:
    """The n-grams of a text, each with the places right after it."""

    def __init__(self, shortest: int, longest: int) -> None:
        self.sizes = range(shortest, longest + 1)
        self.ids: list[int] = []
        self._after: dict[tuple[int, ...], list[int]] = {}

    def begins(self, ids: list[int]) -> bool:
        """Whether this is the index of a beginning of `ids`. The last token is looked at first: it tells most texts apart."""
        size = len(self.ids)
        return size <= len(ids) and self.ids[-1] == ids[size - 1] and self.ids == ids[:size]

    def extend(self, new: list[int]) -> None:
        begin = len(self.ids)
        self.ids += new
        for end in range(begin + 1, len(self.ids) + 1):
            for size in self.sizes:
                if size > end:
                    break
                self._after.setdefault(tuple(self.ids[end - size : end]), []).append(end)

    def places(self, most: int) -> list[int]:
        """Where what follows the text may be read: after the longest end of it that occurred earlier, the latest place first."""
        for size in reversed(self.sizes):
            if size < len(self.ids):
                # The last place is the end of the text itself.
                found = list(islice(reversed(self._after[tuple(self.ids[-size:])]), 1, most + 1))
                if found:
                    return found
        return []
