"""Running rules that call each other: from a state and a byte to the next state.

A state is what can be true of the text so far: a few stacks, each a tuple of nodes, outermost rule first. Where alternatives begin alike
there are several stacks; nodes are numbered over all rules. No stack is ever kept from which the text cannot be ended, so no state is a
dead end.

Two bounds keep states small, and both only narrow what may be written: rules nest DEEPEST deep at most, and of more than MOST_STACKS
stacks the first are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np
from numpy.typing import NDArray

from onward.errors import PlanError
from onward.generate.constraint.automaton import Automaton, kinds_of

DEEPEST = 64
"""Stacked rules. A list within a list takes one; Python's own reader of JSON gives up at about 1,000."""
MOST_STACKS = 1_000
"""Alternatives that a text may be in at once."""
MOST_KNOWN = 50_000
"""States that are remembered with all that follows them, a row of numbers each."""

Stack = tuple[int, ...]
State = tuple[Stack, ...]

_NEVER = 10**6


class Machine:
    """Rules by name; the text is what the first of them allows.

    Raises PlanError where that is no text at all, and where a rule calls itself before it writes anything.
    """

    def __init__(self, rules: Mapping[str, Automaton]) -> None:
        first = dict(zip(rules, np.cumsum([0, *(len(rule.final) for rule in rules.values())]).tolist(), strict=False))
        self._first = first
        self._final = [final for rule in rules.values() for final in rule.final]
        self._calls = [
            [(first[called], first[name] + after) for called, after in calls]
            for name, rule in rules.items()
            for calls in rule.calls
        ]
        step = np.concatenate([np.where(rule.step < 0, -1, rule.step + first[name]) for name, rule in rules.items()])
        self._height = _heights(step, self._calls, self._final)
        if self._height[0] > DEEPEST:
            raise PlanError(
                f"{self._blamed(rules)} allows no text at all, or none that this tokeniser can write, or nests without end. Loosen "
                "what contradicts itself."
            )
        _refuse_left_recursion(self._calls, first)
        self._kind, examples = kinds_of(step)
        """(256,) the kind of each byte; bytes of one kind always lead to the same."""
        self._step: list[list[int]] = step[:, examples].tolist()
        self._moves = [any(target >= 0 for target in row) for row in self._step]
        self.start = self._settled([(0,)])
        self._forget()

    def _blamed(self, rules: Mapping[str, Automaton]) -> str:
        """A rule that allows nothing, though all that it calls does allow something; else the first."""
        dead = {name for name in rules if self._height[self._first[name]] > DEEPEST}
        own = [
            n for n in rules if n in dead and dead.isdisjoint(called for calls in rules[n].calls for called, _ in calls)
        ]
        return next(iter(own or rules))

    def _forget(self) -> None:
        """Begin the numbering of states anew. Number 0 is no state: whatever follows from there is 0 too."""
        self.states: list[State] = [()]
        self._number: dict[State, int] = {(): 0}
        self._table = np.zeros((64, len(self._step[0])), np.int32)
        """(states, kinds) the number of the state that follows; only rows that are known mean anything."""
        self._known = np.zeros(64, bool)
        self._known[0] = True

    def number(self, state: State) -> int:
        """The number of a state. Numbers are good until `tidy` is called."""
        if state not in self._number:
            self._number[state] = len(self.states)
            self.states.append(state)
            if len(self.states) > len(self._table):
                self._table = np.concatenate([self._table, np.zeros_like(self._table)])
                self._known = np.concatenate([self._known, np.zeros_like(self._known)])
        return self._number[state]

    def tidy(self) -> None:
        """Forget all numbers where there are too many."""
        if len(self.states) > MOST_KNOWN:
            self._forget()

    def follow(self, numbers: NDArray[np.int32], byte: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The numbers of the states after one more byte each; 0 where it may not come.   All (N,)."""
        wanted = np.zeros(len(self._known), bool)
        wanted[numbers] = True
        for number in np.flatnonzero(wanted & ~self._known).tolist():
            self._know(number)
        return self._table.take(numbers * np.int32(self._table.shape[1]) + self._kind[byte])

    def step(self, number: int, byte: int) -> int:
        """The same for one."""
        if not self._known[number]:
            self._know(number)
        return int(self._table[number, self._kind[byte]])

    def _know(self, number: int) -> None:
        """Fill the row of a state."""
        row = [self.number(state) for state in self._after_each(self.states[number])]
        self._table[number], self._known[number] = row, True

    def may_end(self, state: State) -> bool:
        return any(len(stack) == 1 and self._final[stack[0]] for stack in state)

    def _after_each(self, state: State) -> list[State]:
        """The states after each kind of byte."""
        found: dict[tuple[int, ...], State] = {}
        follow = []
        for nodes in zip(*(self._step[stack[-1]] for stack in state), strict=True):
            if nodes not in found:
                found[nodes] = self._settled(
                    (*stack[:-1], node) for stack, node in zip(state, nodes, strict=True) if node >= 0
                )
            follow.append(found[nodes])
        return follow

    def _settled(self, stacks: Iterable[Stack]) -> State:
        """Where a byte can come or the text can end, after all calls and returns that need no byte."""
        todo, seen, kept = list(stacks), set[Stack](), []
        while todo:
            stack = todo.pop()
            node = stack[-1]
            if stack in seen or len(stack) + self._height[node] > DEEPEST:
                continue
            seen.add(stack)
            if self._moves[node] or (self._final[node] and len(stack) == 1):
                kept.append(stack)
            if self._final[node] and len(stack) > 1:
                todo.append(stack[:-1])
            for called, after in self._calls[node]:
                if self._is_last(after):
                    todo.append((*stack[:-1], called))  # nothing to come back for
                elif len(stack) + self._height[after] <= DEEPEST:
                    todo.append((*stack[:-1], after, called))
        return tuple(sorted(kept, key=lambda stack: (len(stack), stack))[:MOST_STACKS])

    def _is_last(self, node: int) -> bool:
        return self._final[node] and not self._moves[node] and not self._calls[node]


def _heights(step: NDArray[np.int32], calls: list[list[tuple[int, int]]], final: list[bool]) -> list[int]:
    """How many rules have to be stacked, at the least, to come from each node to the end of its rule.

    Found height by height: at height k, rules that need at most k - 1 can be passed.
    """
    before: list[set[int]] = [set() for _ in final]
    for node, targets in enumerate(step[:, kinds_of(step)[1]].tolist()):
        for target in targets:
            if target >= 0:
                before[target].add(node)
    over = [(node, called, after) for node, outgoing in enumerate(calls) for called, after in outgoing]
    height = [0 if f else _NEVER for f in final]
    todo = [node for node, f in enumerate(final) if f]
    for level in range(DEEPEST + 1):
        while True:
            while todo:
                for node in before[todo.pop()]:
                    if height[node] == _NEVER:
                        height[node] = level
                        todo.append(node)
            for node, called, after in over:
                if height[node] == _NEVER and height[called] < level and height[after] <= level:
                    height[node] = level
                    todo.append(node)
            if not todo:
                break
    return height


def _refuse_left_recursion(calls: list[list[tuple[int, int]]], first: Mapping[str, int]) -> None:
    """Refuse rules that call themselves before they write anything: that says nothing, without end."""
    names = {node: name for name, node in first.items()}
    try:
        TopologicalSorter({node: {called for called, _ in calls[node]} for node in names}).prepare()
    except CycleError as error:
        raise PlanError(
            f"{names[error.args[1][0]]} stands for itself before it says anything. Leave out the reference that leads back to it."
        ) from None
