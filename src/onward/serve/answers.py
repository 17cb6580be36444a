"""What is answered, field by field, as OpenAI's API has it: shapes for the type checker and for the OpenAPI document, and no more."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

End = Literal["stop", "length", "tool_calls"]


class Head(TypedDict):
    id: str
    created: int
    model: str


class Cached(TypedDict):
    cached_tokens: int


class Usage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Cached


class Alternative(TypedDict):
    token: str
    logprob: float
    bytes: list[int]


class TokenLogProb(Alternative):
    top_logprobs: list[Alternative]


class ChatLogProbs(TypedDict):
    content: list[TokenLogProb]
    refusal: None


class CalledFunction(TypedDict):
    name: str
    arguments: str


class Call(TypedDict):
    id: str
    type: Literal["function"]
    function: CalledFunction
    index: NotRequired[int]


class Said(TypedDict):
    role: NotRequired[Literal["assistant"]]
    content: NotRequired[str | None]
    refusal: NotRequired[None]
    tool_calls: NotRequired[list[Call]]


class ChatChoice(TypedDict):
    index: int
    message: Said
    finish_reason: End
    logprobs: ChatLogProbs | None


class ChatAnswer(Head):
    object: Literal["chat.completion"]
    choices: list[ChatChoice]
    usage: Usage


class ChatDelta(TypedDict):
    index: int
    delta: Said
    finish_reason: End | None
    logprobs: ChatLogProbs | None


class ChatEvent(Head):
    object: Literal["chat.completion.chunk"]
    choices: list[ChatDelta]
    usage: Usage | None


class CompletionLogProbs(TypedDict):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChoice(TypedDict):
    index: int
    text: str
    finish_reason: Literal["stop", "length"] | None
    logprobs: CompletionLogProbs | None


class CompletionAnswer(Head):
    object: Literal["text_completion"]
    choices: list[CompletionChoice]
    usage: Usage | None


class Embedding(TypedDict):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(TypedDict):
    prompt_tokens: int
    total_tokens: int


class EmbeddingAnswer(TypedDict):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class ModelCard(TypedDict):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    parent: str | None
    max_model_len: int


class ModelList(TypedDict):
    object: Literal["list"]
    data: list[ModelCard]


class Health(TypedDict):
    status: Literal["ok"]


def usage(prompts: Sequence[Sequence[int]], said: int, cached: int) -> Usage:
    """prompts: each counted once, however many texts follow it."""
    read = sum(map(len, prompts))
    return {
        "prompt_tokens": read,
        "completion_tokens": said,
        "total_tokens": read + said,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def head(kind: str, model: str) -> Head:
    """With what an answer and each of its events begin."""
    return {"id": name(kind), "created": int(time.time()), "model": model}


def name(kind: str) -> str:
    """A fresh name for an answer or a call."""
    return f"{kind}-{secrets.token_hex(12)}"
