"""A judge whose biases are known: a chat model by rule, which draws its verdicts from the very regression that biases.py fits.

It reads the prompt that any judge is shown (pairwise.py) and replies in words, so that all between a duel and a table of biases is tried.
Left out: marks for single answers, and talk about anything else.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from onward.errors import PlanError
from onward.evaluate.judging.pairwise import END, FIRST, SECOND
from onward.generate.chat_model import ChatModel, Message, Reply
from onward.generate.settings import Sampling

_PARTS = re.compile(rf"{re.escape(FIRST)}\n(.*)\n\n{re.escape(SECOND)}\n(.*)\n\n{re.escape(END)}", re.DOTALL)


@dataclass(frozen=True)
class Planted:
    """Coefficients in log-odds, as in biases.py.   mute: share of replies without a verdict.   ties: share of verdicts that are ties."""

    position: float = 0.0
    length: float = 0.0
    own: float = 0.0
    worth: float = 1.0
    mute: float = 0.0
    ties: float = 0.0


class PlantedJudge(ChatModel):
    """worth: of each answer that may come, by its text.   own: the texts that are its own.   seed: of its verdicts."""

    def __init__(
        self, planted: Planted, worth: Mapping[str, float], own: frozenset[str] = frozenset(), seed: int = 0
    ) -> None:
        self.name = "planted"
        self.planted, self.worth, self.own, self.seed = planted, worth, own, seed

    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        asked = messages[-1]["content"]
        return [Reply(self._said(asked), "stop", len(asked.split()), 5) for _ in samplings]

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        yield self.replies(messages, [sampling])[0].text

    def score(self, prompt: str, continuation: str) -> float:  # noqa: ARG002
        raise PlanError("a planted judge has no log-probabilities. Score with a model.")

    def _said(self, asked: str) -> str:
        random = Random(hashlib.sha256(f"{self.seed} {asked}".encode()).digest())
        if random.random() < self.planted.mute:
            return "Both have their merits."
        if random.random() < self.planted.ties:
            return "They are alike. [[C]]"
        parts = _PARTS.search(asked)
        if parts is None:
            raise PlanError("a planted judge only compares two answers, as pairwise.py shows them.")
        a, b = (self._last_answer(part, name) for part, name in zip(parts.groups(), "AB", strict=True))
        likely = 1 / (1 + math.exp(-self.log_odds(a, b)))
        return f"I have compared them. [[{'A' if random.random() < likely else 'B'}]]"

    def log_odds(self, a: str, b: str) -> float:
        """That A is found better."""
        longer = math.log2((1 + len(a)) / (1 + len(b)))
        own = (a in self.own) - (b in self.own)
        weights = self.planted
        better = self.worth[a] - self.worth[b]
        return weights.position + weights.length * longer + weights.own * own + weights.worth * better

    @staticmethod
    def _last_answer(part: str, name: str) -> str:
        return part.rpartition(f"Assistant {name}:\n")[2]
