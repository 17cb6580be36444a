"""A chat model behind a URL that speaks the OpenAI protocol: the same face as a folder, over HTTP.

The key is read from OPENAI_API_KEY where the environment has one. Left out: retries that could bill twice; a refusal is one clear line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from onward.errors import EndpointBusy, EndpointError, NotServed, RequestRefused
from onward.generate.chat_model import ChatModel, Message, Reply
from onward.generate.engine import Finish
from onward.generate.settings import Sampling

SECONDS = 120.0
"""How long an answer, or the next piece of one, may take."""
KINDS: dict[int, type[EndpointError]] = (
    dict.fromkeys((429, 502, 503, 504, 529), EndpointBusy)
    | dict.fromkeys((400, 413, 422), RequestRefused)
    | dict.fromkeys((404, 405, 501), NotServed)
)
"""HTTP statuses by which a server says that it is to be asked later, that it will not take this request at all, and that it has no such
thing."""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a bracket that is not closed, a port that is no number
        return False


USUAL = Sampling()
FURTHER = ("top_k", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty")


class EndpointModel(ChatModel):
    """`http://host:port/v1`, with the model's name after a `#`: `http://host:port/v1#name`. Without one, the first that is served."""

    def __init__(self, url: str) -> None:
        address, _, model = url.partition("#")
        key = os.environ.get("OPENAI_API_KEY")
        self.name = url
        self.address = address.rstrip("/")
        if not _is_address(self.address):
            raise EndpointError(
                f"{url} is not an address. It should look like http://localhost:8000/v1 or https://host/v1#model."
            )
        if key and not (key.isascii() and key.isprintable()):
            raise EndpointError("OPENAI_API_KEY holds characters that no key has, perhaps a line end. Set it anew.")
        self._client = httpx.Client(timeout=SECONDS, headers={"Authorization": f"Bearer {key}"} if key else {})
        self.model = model or self._first_model()

    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        return [self._reply(messages, sampling) for sampling in samplings]

    def _reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        answer = self._post("/chat/completions", self._body(sampling) | {"messages": list(messages)})
        return self._read(answer, lambda choice: choice["message"]["content"] or "")

    def carry_on(self, text: str, sampling: Sampling) -> Reply:
        """What follows a plain text, which the server begins as it begins texts.   Raises EndpointError, also where it only answers
        messages."""
        try:
            answer = self._post("/completions", self._body(sampling) | {"prompt": text})
        except NotServed as error:
            raise EndpointError(
                f"{error} Texts are carried on at /completions; ask what has no such thing as a chat."
            ) from error
        return self._read(answer, lambda choice: choice["text"])

    def _read(self, answer: Any, said: Callable[[Any], str]) -> Reply:
        """said: the text of a choice."""
        try:
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            finish: Finish = "length" if choice.get("finish_reason") == "length" else "stop"
            read, written = (int(usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens"))
            return Reply(said(choice), finish, read, written)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._odd(answer) from error

    def stream(
        self, messages: Sequence[Message], sampling: Sampling, told: Callable[[int, int], None] | None = None
    ) -> Iterator[str]:
        """told: called with the tokens of the prompt and of the reply, where the server says them."""
        body = self._body(sampling) | {"messages": list(messages), "stream": True}
        if told is not None:
            body["stream_options"] = {"include_usage": True}
        try:
            with self._client.stream("POST", self.address + "/chat/completions", json=body) as response:
                if response.is_error:
                    response.read()
                    raise self._refused(response)
                for line in response.iter_lines():
                    data = line.removeprefix("data:").strip()
                    if line.startswith("data:") and data != "[DONE]":
                        yield self._piece(data)
                        if told is not None and (usage := json.loads(data).get("usage")):
                            told(int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0)))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _piece(self, data: str) -> str:
        """The text in one server-sent event; usage and role events have none."""
        try:
            choices = json.loads(data)["choices"]
            return (choices[0]["delta"].get("content") or "") if choices else ""
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise self._odd(data) from error

    def score(self, prompt: str, continuation: str) -> float:
        """As a folder scores; needs a server whose /completions gives `echo` with `logprobs`, as vLLM's does.

        Of the very first token some servers say nothing; a whole text, which is one without a prompt, is then scored after an empty line.
        """
        body = {"model": self.model, "prompt": prompt + continuation, "max_tokens": 0, "echo": True, "logprobs": 0}
        answer = self._post("/completions", body)
        try:
            found = answer["choices"][0]["logprobs"]
            if not prompt and found["token_logprobs"][0] is None:  # a model without a token that begins a text
                return self.score("\n", continuation)
            ends = [*found["text_offset"][1:], len(prompt + continuation)]
            scores = [p for p, end in zip(found["token_logprobs"], ends, strict=True) if end > len(prompt)]
            return float(sum(scores))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EndpointError(
                f"{self.address} gives no log-probabilities of a prompt (echo with logprobs), which scoring needs."
            ) from error

    def _body(self, sampling: Sampling) -> dict[str, Any]:
        """The request in OpenAI's words; penalties, and what OpenAI does not know, are sent only where they are asked for."""
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "max_tokens": sampling.max_tokens,
        }
        further = {name: getattr(sampling, name) for name in FURTHER if getattr(sampling, name) != getattr(USUAL, name)}
        return body | further | ({"stop": list(sampling.stop)} if sampling.stop else {})

    def _first_model(self) -> str:
        answer = self._call("GET", "/models")
        try:
            return str(answer["data"][0]["id"])
        except (KeyError, IndexError, TypeError) as error:
            raise EndpointError(f"{self.address} names no model. Say which after a #: {self.address}#name.") from error

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            response = self._client.request(method, self.address + path, json=body)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.is_error:
            raise self._refused(response)
        try:
            return response.json()
        except ValueError as error:
            raise self._odd(response.text) from error

    def _unreachable(self, error: Exception) -> EndpointError:
        kind = EndpointBusy if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else EndpointError
        return kind(
            f"{self.address} does not answer ({error or type(error).__name__}). Is the server running, and is the address right?"
        )

    def _refused(self, response: httpx.Response) -> EndpointError:
        try:
            why = response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            why = response.text[:200] or response.reason_phrase
        code = response.status_code
        return KINDS.get(code, EndpointError)(f"{self.address} refused with {code}: {why}")

    def _odd(self, answer: object) -> EndpointError:
        return EndpointError(f"{self.address} answered, but not as the OpenAI protocol says: {str(answer)[:200]}")
