"""A chat model that writes in blocks: messages in, replies out, as of any other folder.

Left out: `score`. Such a model gives no probability of a text, only a bound that takes many passes (onward.train.diffusion).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

from onward.errors import PlanError
from onward.generate.chat_model import ChatModel, Message, Reply
from onward.generate.parallel.write import Writer
from onward.generate.request import Request
from onward.generate.settings import Sampling
from onward.tokens.chat import encode_chat


class ParallelModel(ChatModel):
    """A folder made by diffusion, loaded. `writer` is there for those who need tokens and not messages."""

    def __init__(self, name: str, writer: Writer) -> None:
        self.name, self.writer = name, writer

    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        prompt = self.prompt(messages)
        done = self.writer.run([Request(prompt=prompt, sampling=sampling) for sampling in samplings])
        return [Reply(c.text, c.finish, c.prompt_tokens, len(c.ids)) for c in done]

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        return self.writer.stream(Request(prompt=self.prompt(messages), sampling=sampling))

    def score(self, prompt: str, continuation: str) -> NoReturn:  # noqa: ARG002 (it refuses whatever is asked)
        raise PlanError(
            f"{self.name} writes many tokens together and gives no probability of a text. Score with a model made with --objective next."
        )

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The conversation as the model's template writes it, up to the place where the assistant speaks."""
        return encode_chat(self.writer.tokenizer, list(messages), add_generation_prompt=True).ids

    def text_prompt(self, text: str) -> list[int]:
        """Plain text as the model was trained to see it: after the token that begins a document, if it has one."""
        begin = self.writer.tokenizer.bos_id
        return ([] if begin is None else [begin]) + self.writer.tokenizer.encode(text)
