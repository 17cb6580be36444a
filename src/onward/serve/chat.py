"""/v1/chat/completions: from a conversation to what the engine is asked, and from what it says to answers and events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from onward.errors import ChatError, TokenizerError
from onward.generate.constraint import Constraint
from onward.generate.engine import Request
from onward.serve import answers, drawing, tools
from onward.serve.answers import ChatAnswer, ChatChoice, ChatDelta, ChatEvent, ChatLogProbs, End, Said
from onward.serve.asked import ChatAsked, Message, ObjectFormat, SchemaFormat, Tool
from onward.serve.asking import Asking
from onward.serve.log_probs import of_chat
from onward.serve.models import Served
from onward.serve.refusals import wrong
from onward.serve.settings import Limits
from onward.serve.worker import Piece, Token
from onward.tokens.chat import encode_chat


@dataclass(frozen=True)
class Prepared:
    """A request as the engine sees it.   begun: with what each answer has been begun.   tools: whether calls are looked for."""

    requests: list[Request]
    begun: str
    tools: bool


def prepare(served: Served, asked: ChatAsked, limits: Limits, client: str) -> Prepared:
    """Takes its time over long prompts and large schemas; touches no engine.   Raises Refused, ChatError, TokenizerError, PlanError."""
    if asked.top_logprobs is not None and not asked.logprobs:
        raise wrong("top_logprobs", "top_logprobs is for who asks for logprobs too. Set logprobs to true.")
    offered = tools.offered(asked, served.model.engine.tokenizer)
    forced = tools.forced(asked, offered)
    begun = tools.FORCED if forced else ""
    prompt = drawing.fitted(served, _prompt(served, asked, offered, begun), asked.truncate_prompt_tokens, "messages")
    wanted = asked.max_completion_tokens or asked.max_tokens
    if asked.max_tokens == 0:
        raise wrong("max_tokens", "max_tokens 0: an answer has at least 1 token.")
    requests = drawing.texts(
        served,
        asked,
        [prompt],
        max_tokens=min(wanted or limits.max_tokens, limits.max_tokens),
        constraint=_form(served, asked, forced),
        alternatives=asked.top_logprobs or 0,
        client=client,
    )
    return Prepared(requests, begun, bool(offered))


def _prompt(served: Served, asked: ChatAsked, offered: list[Tool], begun: str) -> list[int]:
    tokenizer = served.model.engine.tokenizer
    described = [tool.model_dump(exclude_none=True) for tool in offered] or None
    messages = [_as_templates_read(message) for message in asked.messages]
    try:
        ids = encode_chat(tokenizer, messages, tools=described, add_generation_prompt=True).ids
    except (ChatError, TokenizerError) as error:
        raise wrong("messages", str(error)) from error
    return ids + tokenizer.encode(begun)


def _as_templates_read(message: Message) -> dict[str, Any]:
    """A message with its content as one text and the arguments of its calls as values."""
    read = message.model_dump(exclude_none=True, exclude={"annotations"})
    if isinstance(message.content, list):
        read["content"] = "".join(part.text for part in message.content)
    for call in read.get("tool_calls", []):
        call["function"]["arguments"] = _value(call["function"]["arguments"])
    return read


def _value(arguments: str) -> Any:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _form(served: Served, asked: ChatAsked, forced: list[Tool]) -> Constraint | None:
    guided = drawing.guided(served, asked)
    wanted: tuple[str, Any] | None = None
    if isinstance(asked.response_format, ObjectFormat):
        wanted = "response_format", {"type": "object"}
    elif isinstance(asked.response_format, SchemaFormat):
        schema = asked.response_format.json_schema.schema_
        wanted = "response_format", True if schema is None else schema
    if forced:
        if guided or wanted:
            raise wrong("tool_choice", "an answer that must be a call has its form already. Leave the other form out.")
        return drawing.form(served, "tools", tools.schema(forced))
    if guided and wanted:
        raise wrong("response_format", "a text has one form: response_format or guided_..., and not both.")
    return guided if wanted is None else drawing.form(served, *wanted)


@dataclass
class _Choice:
    """One answer on its way."""

    reader: tools.Reader
    content: str = ""
    tokens: list[Token] = field(default_factory=list)
    begun: bool = False


class Chat:
    """The answers to one request, at a time or piece by piece."""

    def __init__(self, asking: Asking, asked: ChatAsked, prepared: Prepared) -> None:
        self.asking, self.asked, self.prepared = asking, asked, prepared
        self.head = answers.head("chatcmpl", asking.served.name)
        self.choices = [_Choice(tools.Reader(prepared.begun, prepared.tools)) for _ in prepared.requests]
        self.said, self.cached = 0, 0

    async def whole(self) -> ChatAnswer:
        found: dict[int, ChatChoice] = {}
        async for number, piece in self.asking:
            choice = self._take(number, piece)
            choice.content += choice.reader.push(piece.text)
            choice.tokens += piece.tokens
            if piece.finish is not None:
                rest, calls = choice.reader.end() if self.prepared.tools else ("", [])
                content = (choice.content + rest).rstrip("\n") if calls else choice.content + rest
                message: Said = {"role": "assistant", "content": content or (None if calls else ""), "refusal": None}
                if calls:
                    message["tool_calls"] = calls
                found[number] = {
                    "index": number,
                    "message": message,
                    "finish_reason": _end(piece, bool(calls)),
                    "logprobs": self._log_probs(choice.tokens),
                }
        choices = [found[number] for number in sorted(found)]
        return {**self.head, "object": "chat.completion", "choices": choices, "usage": self._usage()}

    async def events(self) -> AsyncIterator[ChatEvent]:
        async for number, piece in self.asking:
            choice = self._take(number, piece)
            if not choice.begun:
                choice.begun = True
                yield self._event(number, {"role": "assistant", "content": ""})
            text = choice.reader.push(piece.text)
            rest, calls = choice.reader.end() if piece.finish and self.prepared.tools else ("", [])
            log_probs = self._log_probs(piece.tokens)
            if text or rest or (log_probs and log_probs["content"]):
                yield self._event(number, {"content": text + rest}, log_probs)
            for place, call in enumerate(calls):
                yield self._event(number, {"tool_calls": [{**call, "index": place}]})
            if piece.finish is not None:
                yield self._event(number, {}, end=_end(piece, bool(calls)))
        if self.asked.stream_options and self.asked.stream_options.include_usage:
            yield {**self.head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage()}

    def _take(self, number: int, piece: Piece) -> _Choice:
        self.said += len(piece.tokens)
        self.cached = piece.cached if number == 0 else self.cached
        return self.choices[number]

    def _event(self, number: int, delta: Said, told: ChatLogProbs | None = None, end: End | None = None) -> ChatEvent:
        choice: ChatDelta = {"index": number, "delta": delta, "finish_reason": end, "logprobs": told}
        return {**self.head, "object": "chat.completion.chunk", "choices": [choice], "usage": None}

    def _log_probs(self, tokens: list[Token]) -> ChatLogProbs | None:
        return of_chat(self.asking.served.model.engine.tokenizer, tokens) if self.asked.logprobs else None

    def _usage(self) -> answers.Usage:
        return answers.usage([self.prepared.requests[0].prompt], self.said, self.cached)


def _end(piece: Piece, calls: bool) -> End:
    if calls:
        return "tool_calls"
    return "length" if piece.finish == "length" else "stop"
