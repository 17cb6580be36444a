"""Different answers of one model to each prompt, drawn at temperature 1: the model as it is, where all that it might say can be compared.

A draw is a function of the model, the prompt, the seed and its number, so going on draws the same. An answer that is empty, cut off, or the
same as another is drawn again a few times. Every reply goes into a journal (distil/journal.py), and nothing is asked twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from onward.align.distil.asking import Asker, BudgetSpent
from onward.align.distil.journal import Request
from onward.align.ranking.prompts import Prompt
from onward.align.ranking.settings import Wanted
from onward.corpus.chats import trim
from onward.errors import ChatError
from onward.generate import engine
from onward.generate.chat_model import FolderModel, Reply
from onward.generate.settings import Sampling

ROUNDS = 3
"""Of drawing: the answers that are wanted, and then twice as many as still lack."""


@dataclass
class Drawn:
    """What has come for a prompt: different answers, and how many replies were of no use.   taken: whether the model takes the prompt."""

    answers: list[str] = field(default_factory=list)
    useless: int = 0
    draws: int = 0
    taken: bool = True

    def add(self, reply: Reply | None) -> None:
        self.draws += 1
        if reply is None:
            self.taken = False
            return
        said = [{"role": "assistant", "content": reply.text}]
        trim(said)
        answer = said[0]["content"].strip()
        if not answer or reply.finish == "length" or answer in self.answers:
            self.useless += 1
        else:
            self.answers.append(answer)


class Answers:
    """Draws from the asker's model."""

    def __init__(self, asker: Asker, wanted: Wanted) -> None:
        self.asker, self.wanted = asker, wanted

    def of(self, prompts: Sequence[Prompt]) -> list[Drawn]:
        """For each prompt as many different answers as are wanted, where the model has them.   Raises BudgetSpent, EndpointError."""
        found = [Drawn() for _ in prompts]
        for _ in range(ROUNDS):
            jobs = [
                (drawn, self._request(prompt, drawn.draws + number))
                for prompt, drawn in zip(prompts, found, strict=True)
                if drawn.taken
                for number in range(self.wanted.answers - len(drawn.answers))
            ]
            if not jobs:
                break
            for (drawn, _), reply in zip(jobs, self._replies([request for _, request in jobs]), strict=True):
                drawn.add(reply)
        return found

    def _request(self, prompt: Prompt, number: int) -> Request:
        """With a seed of its own, in the 31 bits that every server takes."""
        hashed = hashlib.sha256(f"{self.wanted.seed} {prompt.key} {number}".encode()).digest()
        seed = int.from_bytes(hashed[:4], "big") >> 1
        return Request(prompt.messages, Sampling(temperature=1.0, seed=seed, max_tokens=self.wanted.max_tokens))

    def _replies(self, requests: Sequence[Request]) -> Iterable[Reply | None]:
        model = self.asker.teacher
        return self._in_batches(model, requests) if isinstance(model, FolderModel) else self.asker.ask(requests)

    def _in_batches(self, model: FolderModel, requests: Sequence[Request]) -> list[Reply | None]:
        """A folder's answers to many prompts at once."""
        journal = self.asker.journal
        new = [(request, ids) for request in requests if journal.get(request) is None and (ids := _ids(model, request))]
        if new:
            if self.asker.spent_all:
                raise BudgetSpent
            asked = [engine.Request(prompt=ids, sampling=r.sampling, adapter=model.adapter) for r, ids in new]
            for (request, _), done in zip(new, model.engine.run(asked), strict=True):
                journal.add(request, Reply(done.text, done.finish, done.prompt_tokens, len(done.ids)))
        return [journal.get(request) for request in requests]


def _ids(model: FolderModel, request: Request) -> list[int]:
    """The prompt in tokens; none where the model's template cannot show it, or nothing can follow it."""
    try:
        ids = model.prompt(request.messages)
    except ChatError:
        return []
    return ids if len(ids) < model.engine.room else []
