"""Schedule: which sequences take part in the next pass, and how many tokens of each.

A pass either reads prompts, a chunk of tokens in all, or draws one token for everybody who can; where there is work of both kinds they take
turns, so that no long prompt holds up those who are talking (Agrawal et al. 2024, arXiv 2403.02310, section 4). Who comes is admitted in
the order of arrival, clients in turn, as long as there are places and blocks. Where blocks run out, whoever came last gives theirs up, and
reads everything again later (Kwon et al. 2023, arXiv 2309.06180, section 4.5). Adapters take turns, since a pass has only one.
Left out: the pass itself (engine.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from onward.generate.pages import NoRoomError, Pages
from onward.generate.run import Run

LOOKED_AT = 512
"""Waiting requests of a client that are looked at for one that may begin."""


@dataclass
class Schedule:
    """at_once: sequences that run together.   chunk: tokens of prompts that are read in one pass."""

    pages: Pages
    at_once: int
    chunk: int
    running: list[Run] = field(default_factory=list)
    """In the order in which they were admitted."""
    _waiting: dict[str, deque[Run]] = field(default_factory=dict)
    """By client; the one whose turn it is comes first."""
    _read_last: bool = False
    _adapters: list[str | None] = field(default_factory=list)
    """The one that was served last comes last."""

    def add(self, run: Run) -> None:
        self._waiting.setdefault(run.request.client, deque()).append(run)

    def remove(self, run: Run) -> None:
        """It has ended, or is not wanted any more."""
        if run in self.running:
            self.running.remove(run)
        elif (queue := self._waiting.get(run.request.client)) is not None and run in queue:
            queue.remove(run)
            self._without_empty()

    def next(self) -> list[tuple[Run, int]]:
        """Those who take part in the next pass, with blocks for so many new tokens.   Empty: nobody of those whose turn it is can.

        A sequence that does not fit even when it is alone has failed.
        """
        self._admit()
        group = self._turn()
        readers = [run for run in group if not run.draws]
        talkers = [run for run in group if run.draws]
        self._read_last = bool(readers) and not (talkers and self._read_last)
        return self._with_blocks(readers if self._read_last else talkers)

    # --- who is admitted ----------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        coming = {name for run in self.running if not run.drawn for name in run.names}
        while len(self.running) < self.at_once and (run := self._first(coming)) is not None:
            self._waiting[run.request.client].remove(run)
            self._waiting[run.request.client] = self._waiting.pop(run.request.client)  # its next turn comes last
            self._without_empty()
            self.running.append(run)
            coming.update(run.names)
            if not run.table.length:
                run.cached = max(run.cached, run.table.adopt(run.all_ids))

    def _first(self, coming: set[bytes]) -> Run | None:
        """The first that may begin: whose beginning is not just being read for another, who then shares it; and who has room.

        coming: names of the blocks that are being read.
        """
        for queue in self._waiting.values():
            for run in islice(queue, LOOKED_AT):
                lacking = next((name for name in run.names if self.pages.find(name) is None), None)
                if lacking in coming and lacking is not None:
                    continue
                fits = run.table.wanted(min(run.pending, self.chunk)) + len(self.running) <= self.pages.available
                return run if fits or not self.running else None
        return None

    def _without_empty(self) -> None:
        self._waiting = {client: queue for client, queue in self._waiting.items() if queue}

    # --- who takes part -----------------------------------------------------------------------------------------------

    def _turn(self) -> list[Run]:
        """Those with the adapter that has waited longest."""
        there = dict.fromkeys(run.request.adapter for run in self.running)
        self._adapters = [one for one in self._adapters if one in there]
        self._adapters += [one for one in there if one not in self._adapters]
        if not self._adapters:
            return []
        self._adapters.append(turn := self._adapters.pop(0))
        return [run for run in self.running if run.request.adapter == turn]

    def _with_blocks(self, wanted: list[Run]) -> list[tuple[Run, int]]:
        found, left = list[tuple[Run, int]](), self.chunk
        for run in wanted:
            tokens = min(run.pending, left)
            if run not in self.running or not tokens:  # given up for one before it, or a later pass's
                continue
            if self._reserve(run, tokens, {id(one) for one, _ in found}):
                found.append((run, tokens))
                left -= 0 if run.draws else tokens
        return found

    def _reserve(self, run: Run, tokens: int, kept: set[int]) -> bool:
        """Blocks for it, if need be of those who came later."""
        while True:
            try:
                run.table.reserve(tokens)
            except NoRoomError as error:
                later = next(self._later(run, kept), None)
                if later is None:
                    if not any(one.table.blocks for one in self.running if one is not run):
                        run.fail(f"its {len(run.all_ids):,} tokens do not fit into the key-value cache: {error}.")
                        run.table.release()
                        self.remove(run)
                    return False
                self._give_up(later)
            else:
                return True

    def _later(self, run: Run, kept: set[int]) -> Iterator[Run]:
        """Whoever came after it and does not take part, the last one first."""
        after = self.running[self.running.index(run) + 1 :]
        return (one for one in reversed(after) if id(one) not in kept and one.table.blocks)

    def _give_up(self, run: Run) -> None:
        run.table.release()
        self.running.remove(run)
        self._waiting.setdefault(run.request.client, deque()).appendleft(run)
