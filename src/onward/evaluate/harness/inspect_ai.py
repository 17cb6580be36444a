"""A folder as a model of Inspect (UK AI Security Institute, 0.3): samples that are asked together are carried on together.

    inspect eval TASK --model onward/runs/mine/chat -M weights=fp32

Inspect finds it by its entry point once Onward is installed. What is not said is as `onward serve` has it: temperature 1, a seed by chance.
Left out: tools, whose calls only the server reads so far (`onward serve`, and Inspect's openai-api provider); pictures; forms by schema.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from onward.errors import FolderError, OnwardError, PlanError
from onward.evaluate.harness import opened
from onward.generate.chat_model import Message
from onward.generate.engine import AT_ONCE, Completion, Engine, Request, Run
from onward.generate.settings import Computed, Sampling

DRAWN = ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "max_tokens")
NOT_HERE = ("best_of", "response_schema", "prompt_logprobs", "modalities", "extra_body")
"""Settings that would change an answer, and that nobody here knows."""


@dataclass(eq=False)
class Asked:
    """Texts that one sample waits for.   error: why they cannot be had."""

    requests: Sequence[Request]
    runs: list[Run] = field(default_factory=list)
    error: OnwardError | None = None
    given_up: bool = False

    @property
    def done(self) -> bool:
        return self.error is not None or (bool(self.runs) and all(run.finish is not None for run in self.runs))


class Together:
    """One engine for many who wait in one event loop. Whoever finds it idle has the next pass made, in a thread, for all."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._new, self._waited_for = list[Asked](), list[Asked]()
        self._passing: anyio.Event | None = None

    async def carried_on(self, requests: Sequence[Request]) -> list[Completion]:
        """Raises PlanError, FolderError."""
        asked = Asked(requests)
        self._new.append(asked)
        try:
            while not asked.done:
                if self._passing is not None:
                    await self._passing.wait()
                    continue
                passing = self._passing = anyio.Event()
                try:
                    await anyio.to_thread.run_sync(self._pass)
                finally:
                    self._passing = None
                    passing.set()
        finally:
            asked.given_up = True
        if asked.error is not None:
            raise asked.error
        if failed := next((run.error for run in asked.runs if run.finish == "error"), ""):
            raise FolderError(failed)
        return [run.completion() for run in asked.runs]

    def _pass(self) -> None:
        """Nobody else touches the engine meanwhile: the next pass waits for this one."""
        while self._new:
            asked = self._new.pop(0)
            try:
                asked.runs += [self.engine.submit(request) for request in asked.requests]
            except OnwardError as error:
                asked.error = error
            self._waited_for.append(asked)
        for asked in [one for one in self._waited_for if one.given_up or one.done]:
            self._waited_for.remove(asked)
            for run in asked.runs:
                self.engine.cancel(run)
        self.engine.step()


@modelapi(name="onward")
class FolderAPI(ModelAPI):
    """`onward/` and a model or run folder.   -M device=, weights=: as the options of these names."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        device: str | None = None,
        weights: Computed | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self.folder = opened(model_name, device, weights)
        self.together = Together(self.folder.engine)

    def max_connections(self) -> int:
        return AT_ONCE

    def connection_key(self) -> str:
        return self.folder.name

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,  # noqa: ARG002
        config: GenerateConfig,
    ) -> ModelOutput:
        """Raises PlanError for what cannot be asked here, ChatError for messages that the model's template refuses."""
        _check(config, tools)
        prompt = self.folder.prompt([_message(one) for one in input])
        if len(prompt) >= self.folder.engine.room:
            why = f"the prompt has {len(prompt):,} tokens and the model {self.folder.engine.room:,} positions"
            return ModelOutput.from_content(self.model_name, "", stop_reason="model_length", error=why)
        began = time.monotonic()
        texts = await self.together.carried_on(_requests(config, prompt, self.folder.engine.room, self.folder.adapter))
        return ModelOutput(
            model=self.model_name,
            choices=[self._choice(text, config) for text in texts],
            usage=_usage(texts),
            time=time.monotonic() - began,
        )

    def _choice(self, text: Completion, config: GenerateConfig) -> ChatCompletionChoice:
        full = config.max_tokens is None or len(text.ids) < config.max_tokens
        stops = {"stop": "stop", "length": "model_length" if full else "max_tokens"}
        return ChatCompletionChoice(
            message=ChatMessageAssistant(content=text.text, model=self.model_name, source="generate"),
            stop_reason=stops[text.finish],
            logprobs=self._log_probs(text) if config.logprobs else None,
        )

    def _log_probs(self, text: Completion) -> Logprobs:
        """Of the tokens that were said, under the model as it is."""
        likeliest = text.alternatives or [[]] * len(text.ids)
        told = zip(text.ids, text.log_probs, likeliest, strict=False)  # the token that ended it is no part of the text
        return Logprobs(
            content=[
                Logprob(**self._named(id, p), top_logprobs=[TopLogprob(**self._named(*one)) for one in best] or None)
                for id, p, best in told
            ]
        )

    def _named(self, id: int, log_prob: float) -> dict[str, Any]:
        data = self.folder.engine.tokenizer.token_bytes(id)
        return {"token": data.decode(errors="replace"), "logprob": log_prob, "bytes": list(data)}


def _check(config: GenerateConfig, tools: Sequence[ToolInfo]) -> None:
    if tools:
        raise PlanError(
            "tools cannot be called here. Serve the folder with onward serve, and ask it by Inspect's openai-api provider."
        )
    if odd := next((name for name in NOT_HERE if getattr(config, name) is not None), None):
        raise PlanError(f"{odd} cannot be asked for here. Leave it out.")


def _message(message: ChatMessage) -> Message:
    if message.role == "tool" or getattr(message, "tool_calls", None):
        raise PlanError("a message calls a tool or answers such a call, which cannot be read here.")
    if not isinstance(message.content, str) and any(part.type not in ("text", "reasoning") for part in message.content):
        raise PlanError("a message holds more than text, which these models do not read.")
    return {"role": message.role, "content": message.text}


def _requests(config: GenerateConfig, prompt: list[int], room: int, adapter: str | None) -> list[Request]:
    """One for each choice; choice i is drawn with seed + i."""
    said = {name: value for name in DRAWN if (value := getattr(config, name)) is not None}
    seed = secrets.randbelow(2**53) if config.seed is None else config.seed
    how = {"temperature": 1.0, "max_tokens": room} | said
    return [
        Request(
            prompt=prompt,
            sampling=Sampling(**how, seed=seed + choice, stop=tuple(config.stop_seqs or ())),
            adapter=adapter,
            bias=config.logit_bias or {},
            alternatives=(config.top_logprobs or 0) if config.logprobs else 0,
        )
        for choice in range(config.num_choices or 1)
    ]


def _usage(texts: Sequence[Completion]) -> ModelUsage:
    """The prompt is counted once, however many choices follow it."""
    prompt, cached, said = texts[0].prompt_tokens, texts[0].cached, sum(len(text.ids) for text in texts)
    return ModelUsage(
        input_tokens=prompt - cached,
        input_tokens_cache_read=cached,
        output_tokens=said,
        total_tokens=prompt + said,
    )
