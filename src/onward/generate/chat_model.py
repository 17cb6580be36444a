"""A chat model in a local folder: messages in, replies out. `endpoint.py` offers the same over HTTP.

`ChatModel` is all that judges, strategies, agents and attacks may ask of a model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from onward.generate.engine import Engine
from onward.generate.request import Completion, Finish, Request
from onward.generate.settings import Sampling
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer

Message = dict[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer. `finish` is "length" where it was cut off."""

    text: str
    finish: Finish
    prompt_tokens: int
    tokens: int


class ChatModel(ABC):
    """What a folder and an endpoint have in common: call it with messages, stream a reply, score a continuation."""

    name: str

    def __call__(
        self,
        messages: Sequence[Message],
        *,
        n: int = 1,
        temperature: float = 0.7,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        typical_p: float = 1.0,
        repetition_penalty: float = 1.0,
        presence_penalty: float = 0.0,
        frequency_penalty: float = 0.0,
        seed: int = 0,
        max_tokens: int = 256,
        stop: Sequence[str] = (),
    ) -> list[Reply]:
        """`n` replies to a conversation; reply i is drawn with seed + i. The rest is as in `Sampling`.

        Raises ChatError, PlanError, EndpointError.
        """
        sampling = Sampling(
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            typical_p=typical_p,
            repetition_penalty=repetition_penalty,
            presence_penalty=presence_penalty,
            frequency_penalty=frequency_penalty,
            seed=seed,
            max_tokens=max_tokens,
            stop=tuple(stop),
        )
        return self.replies(messages, [replace(sampling, seed=seed + i) for i in range(n)])

    @abstractmethod
    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        """One reply for each sampling."""

    @abstractmethod
    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """One reply, piece by piece, in whole characters."""

    @abstractmethod
    def score(self, prompt: str, continuation: str) -> float:
        """Log-probability in nats of `continuation` after `prompt`, both plain text, cut into tokens as one text.

        A token across the border counts as part of the continuation.
        """


class Carrier(Protocol):
    """What carries texts on in this process: an Engine, or a Writer of blocks. ends: ids that end a text.   room: positions."""

    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def ends(self) -> frozenset[int]: ...
    @property
    def room(self) -> int: ...

    def run(self, requests: Sequence[Request]) -> list[Completion]: ...
    def stream(self, request: Request) -> Iterator[str]: ...


class LocalModel(ChatModel):
    """A model folder, loaded. `carrier` is there for those who need tokens and not messages."""

    def __init__(self, name: str, carrier: Carrier, adapter: str | None = None) -> None:
        self.name, self.carrier, self.adapter = name, carrier, adapter

    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        prompt = self.prompt(messages)
        done = self.carrier.run(
            [Request(prompt=prompt, sampling=sampling, adapter=self.adapter) for sampling in samplings]
        )
        return [Reply(c.text, c.finish, c.prompt_tokens, len(c.ids)) for c in done]

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        return self.carrier.stream(Request(prompt=self.prompt(messages), sampling=sampling, adapter=self.adapter))

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The conversation as the model's template writes it, up to the place where the assistant speaks."""
        return encode_chat(self.carrier.tokenizer, list(messages), add_generation_prompt=True).ids

    def text_prompt(self, text: str) -> list[int]:
        """Plain text as the model was trained to see it: after the token that begins a document, if it has one."""
        begin = self.carrier.tokenizer.bos_id
        return ([] if begin is None else [begin]) + self.carrier.tokenizer.encode(text)


class FolderModel(LocalModel):
    """A folder that carries texts on, one token after the other."""

    def __init__(self, name: str, engine: Engine, *, adapter: str | None = None) -> None:
        super().__init__(name, engine, adapter)
        self.engine = engine

    def score(self, prompt: str, continuation: str) -> float:
        both, before = self.text_prompt(prompt + continuation), self.text_prompt(prompt)
        pairs = enumerate(zip(before, both, strict=False))
        shared = next((i for i, (a, b) in pairs if a != b), min(len(before), len(both)))
        return sum(self.engine.score(both[:shared], both[shared:], self.adapter))
