"""A text as word chains: what follows a prompt, token by token, and what follows if at some place another word had been drawn.

Branches form a tree. Each begins with the word that somebody chose in place of its parent's, and shares with the parent what comes before.
Left out: pages (rooms/chain.py), and what else could have been drawn at a place (draws.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onward.errors import PlanError
from onward.generate.request import Request
from onward.generate.settings import Sampling
from onward.serve.models import Served
from onward.studio.saying import pieces
from onward.studio.watched import Guess, Watched, watching

if TYPE_CHECKING:
    from onward.tokens.tokenizer import Tokenizer


@dataclass
class Link:
    """A token in its place.   log_prob: under the model as it is, in nats.   chosen: by a person.   guess: what drafters said there."""

    id: int
    log_prob: float
    chosen: bool = False
    guess: Guess | None = None


@dataclass
class Branch:
    """parent: the branch that it left, at that link; its own links stand from there on.   finish: how it ended; "" while it grows."""

    parent: int | None
    at: int
    links: list[Link] = field(default_factory=list)
    finish: str = ""


@dataclass
class Chain:
    """name: of the model.   prompt: the tokens before.   given: these, as text.   here: the branch that is looked at.   selected: a place
    in it."""

    name: str
    prompt: list[int]
    given: str
    sampling: Sampling
    branches: list[Branch] = field(default_factory=lambda: [Branch(None, 0)])
    here: int = 0
    selected: int | None = None

    def links(self, number: int | None = None) -> list[Link]:
        """All links of a branch, its ancestors' too."""
        branch = self.branches[self.here if number is None else number]
        before = [] if branch.parent is None else self.links(branch.parent)[: branch.at]
        return before + branch.links

    def ids(self, at: int | None = None) -> list[int]:
        """The prompt and the links before a place, or all."""
        return self.prompt + [link.id for link in self.links()[:at]]

    def choose(self, at: int, token: int, log_prob: float) -> Branch:
        """Another word at a place: a new branch, which is looked at from now on.   Raises PlanError for a place that is none."""
        if not 0 <= at <= len(self.links()):
            raise PlanError(f"the chain has no place {at}. Choose one of its words.")
        self.branches.append(Branch(self.here, at, [Link(token, log_prob, chosen=True)]))
        self.here, self.selected = len(self.branches) - 1, None
        return self.branches[-1]

    def walk(self, number: int) -> None:
        if not 0 <= number < len(self.branches):
            raise PlanError(f"the chain has no branch {number}.")
        self.here, self.selected = number, None


async def grow(served: Served, chain: Chain, drafters: Sequence[str] = ()) -> AsyncIterator[None]:
    """Carry the branch that is looked at on to its end; a step each time that something has come.   Raises OnwardError."""
    branch, engine = chain.branches[chain.here], served.model.engine
    links = chain.links()
    left = chain.sampling.max_tokens - len(links)
    if left < 1 or (links and links[-1].id in engine.ends):
        branch.finish = "length" if left < 1 else "stop"
        return
    prompt, kept = chain.ids(), len(branch.links)
    request = Request(prompt=prompt, sampling=replace(chain.sampling, max_tokens=left), adapter=served.model.adapter)
    try:
        async with watching(served, drafters) as watched, aclosing(pieces(served, request)) as coming:
            async for piece in coming:
                branch.links += [Link(token.id, token.log_prob) for token in piece.tokens]
                branch.finish = piece.finish or ""
                _credit(branch.links[kept:], watched, prompt)
                yield
    finally:
        branch.finish = branch.finish or "stopped"


def _credit(links: Sequence[Link], watched: Watched | None, prompt: list[int]) -> None:
    """Write beside each link that was drawn after the prompt what was guessed there."""
    if watched is None:
        return
    for place, guess in watched.guesses(prompt + [link.id for link in links]).items():
        if 0 <= place - len(prompt) < len(links):
            links[place - len(prompt)].guess = guess


def words(tokenizer: Tokenizer, token: int) -> str:
    """A token as it is written; parts of characters as their bytes."""
    return tokenizer.token_bytes(token).decode(errors="backslashreplace")
