"""From a tree to an automaton over bytes: Thompson's construction, then subsets, then equal states made one.

Deterministic but for calls of rules, which stay edges of their own: which rule goes on is settled while a text is written (machine.py).
Sources: Thompson 1968; Rabin and Scott 1959; the product of two automata for what both allow; Hopcroft 1971 for the smallest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.errors import PlanError
from onward.generate.constraint import characters
from onward.generate.constraint.characters import Ranges, Spelling
from onward.generate.constraint.syntax import Both, Call, Chars, Concat, Listed, Node, Quoted, Repeat, Union

MOST_STATES = 10_000
"""Of one rule, deterministic. 1,000 characters of JSON string need 9,000; the table takes 1 kB a state."""
MOST_PARTS = 50_000
"""States of the automaton that is not deterministic yet."""

_ESCAPED = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN = characters.complement(((0, 0x1F), *characters.of('"\\')))


@dataclass(frozen=True)
class Automaton:
    """States 0 (the start) to N - 1.

    step: (N, 256) int32, the next state after each byte; -1 where there is none.   calls: of each state, (rule, where to go on after
    it).   final: whether the text may end.
    """

    step: NDArray[np.int32]
    calls: list[list[tuple[str, int]]]
    final: list[bool]


def compile(tree: Node, alphabet: Ranges = characters.ANY) -> Automaton:
    """The automaton of a tree, over the characters of an alphabet.   Raises PlanError where it has too many states."""
    parts = _Parts(alphabet)
    end = parts.add(tree, start := parts.state(), quoted=False)
    return _merged(_subsets(parts, start, end))


class _Parts:
    """The automaton before subsets are taken: edges over ranges of bytes, edges over nothing, calls."""

    def __init__(self, alphabet: Ranges) -> None:
        self.alphabet = alphabet
        self.edges: list[list[tuple[int, int, int]]] = []
        self.free: list[list[int]] = []
        self.calls: list[list[tuple[str, int]]] = []
        self._spelled: dict[tuple[Ranges, bool], list[Spelling]] = {}

    def state(self) -> int:
        if len(self.edges) >= MOST_PARTS:
            raise PlanError(_too_large("parts", MOST_PARTS))
        self.edges.append([])
        self.free.append([])
        self.calls.append([])
        return len(self.edges) - 1

    def add(self, tree: Node, start: int, quoted: bool) -> int:
        """The tree from a state on; the state where it ends.   quoted: inside a JSON string."""
        match tree:
            case Chars(ranges):
                return self._chars(ranges, start, quoted)
            case Concat(parts):
                for part in parts:
                    start = self.add(part, start, quoted)
                return start
            case Union(parts):
                end = self.state()
                for part in parts:
                    self.free[start].append(branch := self.state())
                    self.free[self.add(part, branch, quoted)].append(end)
                return end
            case Repeat(body, least, most):
                return self._repeat(body, least, most, start, quoted)
            case Both(one, other):
                return self._both(one, other, start, quoted)
            case Listed(items, separator):
                return self._listed(items, separator, start, quoted)
            case Quoted(body):
                return self.add(body, start, quoted=True)
            case Call(rule):
                self.calls[start].append((rule, end := self.state()))
                return end

    def _chars(self, ranges: Ranges, start: int, quoted: bool) -> int:
        if (ranges, quoted) not in self._spelled:
            self._spelled[ranges, quoted] = self._spellings(ranges, quoted)
        self._bytes(self._spelled[ranges, quoted], start, end := self.state())
        return end

    def _spellings(self, ranges: Ranges, quoted: bool) -> list[Spelling]:
        """How the characters of a set are written, as far as the alphabet goes."""
        plain = characters.both(ranges, _PLAIN) if quoted else ranges
        spellings = list(characters.spellings(characters.both(plain, self.alphabet)))
        if quoted:
            for char, escape in _ESCAPED.items():
                if characters.both(ranges, characters.of(char)) and all(self._has(c) for c in escape):
                    spellings.append(tuple((byte, byte) for byte in escape.encode()))
        return spellings

    def _has(self, char: str) -> bool:
        return any(low <= ord(char) <= high for low, high in self.alphabet)

    def _bytes(self, spellings: list[Spelling], start: int, end: int) -> None:
        """Sequences of byte ranges between two states; those that end alike share their ends."""
        tails: dict[Spelling, int] = {(): end}
        for spelling in spellings:
            for place in range(len(spelling) - 1, 0, -1):
                if spelling[place:] not in tails:
                    low, high = spelling[place]
                    tails[spelling[place:]] = self.state()
                    self.edges[tails[spelling[place:]]].append((low, high, tails[spelling[place + 1 :]]))
            self.edges[start].append((*spelling[0], tails[spelling[1:]]))

    def _repeat(self, body: Node, least: int, most: int | None, start: int, quoted: bool) -> int:
        for _ in range(least):
            start = self.add(body, start, quoted)
        end = self.state()
        if most is None:
            self.free[start].append(loop := self.state())
            self.free[loop].append(end)
            self.free[self.add(body, loop, quoted)].append(loop)
            return end
        self.free[start].append(end)
        for _ in range(most - least):
            # A state of its own for each round: a start that others loop back to must not skip ahead.
            self.free[start].append(fresh := self.state())
            start = self.add(body, fresh, quoted)
            self.free[start].append(end)
        return end

    def _both(self, one: Node, other: Node, start: int, quoted: bool) -> int:
        """The product of two automata: a pair of states stands for a state of each."""
        left, right = (compile(Quoted(side) if quoted else side, self.alphabet) for side in (one, other))
        end = self.state()
        known = {(0, 0): start}
        todo = [(0, 0)]
        while todo:
            pair = todo.pop()
            here = known[pair]
            if left.final[pair[0]] and right.final[pair[1]]:
                self.free[here].append(end)
            nexts = np.stack([left.step[pair[0]], right.step[pair[1]]])
            for byte in np.flatnonzero((nexts >= 0).all(0)).tolist():
                after = (int(nexts[0, byte]), int(nexts[1, byte]))
                if after not in known:
                    known[after] = self.state()
                    todo.append(after)
                self.edges[here].append((byte, byte, known[after]))
        return end

    def _listed(self, items: tuple[tuple[Node, bool], ...], separator: Node, start: int, quoted: bool) -> int:
        """Two tracks: nothing has been written yet, and something has. An item leads from either to the second."""
        nothing: int | None = start
        something: int | None = None
        for node, needed in items:
            after = self.state()
            if nothing is not None:
                self.free[self.add(node, self._behind(nothing), quoted)].append(after)
            if something is not None:
                before = self.add(separator, self._behind(something), quoted)
                self.free[self.add(node, before, quoted)].append(after)
                if not needed:
                    self.free[something].append(after)
            nothing, something = (None if needed else nothing), after
        end = self.state()
        for track in (nothing, something):
            if track is not None:
                self.free[track].append(end)
        return end

    def _behind(self, state: int) -> int:
        self.free[state].append(fresh := self.state())
        return fresh


def _subsets(parts: _Parts, start: int, end: int) -> Automaton:
    """The subset construction; of each set, only states that lead on by something, or end, are kept."""
    heavy = [bool(parts.edges[s] or parts.calls[s] or s == end) for s in range(len(parts.edges))]
    closed: dict[frozenset[int], frozenset[int]] = {}

    def close(states: frozenset[int]) -> frozenset[int]:
        if states not in closed:
            seen, todo = set(states), list(states)
            while todo:
                new = [s for s in parts.free[todo.pop()] if s not in seen]
                seen.update(new)
                todo += new
            closed[states] = frozenset(s for s in seen if heavy[s])
        return closed[states]

    sets: dict[frozenset[int], int] = {close(frozenset([start])): 0}

    def number(states: set[int]) -> int:
        closure = close(frozenset(states))
        if closure not in sets:
            if len(sets) >= MOST_STATES:
                raise PlanError(_too_large("states", MOST_STATES))
            sets[closure] = len(sets)
            order.append(closure)
        return sets[closure]

    order = list(sets)
    rows: list[NDArray[np.int32]] = []
    calls: list[list[tuple[str, int]]] = []
    for states in order:  # which grows
        row = np.full(256, -1, np.int32)
        for low, high, targets in _pieces([edge for s in states for edge in parts.edges[s]]):
            row[low : high + 1] = number(targets)
        rows.append(row)
        called: dict[str, set[int]] = {}
        for rule, after in (call for s in states for call in parts.calls[s]):
            called.setdefault(rule, set()).add(after)
        calls.append([(rule, number(after)) for rule, after in sorted(called.items())])
    return Automaton(np.stack(rows), calls, [end in states for states in order])


def _pieces(edges: list[tuple[int, int, int]]) -> Iterable[tuple[int, int, set[int]]]:
    """Edges over ranges that may overlap as ranges that do not, each with all its targets."""
    if len(edges) == 1:
        return [(edges[0][0], edges[0][1], {edges[0][2]})]
    cuts = sorted({edge[0] for edge in edges} | {edge[1] + 1 for edge in edges})
    place = {cut: i for i, cut in enumerate(cuts)}
    targets: list[set[int]] = [set() for _ in cuts]
    for low, high, target in edges:
        for i in range(place[low], place[high + 1]):
            targets[i].add(target)
    return [(cuts[i], cuts[i + 1] - 1, found) for i, found in enumerate(targets) if found]


def _merged(automaton: Automaton) -> Automaton:
    """The smallest automaton that allows the same: states are kept apart only where some text tells them apart.

    Classes are split until all of a class lead to the same classes; only what leads to a state that changed its class is looked at again.
    """
    step, calls, final = automaton.step, automaton.calls, automaton.final
    _, kinds = kinds_of(step)
    moves: list[list[tuple[object, int]]] = [
        [(k, t) for k, t in enumerate(row) if t >= 0] + list(calls[s]) for s, row in enumerate(step[:, kinds].tolist())
    ]
    sources: list[set[int]] = [set() for _ in moves]
    for state, out in enumerate(moves):
        for _, target in out:
            sources[target].add(state)
    of = [int(f) for f in final]
    members: dict[int, set[int]] = {}
    for state, group in enumerate(of):
        members.setdefault(group, set()).add(state)
    touched = {group: set(states) for group, states in members.items()}
    while touched:
        group, changed = touched.popitem()
        alike: dict[tuple[tuple[object, int], ...], set[int]] = {}
        for state in changed:
            alike.setdefault(tuple((sign, of[target]) for sign, target in moves[state]), set()).add(state)
        # Those of the class that were not touched are as alike as they were, and stay; else the largest part stays.
        if len(changed) == len(members[group]):
            alike.pop(max(alike, key=lambda signs: len(alike[signs])))
        for part in alike.values():
            fresh = len(members) + 2
            members[fresh] = part
            members[group] -= part
            for state in part:
                of[state] = fresh
        for source in {source for part in alike.values() for state in part for source in sources[state]}:
            touched.setdefault(of[source], set()).add(source)
    return _quotient(automaton, of)


def kinds_of(step: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[int]]:
    """Bytes that lead to the same from every state are of one kind: (256,) the kind of each byte, and a byte of each kind."""
    met: dict[bytes, int] = {}
    kinds = [met.setdefault(column.tobytes(), len(met)) for column in step.T]
    return np.array(kinds, np.int32), [kinds.index(kind) for kind in range(len(met))]


def _quotient(automaton: Automaton, of: list[int]) -> Automaton:
    """One state for each class, in the order of their first members, so that the start stays 0."""
    firsts: dict[int, int] = {}
    for state, group in enumerate(of):
        firsts.setdefault(group, state)
    number = {group: i for i, group in enumerate(firsts)}
    new = np.array([number[group] for group in of] + [-1], np.int32)  # -1 reads the last one: none stays none
    kept = list(firsts.values())
    return Automaton(
        new[automaton.step[kept]],
        [[(rule, int(new[after])) for rule, after in automaton.calls[s]] for s in kept],
        [automaton.final[s] for s in kept],
    )


def _too_large(what: str, most: int) -> str:
    return (
        f"what may be written needs more than {most:,} {what} of an automaton. Ask for smaller counts ({{m,n}}, minLength, maxLength, "
        "minItems, maxItems), or for fewer of them inside each other."
    )
