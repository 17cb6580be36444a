"""What is asked of a model that carries texts on, what comes of it, and what lies between: a text on its way.

Left out: what only the engine wants to know of a text (run.py), and passes of the model (engine.py, parallel/write.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from onward.errors import PlanError
from onward.generate.constraint import Constraint
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
class Text:
    """One text on its way: what has been drawn, what may be shown, and whether it has ended.

    ends: ids that end a text.   room: the model's positions.   Raises PlanError for a prompt that is empty or fills all of them.
    """

    request: Request
    tokenizer: Tokenizer
    ends: frozenset[int]
    room: int
    ids: list[int] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    text: str = ""
    shown: int = 0
    finish: Finish | None = None

    def __post_init__(self) -> None:
        prompt = len(self.request.prompt)
        if not prompt:
            raise PlanError("the prompt is empty, and this model has no token to begin with. Give it some text.")
        if prompt >= self.room:
            raise PlanError(
                f"the prompt has {prompt:,} tokens and the model {self.room:,} positions: nothing can follow. Shorten the prompt."
            )
        self._decoder = StreamDecoder(self.tokenizer)
        self._limit = min(self.request.sampling.max_tokens, self.room - prompt)

    @property
    def left(self) -> int:
        """Tokens that may still be drawn."""
        return self._limit - len(self.ids)

    def take(self, token: int, log_prob: float) -> None:
        """Add a drawn token, which may end the text."""
        self.drawn.append(token)
        self.log_probs.append(log_prob)
        if token in self.ends or token in self.request.stop_ids:
            self._end("stop")
            return
        self.ids.append(token)
        self.text += self._decoder.push(token)
        if not self._stopped() and self.left <= 0:
            self._end("length")

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
        )
