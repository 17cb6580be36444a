"""/v1/completions: plain texts carried on, or only looked at (`echo` with `logprobs`, as lm-eval asks).

A prompt given as text is read after the token that begins a document, where the model has one; that token is not echoed, and the first of
the text then has a log-probability. A prompt given as ids is read as it is, and the first of them has none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from onward.generate.engine import Request, Scored
from onward.serve import answers, drawing
from onward.serve.answers import CompletionAnswer, CompletionChoice, CompletionLogProbs
from onward.serve.asked import CompletionAsked
from onward.serve.asking import Asking, check_number
from onward.serve.log_probs import CompletionTold
from onward.serve.models import Served
from onward.serve.refusals import wrong
from onward.serve.settings import Limits
from onward.serve.worker import Piece, Token

End = Literal["stop", "length"]
USUAL_TOKENS = 16
"""OpenAI's, where nothing is said."""


@dataclass(frozen=True)
class Prompt:
    """ids: as the model reads them.   hidden: of those, how many the asker did not write.   text: as it is echoed."""

    ids: list[int]
    hidden: int
    text: str


@dataclass(frozen=True)
class Prepared:
    """A request as the engine sees it: `n` requests for each prompt, or none where nothing is to follow."""

    prompts: list[Prompt]
    requests: list[Request]


def prepare(served: Served, asked: CompletionAsked, limits: Limits, client: str) -> Prepared:
    """As chat.prepare."""
    if asked.suffix:
        raise wrong("suffix", "suffix: these models carry a text on, and do not fill in. Leave it out.")
    if asked.best_of is not None and asked.best_of > (asked.n or 1):
        raise wrong("best_of", "best_of: all texts that are drawn are answered. Ask for them with n.")
    wanted = USUAL_TOKENS if asked.max_tokens is None else asked.max_tokens
    check_number(served, limits, len(listed(asked.prompt)) * (asked.n or 1))
    prompts = [_prompt(served, asked, one, carried_on=wanted > 0) for one in listed(asked.prompt)]
    if not wanted:
        return Prepared(prompts, [])
    requests = drawing.texts(
        served,
        asked,
        [prompt.ids for prompt in prompts],
        max_tokens=min(wanted, limits.max_tokens),
        constraint=drawing.guided(served, asked),
        alternatives=asked.logprobs or 0,
        client=client,
    )
    return Prepared(prompts, requests)


def listed(given: str | list[int] | list[str] | list[list[int]]) -> list[str | list[int]]:
    """One text or list of ids, or several."""
    if isinstance(given, str):
        return [given]
    several: list[str | list[int]] = [one for one in given if not isinstance(one, int)]
    return several or [[one for one in given if isinstance(one, int)]]


def _prompt(served: Served, asked: CompletionAsked, given: str | list[int], carried_on: bool) -> Prompt:
    tokenizer = served.model.engine.tokenizer
    ids = served.model.text_prompt(given) if isinstance(given, str) else given
    kept = drawing.fitted(served, ids, asked.truncate_prompt_tokens, "prompt", carried_on)
    hidden = int(isinstance(given, str) and tokenizer.bos_id is not None and len(kept) == len(ids))
    whole = isinstance(given, str) and len(kept) == len(ids)
    return Prompt(kept, hidden, str(given) if whole else tokenizer.decode(kept, skip_special=False))


@dataclass
class _Choice:
    """One text on its way."""

    told: CompletionTold
    text: str = ""
    tokens: list[Token] = field(default_factory=list)


class Completion:
    """The answers to one request, at a time or piece by piece."""

    def __init__(self, asking: Asking, asked: CompletionAsked, prepared: Prepared) -> None:
        self.asking, self.asked, self.prepared = asking, asked, prepared
        self.n = asked.n or 1
        self.head = answers.head("cmpl", asking.served.name)
        tokenizer = asking.served.model.engine.tokenizer
        self.choices = [_Choice(CompletionTold(tokenizer)) for _ in range(self.n * len(prepared.prompts))]
        self.said, self.cached = 0, 0

    async def whole(self) -> CompletionAnswer:
        echoes = await self._echoes()
        ends = dict[int, Piece]()
        async for number, piece in self.asking:
            self._take(number, piece)
            self.choices[number].text += piece.text
            self.choices[number].tokens += piece.tokens
            if piece.finish is not None:
                ends[number] = piece
        choices = list[CompletionChoice]()
        for number, choice in enumerate(self.choices):
            echoed = echoes[number // self.n]
            told = _joined(self._echoed(choice, number, echoed), self._told(choice, choice.tokens))
            text = (self._prompt(number).text if self.asked.echo else "") + choice.text
            end = _end(ends[number]) if number in ends else "length"
            choices.append({"index": number, "text": text, "finish_reason": end, "logprobs": told})
        return {**self.head, "object": "text_completion", "choices": choices, "usage": self._usage()}

    async def events(self) -> AsyncIterator[CompletionAnswer]:
        echoes = await self._echoes()
        for number, choice in enumerate(self.choices if self.asked.echo else []):
            told = self._echoed(choice, number, echoes[number // self.n])
            end: End | None = None if self.prepared.requests else "length"
            yield self._event(
                {"index": number, "text": self._prompt(number).text, "finish_reason": end, "logprobs": told}
            )
        async for number, piece in self.asking:
            self._take(number, piece)
            told = self._told(self.choices[number], piece.tokens)
            end = None if piece.finish is None else _end(piece)
            if piece.text or end or told:
                yield self._event({"index": number, "text": piece.text, "finish_reason": end, "logprobs": told})
        if self.asked.stream_options and self.asked.stream_options.include_usage:
            yield {**self.head, "object": "text_completion", "choices": [], "usage": self._usage()}

    def _event(self, choice: CompletionChoice) -> CompletionAnswer:
        return {**self.head, "object": "text_completion", "choices": [choice], "usage": None}

    async def _echoes(self) -> list[Scored | None]:
        """What the model thinks of each prompt, where that is asked."""
        if not self.asked.echo or self.asked.logprobs is None:
            return [None] * len(self.prepared.prompts)
        served, alternatives = self.asking.served, self.asked.logprobs
        found: list[Scored | None] = []
        for prompt in self.prepared.prompts:
            ids = prompt.ids

            def score(ids: Sequence[int] = ids) -> Scored:
                return served.model.engine.scored(ids[:1], ids[1:], served.model.adapter, alternatives)

            found.append(await self.asking.do(score) if ids else Scored([], []))
        return found

    def _prompt(self, number: int) -> Prompt:
        return self.prepared.prompts[number // self.n]

    def _echoed(self, choice: _Choice, number: int, scored: Scored | None) -> CompletionLogProbs | None:
        """The log-probabilities of a prompt's own tokens; none for the very first that the model reads."""
        if scored is None:
            return None
        prompt = self._prompt(number)
        log_probs: list[float | None] = [None, *scored.log_probs]
        alternatives: list[list[tuple[int, float]]] = [[], *scored.alternatives]
        tokens = list(zip(prompt.ids, log_probs, alternatives, strict=False))
        return choice.told.tell(tokens[prompt.hidden :])

    def _told(self, choice: _Choice, tokens: Sequence[Token]) -> CompletionLogProbs | None:
        if self.asked.logprobs is None:
            return None
        return choice.told.tell([(token.id, token.log_prob, token.alternatives) for token in tokens])

    def _take(self, number: int, piece: Piece) -> None:
        self.said += len(piece.tokens)
        self.cached = piece.cached if number == 0 else self.cached

    def _usage(self) -> answers.Usage:
        return answers.usage([prompt.ids for prompt in self.prepared.prompts], self.said, self.cached)


def _end(piece: Piece) -> End:
    return "length" if piece.finish == "length" else "stop"


def _joined(first: CompletionLogProbs | None, second: CompletionLogProbs | None) -> CompletionLogProbs | None:
    if first is None or second is None:
        return second
    return {
        "tokens": first["tokens"] + second["tokens"],
        "token_logprobs": first["token_logprobs"] + second["token_logprobs"],
        "top_logprobs": first["top_logprobs"] + second["top_logprobs"],
        "text_offset": first["text_offset"] + second["text_offset"],
    }
