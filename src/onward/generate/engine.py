"""The engine: carries texts on, several at once, token by token.

One primitive: run the trunk over new tokens of several sequences and get the logits at the last of each. Prefill is many new tokens,
decoding is one. Simple and right; left out: sequences that join a running batch, pages, shared prefixes, drafters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from onward.errors import FolderError, PlanError
from onward.generate.cache import KVCache
from onward.generate.sampling import draw
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from onward.tokens.stream import StreamDecoder
from onward.tokens.tokenizer import Tokenizer

AT_ONCE = 32
"""Sequences that run together, where nothing else is said; further ones wait for the next batch."""

Finish = Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prompt to carry on. The text that follows is a function of (model, prompt, sampling) alone."""

    prompt: Sequence[int]
    sampling: Sampling = field(default_factory=Sampling)
    adapter: str | None = None
    """The name of the adapter to compute with, of those beside the model; None for the model as it is."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What followed. `ids` leave out the token that ended it; `finish` is "length" where the room or max_tokens ran out.

    drawn: all tokens, the one that ended it too.   log_probs: of each of those, in nats, under the model as it is, without temperature
    and filters.
    """

    ids: list[int]
    text: str
    finish: Finish
    prompt_tokens: int
    drawn: list[int]
    log_probs: list[float]


class Engine:
    """Runs one model with its tokeniser. `ends`: ids that end a text, besides those that the tokeniser knows.

    at_once: sequences that run together.
    use: called with a request's adapter before each pass of the model, where there are adapters: texts may take turns.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ends: Iterable[int] = (),
        use: Callable[[str | None], None] = lambda _: None,
        at_once: int = AT_ONCE,
    ) -> None:
        self.model = model.eval()
        self.use, self.at_once = use, at_once
        self.tokenizer = tokenizer
        self.ends = frozenset(tokenizer.eos_ids) | frozenset(ends)
        self.room = model.config.max_positions
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype

    def run(self, requests: Sequence[Request]) -> list[Completion]:
        """Carry on every prompt. Raises PlanError for a prompt that is empty or fills all of the model's positions."""
        runs = [_Run(request, self) for request in requests]
        for adapter in dict.fromkeys(request.adapter for request in requests):
            alike = [run for run in runs if run.request.adapter == adapter]
            for first in range(0, len(alike), self.at_once):
                for _ in self._decode(alike[first : first + self.at_once]):
                    pass
        return [run.completion() for run in runs]

    def stream(self, request: Request) -> Iterator[str]:
        """The text that follows one prompt, piece by piece, in whole characters."""
        run = _Run(request, self)
        for _ in self._decode([run]):
            yield run.fresh()
        yield run.fresh()

    def score(self, prompt: Sequence[int], continuation: Sequence[int], adapter: str | None = None) -> list[float]:
        """Log-probability in nats of each token of `continuation` after `prompt` and those before it."""
        self.use(adapter)
        ids = [*prompt, *continuation]
        if not prompt or len(ids) > self.room:
            raise PlanError(
                f"a prompt of {len(prompt)} and a continuation of {len(continuation)} tokens: 1 to {self.room} are wanted."
            )
        with torch.inference_mode():
            logits = _finite(self.model(torch.tensor([ids[:-1]], device=self.device))[0, len(prompt) - 1 :])
            chosen = torch.tensor(ids[len(prompt) :], device=self.device)[:, None]
            scores: list[float] = logits.double().log_softmax(-1).gather(-1, chosen)[:, 0].tolist()
        return scores

    @torch.inference_mode()
    def _decode(self, runs: list[_Run]) -> Iterator[None]:
        """Draw a token for every run at once until all are finished; yields after each round. All have the same adapter."""
        adapter = runs[0].request.adapter
        lengths = torch.tensor([len(run.request.prompt) for run in runs], device=self.device)
        capacity = min(self.room, max(len(r.request.prompt) + r.request.sampling.max_tokens for r in runs))
        cache = KVCache(self.model.config, len(runs), capacity, dtype=self.dtype, device=self.device)
        width = int(lengths.max())
        prompts = torch.tensor(
            [[*r.request.prompt] + [0] * (width - len(r.request.prompt)) for r in runs], device=self.device
        )
        logits = self._logits(prompts, cache, adapter, last=lengths - 1)
        cache.truncate(lengths)
        while True:
            new = draw(logits, [run.request.sampling for run in runs], cache.lengths)
            chosen = logits.double().log_softmax(-1).gather(-1, new[:, None])[:, 0]
            told = zip(runs, new.tolist(), chosen.tolist(), strict=True)
            alive = [row for row, (run, token, log_prob) in enumerate(told) if run.take(token, log_prob)]
            yield
            if not alive:
                return
            if len(alive) < len(runs):
                rows = torch.tensor(alive, device=self.device)
                cache.keep(rows)
                new, runs = new[rows], [runs[row] for row in alive]
            logits = self._logits(new[:, None], cache, adapter, last=torch.zeros_like(new))

    def _logits(self, ids: Tensor, cache: KVCache, adapter: str | None, *, last: Tensor) -> Tensor:
        """The primitive: new tokens (B, T) through the trunk; logits (B, V) after token `last` (B,) of each sequence."""
        self.use(adapter)
        hidden = self.model.hidden(ids, cache=cache)
        return _finite(self.model.logits(hidden[torch.arange(len(ids), device=self.device), last]))


def _finite(logits: Tensor) -> Tensor:
    """The logits as they are.   Raises FolderError where one is no finite number: every draw after it would be noise."""
    if not logits.isfinite().all():
        raise FolderError(
            "the model's scores are no finite numbers (NaN or infinity): its weights are damaged. Copy the folder again, or train it anew."
        )
    return logits


@dataclass
class _Run:
    """One request on its way: what has been drawn, what may be shown, and whether it has ended."""

    request: Request
    engine: Engine
    ids: list[int] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    text: str = ""
    shown: int = 0
    finish: Finish | None = None

    def __post_init__(self) -> None:
        prompt, room = len(self.request.prompt), self.engine.room
        if not prompt:
            raise PlanError("the prompt is empty, and this model has no token to begin with. Give it some text.")
        if prompt >= room:
            raise PlanError(
                f"the prompt has {prompt:,} tokens and the model {room:,} positions: nothing can follow. Shorten the prompt."
            )
        self._decoder = StreamDecoder(self.engine.tokenizer)
        self._limit = min(self.request.sampling.max_tokens, room - prompt)

    def take(self, token: int, log_prob: float) -> bool:
        """Add a drawn token; False when it ends the text."""
        self.drawn.append(token)
        self.log_probs.append(log_prob)
        if token in self.engine.ends:
            self._end("stop")
            return False
        self.ids.append(token)
        self.text += self._decoder.push(token)
        if self._stopped():
            return False
        if len(self.ids) >= self._limit:
            self._end("length")
        return self.finish is None

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
