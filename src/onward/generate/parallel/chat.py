"""A chat model that writes in blocks: messages in, replies out, as of any other folder.

Left out: `score`. Such a model gives no probability of a text, only a bound that takes many passes (onward.train.diffusion).
"""

from __future__ import annotations

from typing import NoReturn

from onward.errors import PlanError
from onward.generate.chat_model import LocalModel
from onward.generate.parallel.write import Writer


class ParallelModel(LocalModel):
    """A folder made by diffusion, loaded."""

    def __init__(self, name: str, writer: Writer) -> None:
        super().__init__(name, writer)
        self.writer = writer

    def score(self, prompt: str, continuation: str) -> NoReturn:  # noqa: ARG002 (it refuses whatever is asked)
        raise PlanError(
            f"{self.name} writes many tokens together and gives no probability of a text. Score with a model made with --objective next."
        )
