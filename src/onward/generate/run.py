"""A request on its way through the engine: its text, its blocks of the cache, and what it makes of the next token's scores.

Left out: passes of the model (engine.py), and who takes part in one (schedule.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from torch import Tensor

from onward.generate.constraint import State
from onward.generate.drafters.tree import Tree
from onward.generate.pages import Table, names
from onward.generate.processors import Said
from onward.generate.request import Completion, Text


@dataclass(eq=False)
class Run(Text):
    """A text that the engine carries on.   Raises PlanError for a prompt that is empty or fills all of the model's positions."""

    table: Table = field(kw_only=True)
    all_ids: list[int] = field(init=False)
    """The prompt and what has been drawn."""
    alternatives: list[list[tuple[int, float]]] = field(default_factory=list)
    cached: int = 0
    hidden: Tensor | None = None
    """(width,), what the last drawn token was drawn from."""
    error: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        asked = self.request
        self.all_ids = list(asked.prompt)
        self.names = names(self.all_ids, asked.adapter)
        self._state: State = asked.constraint.start if asked.constraint else None
        self.plain = not (
            asked.constraint or asked.bias or asked.sampling.penalises or asked.sampling.filters or asked.alternatives
        )
        """Whether a token is drawn from the model's scores as they are, but for the temperature, and nothing more is asked."""

    @property
    def pending(self) -> int:
        """Tokens that are still to be read before the next one can be drawn."""
        return len(self.all_ids) - self.table.length

    @property
    def said(self) -> Said:
        """What the next token's logits follow."""
        asked = self.request
        allowed = None if asked.constraint is None else asked.constraint.allowed(self._state)
        return Said(sampling=asked.sampling, ids=self.all_ids, drawn=self.drawn, bias=asked.bias, allowed=allowed)

    def foreseen(self, tree: Tree) -> list[Said]:
        """What the next token's logits follow, and those after each node of a draft, as if it had been said."""
        said = self.said
        if not said.changes:
            return [said] * (len(tree) + 1)
        constraint, states, found = self.request.constraint, dict[int, State]({-1: self._state}), [said]
        for node, token in enumerate(tree.tokens):
            before = tree.parents[node]
            path = [tree.tokens[one] for one in tree.path(node)]
            after = replace(said, ids=[*said.ids, *path], drawn=[*said.drawn, *path])
            if constraint is not None and before in states:
                states[node] = constraint.after(states[before], token)
                if states[node] is None:  # not allowed, so it will not stand, nor what follows it
                    del states[node]
            if constraint is not None and node in states:
                after = replace(after, allowed=constraint.allowed(states[node]))
            found.append(after)
        return found

    @property
    def draws(self) -> bool:
        """Whether it has drawn a token already and only that is to be read."""
        return self.pending == 1 and bool(self.drawn)

    def take(self, token: int, log_prob: float) -> None:
        if self.request.constraint is not None:
            self._state = self.request.constraint.after(self._state, token)
        self.all_ids.append(token)
        super().take(token, log_prob)

    def fail(self, error: str) -> None:
        self.finish, self.error = "error", error

    def completion(self) -> Completion:
        told = super().completion()
        return replace(told, alternatives=self.alternatives, cached=self.cached, error=self.error)
