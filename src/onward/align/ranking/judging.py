"""Judges that need no person: a reward model's number, or a chat model that is asked which of two answers is better.

A chat model is asked for every pair in both orders, since many prefer what stands first (Zheng et al. 2023, arXiv 2306.05685, section 3.3);
an answer wins a pair only if it does in both. Of more than two answers, the ranking is by pairs won. Left out: explanations, and grades for
single answers.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import torch

from onward.align.distil.asking import Asker
from onward.align.distil.journal import Request
from onward.align.ranking.prompts import Prompt
from onward.errors import ChatError
from onward.generate.chat_model import Message, Reply
from onward.generate.settings import Sampling
from onward.model import folder
from onward.model.device import choose
from onward.model.reward import rewards
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer

ROOM = 1024
"""Tokens of a judge's reply at most. One letter is asked for; a model that thinks aloud needs more."""

QUESTION = """\
Below are a conversation and two answers that an assistant could give next. Which answer is better: more helpful, more correct, more \
honest, and more like what was asked for? That an answer is longer, or stands first, is no merit.

[The conversation]
{conversation}

[Answer A]
{a}

[Answer B]
{b}

[End]

Reply with one letter and nothing else: A if answer A is better, B if answer B is better, T if neither is."""

_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_ALONE = re.compile(r"\W*(A|B|T|tie)\W*", re.IGNORECASE)
_BRACKETED = re.compile(r"\[\[\s*(A|B|T|tie)\s*\]\]", re.IGNORECASE)
_SAID = re.compile(
    r"\b(?i:answer|choice|verdict|winner)(?:\s+is)?\s*[:=]?\s*\W{0,3}(A|B|T)\b(?!')|\b(A|B)(?:\W{0,3})\s+is\s+(?:\w+\s+)?better\b"
)


Letters = tuple[str | None, str | None]
WON: dict[Letters, float] = {("A", "B"): 1.0, ("B", "A"): 0.0}
"""What the first answer of a pair has won, where both orders say the same."""


@dataclass(frozen=True)
class Case:
    """A prompt with different answers to it."""

    prompt: Prompt
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What a judge finds.   worth: of each answer, higher is better; None where it finds nothing.   asked: how often what has happened."""

    worth: tuple[float, ...] | None
    asked: dict[str, int] = field(default_factory=dict)


class Judge(ABC):
    """Finds out which answers are better."""

    name: str

    @abstractmethod
    def verdicts(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        """One for each case, in order."""


class RewardJudge(Judge):
    """A reward model's folder.   Raises FolderError, TokenizerError."""

    def __init__(self, path: Path, device: str | None = None) -> None:
        self.name, self.device = str(path), choose(device)
        self.tokenizer = Tokenizer.load(path)
        self.model = folder.load(path, device=self.device, outputs="score").eval()
        folder.check_tokenizer(self.model.config, self.tokenizer.highest_id)

    def verdicts(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        yield from map(self._verdict, cases)

    @torch.inference_mode()
    def _verdict(self, case: Case) -> Verdict:
        chats = [[*case.prompt.messages, {"role": "assistant", "content": answer}] for answer in case.answers]
        try:
            rows = [encode_chat(self.tokenizer, chat).ids for chat in chats]
        except ChatError:
            return Verdict(None)
        lengths = torch.tensor([len(row) for row in rows])
        if lengths.max() > self.model.config.max_positions:
            return Verdict(None)
        ids = torch.full((len(rows), int(lengths.max())), self.tokenizer.pad_id)
        for row, own in zip(ids, rows, strict=True):
            row[: len(own)] = torch.tensor(own)
        return Verdict(tuple(rewards(self.model, ids.to(self.device), lengths.to(self.device)).double().tolist()))


class ChatJudge(Judge):
    """A chat model that is asked."""

    def __init__(self, asker: Asker, name: str) -> None:
        self.asker, self.name = asker, name

    def verdicts(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        """Raises BudgetSpent, EndpointError."""
        pairs = [list(combinations(range(len(case.answers)), 2)) for case in cases]
        requests = [
            _request(case, *order)
            for case, own in zip(cases, pairs, strict=True)
            for first, second in own
            for order in ((first, second), (second, first))
        ]
        replies = self.asker.ask(requests)
        for case, own in zip(cases, pairs, strict=True):
            said = [(_letter_of(next(replies)), _letter_of(next(replies))) for _ in own]
            yield found(len(case.answers), own, said)


def _letter_of(reply: Reply | None) -> str | None:
    return None if reply is None else letter(reply.text)


def found(answers: int, pairs: Sequence[tuple[int, int]], said: Sequence[Letters]) -> Verdict:
    """Pairs won by each answer; one that is not decided is half won by both.

    said: of each pair, the letters in the order of the pair and in the other one.
    """
    won, asked = [0.0] * answers, dict.fromkeys(("asked", "unread", "first", "second", "pairs", "swayed"), 0)
    for (one, other), letters in zip(pairs, said, strict=True):
        share = WON.get(letters, 0.5)
        won[one] += share
        won[other] += 1 - share
        asked["asked"] += 2
        asked["unread"] += letters.count(None)
        asked["first"] += letters.count("A")
        asked["second"] += letters.count("B")
        asked["pairs"] += 1
        asked["swayed"] += letters in (("A", "A"), ("B", "B"))
    return Verdict(tuple(won), asked)


def letter(reply: str) -> str | None:
    """A, B or T, as a judge's reply says it: alone, in double brackets, or in a sentence; the last one counts. None where it says none."""
    text = _THINKING.sub("", reply).strip()
    if alone := _ALONE.fullmatch(text):
        return alone[1][0].upper()
    if bracketed := _BRACKETED.findall(text):
        return str(bracketed[-1])[0].upper()
    if said := _SAID.findall(text):
        return str(next(one for one in said[-1] if one))
    first = text.partition("\n")[0]
    return first[0] if re.match(r"[ABT](?:[.:,)*]|\s*$)", first) else None


def _request(case: Case, first: int, second: int) -> Request:
    told = "\n\n".join(f"{message['role'].capitalize()}: {message['content']}" for message in case.prompt.messages)
    asked = QUESTION.format(conversation=told, a=case.answers[first], b=case.answers[second])
    messages: list[Message] = [{"role": "user", "content": asked}]
    return Request(messages, Sampling(temperature=0.0, max_tokens=ROOM))
