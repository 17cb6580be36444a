"""What is asked of the engine, what comes of it, and what lies between: a request on its way.

Left out: passes of the model (engine.py), and who takes part in one (schedule.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor

from onward.errors import PlanError
from onward.generate.constraint import Constraint, State
from onward.generate.drafters.tree import Tree
from onward.generate.pages import Table, names
from onward.generate.processors import Said
from onward.generate.settings import Sampling
from onward.tokens.stream import StreamDecoder
from onward.tokens.tokenizer import Tokenizer

Finish = Literal["stop", "length", "cancelled", "error"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prompt to carry on. The text that follows is a function of (model, prompt, sampling) alone."""

    prompt: Sequence[int]
    sampling: Sampling = field(default_factory=Sampling)
    adapter: str | None = None
    """The name of the adapter to compute with, of those beside the model; None for the model as it is."""
    client: str = ""
    """Who asks. Where many wait, clients take turns, however much each asks for."""
    stop_ids: frozenset[int] = frozenset()
    """Further ids that end the text."""
    bias: Mapping[int, float] = field(default_factory=dict)
    """Added to the logits of single tokens; minus infinity bans one."""
    constraint: Constraint | None = None
    """What the text must be: a choice, a regular expression, JSON by a schema. The ids that end a text must be among its `ends`."""
    alternatives: int = 0
    """How many of the likeliest tokens are told at each place, with their log-probabilities."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What followed. `ids` leave out the token that ended it; `finish` is "length" where the room or max_tokens ran out.

    drawn: all tokens, the one that ended it too.   log_probs: of each of those, in nats, under the model as it is, without temperature
    and filters.   alternatives: the likeliest tokens at the place of each of those, with theirs.
    """

    ids: list[int]
    text: str
    finish: Finish
    prompt_tokens: int
    drawn: list[int]
    log_probs: list[float]
    alternatives: list[list[tuple[int, float]]] = field(default_factory=list)
    cached: int = 0
    """Tokens of the prompt that had been read already, for somebody who began alike."""
    error: str = ""


@dataclass(eq=False)
class Run:
    """One request on its way: what has been drawn, what may be shown, and whether it has ended.

    ends: ids that end a text.   room: the model's positions.   Raises PlanError for a prompt that is empty or fills all of them.
    """

    request: Request
    tokenizer: Tokenizer
    ends: frozenset[int]
    room: int
    table: Table
    all_ids: list[int] = field(init=False)
    """The prompt and what has been drawn."""
    ids: list[int] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    alternatives: list[list[tuple[int, float]]] = field(default_factory=list)
    text: str = ""
    shown: int = 0
    cached: int = 0
    hidden: Tensor | None = None
    """(width,), what the last drawn token was drawn from."""
    finish: Finish | None = None
    error: str = ""

    def __post_init__(self) -> None:
        prompt = len(self.request.prompt)
        if not prompt:
            raise PlanError("the prompt is empty, and this model has no token to begin with. Give it some text.")
        if prompt >= self.room:
            raise PlanError(
                f"the prompt has {prompt:,} tokens and the model {self.room:,} positions: nothing can follow. Shorten the prompt."
            )
        self.all_ids = list(self.request.prompt)
        self.names = names(self.all_ids, self.request.adapter)
        self._decoder = StreamDecoder(self.tokenizer)
        self._state: State = self.request.constraint.start if self.request.constraint else None
        self.plain = not (self.said.changes or self.request.sampling.filters or self.request.alternatives)
        """Whether a token is drawn from the model's scores as they are, but for the temperature, and nothing more is asked."""
        self._limit = min(self.request.sampling.max_tokens, self.room - prompt)

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
    def left(self) -> int:
        """Tokens that may still be drawn."""
        return self._limit - len(self.ids)

    @property
    def draws(self) -> bool:
        """Whether it has drawn a token already and only that is to be read."""
        return self.pending == 1 and bool(self.drawn)

    def take(self, token: int, log_prob: float) -> None:
        """Add a drawn token, which may end the text."""
        if self.request.constraint is not None:
            self._state = self.request.constraint.after(self._state, token)
        self.drawn.append(token)
        self.all_ids.append(token)
        self.log_probs.append(log_prob)
        if token in self.ends or token in self.request.stop_ids:
            self._end("stop")
            return
        self.ids.append(token)
        self.text += self._decoder.push(token)
        if not self._stopped() and len(self.ids) >= self._limit:
            self._end("length")

    def fail(self, error: str) -> None:
        self.finish, self.error = "error", error

    def _end(self, finish: Finish) -> None:
        self.text += self._decoder.flush()
        self.finish = finish
        self._stopped()

    def _stopped(self) -> bool:
        """Cut the text before the first stop string in it."""
        found = [at for stop in self.request.sampling.stop if (at := self.text.find(stop)) >= 0]
        if found:
            self.text, self.finish = self.text[: min(found)], "stop"
        return bool(found)

    def fresh(self) -> str:
        """Text not shown yet, holding back an end that may turn out to be the beginning of a stop string."""
        end = len(self.text)
        if self.finish is None:
            held = [
                n for stop in self.request.sampling.stop for n in range(1, len(stop)) if self.text.endswith(stop[:n])
            ]
            end -= max(held, default=0)
        piece, self.shown = self.text[self.shown : end], max(end, self.shown)
        return piece

    def completion(self) -> Completion:
        assert self.finish is not None
        return Completion(
            ids=self.ids,
            text=self.text,
            finish=self.finish,
            prompt_tokens=len(self.request.prompt),
            drawn=self.drawn,
            log_probs=self.log_probs,
            alternatives=self.alternatives,
            cached=self.cached,
            error=self.error,
        )
