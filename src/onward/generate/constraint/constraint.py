"""Constrained output, token by token: which tokens may come next, and what is true after one of them.

A token is allowed where its bytes keep the text on a way to an end. As every character that may come can also be written by tokens of its
own (vocabulary.py sees to that), there is always a next token until the text has ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onward.errors import PlanError
from onward.generate.constraint.machine import Machine
from onward.generate.constraint.machine import State as MachineState
from onward.generate.constraint.vocabulary import Trie, Vocabulary
from onward.tokens.tokenizer import Tokenizer

State = Hashable

CACHE_BYTES = 32 * 2**20
"""Masks that are kept: a byte for each token of the vocabulary."""


class Constraint(Protocol):
    """Which tokens may follow. States are values: what is true of a text, however it came to be written; nothing here changes them.

    V is the tokeniser's highest id + 1. A model may have more rows of logits than that; none of those beyond is ever allowed.
    """

    start: State

    def allowed(self, state: State) -> NDArray[np.bool_]:
        """(V,) whether each token may come next, for reading only. Ids that end a text are allowed exactly where `may_end`; something is
        always allowed."""

    def after(self, state: State, token: int) -> State | None:
        """The state after one more token; None where it was not allowed. An id that ends the text leaves the state as it is."""

    def may_end(self, state: State) -> bool:
        """Whether the text so far is complete."""


class TokenConstraint:
    """The constraint of a machine over bytes, for a tokeniser.

    ends: ids that end a text, besides those that the tokeniser knows. Raises PlanError where there are none at all.
    """

    def __init__(self, machine: Machine, tokenizer: Tokenizer, ends: Iterable[int] = ()) -> None:
        self._machine = machine
        self._vocabulary = Vocabulary.of(tokenizer)
        self._ends = sorted({id for id in (*tokenizer.eos_ids, *ends) if 0 <= id < self._vocabulary.size})
        if not self._ends:
            raise PlanError(
                "this tokeniser names no token that ends a text, so that constrained output could never end. Set `eos_token` in its "
                "tokenizer_config.json."
            )
        # The empty state stands for the start where decoding drops a blank there: tokens say something else only once.
        self.start: State = () if self._vocabulary.opening else machine.start
        self._masks: OrderedDict[State, NDArray[np.bool_]] = OrderedDict()
        self._most = max(16, CACHE_BYTES // self._vocabulary.size)

    def allowed(self, state: State) -> NDArray[np.bool_]:
        if state in self._masks:
            self._masks.move_to_end(state)
            return self._masks[state]
        mask = self._mask(state)
        mask.setflags(write=False)
        self._masks[state] = mask
        if len(self._masks) > self._most:
            self._masks.popitem(last=False)
        return mask

    def after(self, state: State, token: int) -> State | None:
        if token in self._ends:
            return state if self.may_end(state) else None
        text = self._vocabulary.texts[token] if 0 <= token < self._vocabulary.size else b""
        if not text:
            return None
        if state == ():
            text = text.removeprefix(b" ")
        number = self._machine.number(self._plain(state))
        for byte in text:
            number = self._machine.step(number, byte)
        return self._machine.states[number] if number else None

    def may_end(self, state: State) -> bool:
        return self._machine.may_end(self._plain(state))

    def _plain(self, state: State) -> MachineState:
        """The machine's own state."""
        assert isinstance(state, tuple)
        return state or self._machine.start

    def _mask(self, state: State) -> NDArray[np.bool_]:
        opening = self._vocabulary.opening if state == () else None
        trie = opening or self._vocabulary.trie
        self._machine.tidy()
        reached = _walk(self._machine, trie, self._machine.number(self._plain(state)))
        mask = np.zeros(self._vocabulary.size, np.bool_)
        mask[trie.numbers] = reached[trie.ends] > 0
        if opening:
            mask[[id for id, text in enumerate(self._vocabulary.texts) if text == b" "]] = True
        mask[self._ends] = self.may_end(state)
        return mask


def _walk(machine: Machine, trie: Trie, start: int) -> NDArray[np.int32]:
    """The machine's state at each node of a trie, from a state at the root; 0 where there is none.   (trie.size,)"""
    reached = np.zeros(trie.size, np.int32)
    reached[0] = start
    first = 1
    for parents, byte in trie.levels:
        here = reached[parents]
        alive = np.flatnonzero(here)
        if not len(alive):
            break
        reached[first + alive] = machine.follow(here[alive], byte[alive])
        first += len(parents)
    return reached
