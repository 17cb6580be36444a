"""Drafters that are watched: which of them guessed a token, and what was guessed and thrown away.

While a chain grows under watch, its engine drafts a few tokens in every pass, whether that pays or not. Verification is coupled, so every
text is what it would have been without. Left out: what drafting gains (speculation.py measures it).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.make import made
from onward.generate.drafters.many import Joint, Many
from onward.generate.drafters.tree import Tree
from onward.serve.models import Served
from onward.serve.worker import Worker

MOST = 4
"""Tokens of a draft."""
OFFERED = ("lookup", "layers:1", "int8")
"""What needs no folder of its own."""
_LOCKS: dict[Worker, asyncio.Lock] = defaultdict(asyncio.Lock)
"""An engine has one drafter at a time; who comes second waits."""


@dataclass(frozen=True)
class Guess:
    """At one place of a text.   who: the drafters that guessed what was drawn; none: nobody.   lost: what was guessed there in vain."""

    who: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Draft:
    """A tree that was proposed after `ids`, who proposed each node, and which nodes stood."""

    ids: tuple[int, ...]
    tree: Tree
    who: list[tuple[str, ...]]
    stood: list[int] = field(default_factory=list)


class Watched(Drafter):
    """A drafter that does as `inner` does, and remembers."""

    def __init__(self, inner: Drafter) -> None:
        self.inner, self.name = inner, inner.name
        self._open: dict[int, _Draft] = {}
        self._done: list[_Draft] = []

    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        tree = self.inner.propose(ids, k, aim)
        if len(tree):
            self._open[id(tree)] = _Draft(tuple(ids), tree, self._who(tree))
        return tree

    def observe(self, proposed: Tree, accepted: Sequence[int]) -> None:
        self.inner.observe(proposed, accepted)
        draft = self._open.pop(id(proposed), None)
        if draft is not None:
            draft.stood.extend(accepted)
            self._done.append(draft)

    def forget(self, ids: Sequence[int]) -> None:
        self.inner.forget(ids)

    def _who(self, tree: Tree) -> list[tuple[str, ...]]:
        if not isinstance(tree, Joint) or not isinstance(self.inner, Many):
            return [(self.name,)] * len(tree)
        drafters = self.inner.drafters
        return [
            tuple(sorted(drafters[part.drafter].name for part in tree.parts if node in part.places))
            for node in range(len(tree))
        ]

    def guesses(self, ids: Sequence[int]) -> dict[int, Guess]:
        """What was guessed in a text, by place. Of other texts nothing is said."""
        found: dict[int, Guess] = {}
        for draft in list(self._done):
            if tuple(ids[: len(draft.ids)]) != draft.ids:
                continue
            begin, path = len(draft.ids), draft.stood
            for depth in range(max(draft.tree.depths, default=-1) + 1):
                if depth > len(path):
                    break  # guesses after one that was wrong are about another text
                parent = path[depth - 1] if depth else -1
                here = draft.tree.children(parent)
                stood = path[depth] if depth < len(path) else None
                lost = tuple(draft.tree.tokens[node] for node in here if node != stood)
                if here:
                    found[begin + depth] = Guess(draft.who[stood] if stood is not None else (), lost)
        return found


@asynccontextmanager
async def watching(served: Served, names: Sequence[str]) -> AsyncIterator[Watched | None]:
    """The engine drafts so meanwhile; without names, as it does anyway, and nobody watches.   Raises PlanError."""
    if not names:
        yield None
        return
    engine, worker = served.model.engine, served.worker
    async with _LOCKS[worker]:
        before = engine.speculation

        def begin() -> Watched:
            drafter = Watched(made(engine, names))
            engine.draft(drafter, most=MOST, fixed=True)
            return drafter

        def end() -> None:
            engine.speculation = before

        watched = await asyncio.wrap_future(worker.do(begin))
        try:
            yield watched
        finally:
            worker.do(end)
