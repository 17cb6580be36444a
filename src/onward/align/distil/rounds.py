"""Self-instruct, round after round: answers to the instructions at hand, then new instructions, until there is enough.

After Wang et al. 2022 (arXiv 2212.10560, section 2.2), with the answer from a chat model in a conversation of its own. With answers_only
there is one round, in which the teacher answers the seeds: sequence-level distillation (Kim and Rush 2016, arXiv 1606.07947, section 3.2).
What is kept is a function of the seeds, the settings and the replies; the size of a round does not depend on how many requests are on
their way at once. Left out: instructions judged by how well they were answered.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from onward.align.distil import filter as rules
from onward.align.distil.asking import Asker, BudgetSpent
from onward.align.distil.filter import CUT_OFF, EMPTY, NO_LIST, NOT_TAKEN, REFUSED
from onward.align.distil.journal import Request
from onward.align.distil.seeds import Seed
from onward.align.distil.settings import COUNT, Distillation
from onward.align.distil.writing import instructions, prompt
from onward.corpus.chats import Message
from onward.errors import DataError
from onward.generate.chat_model import Reply
from onward.generate.settings import Sampling

WRITING = 4
"""Requests for new instructions in a round."""
WRITING_TOKENS = 1024
"""Of such a reply, at most."""
MADE = 4
"""One in so many examples is one that the teacher has made, where there are any: of Self-Instruct's eight, two."""
IN_VAIN = 5
"""Rounds after which it ends, if nothing has been kept in any of them."""

ENOUGH = "there is as much as was wanted"
SPENT = "the budget is used up"
EXHAUSTED = "every seed has been asked"
VAIN = f"nothing was kept in {IN_VAIN} rounds, one after the other"


class Rounds:
    """Goes through the rounds. `kept`: the conversations; `writing` and `answering`: how often what has happened."""

    def __init__(
        self, seeds: Sequence[Seed], wanted: Distillation, asker: Asker, show: Callable[[Rounds], None]
    ) -> None:
        self.seeds, self.wanted, self.asker, self.show = seeds, wanted, asker, show
        self.enough = min(wanted.count or len(seeds), len(seeds)) if wanted.answers_only else wanted.count or COUNT
        self.kept: list[list[Message]] = []
        self.writing, self.answering, self.dropped = Counter[str](), Counter[str](), Counter[str]()
        self._written, self._asked = count(), count()
        self._made: list[str] = []
        self._copies = rules.NearCopies()
        self._shown = [seed.text for seed in seeds if len(rules.words(seed.text)) <= rules.LONGEST]
        if not wanted.answers_only:
            self._begin_writing()

    def _begin_writing(self) -> None:
        if not self._shown:
            raise DataError(
                f"every seed has more than {rules.LONGEST} words, too many for an example. Add shorter ones, or use --answers-only."
            )
        for seed in self.seeds:
            for text in {seed.text, seed.text.partition("\n\n")[0]}:  # with its input, and without
                self._copies.add(text)

    @property
    def share(self) -> float:
        """How much of the way is gone, from 0 to 1: by count, by budget, or by seeds, whatever ends it first."""
        answered = self.answering["asked"] / len(self.seeds) if self.wanted.answers_only else 0.0
        spent = self.asker.journal.spent / self.wanted.budget if self.wanted.budget else 0.0
        return min(1.0, max(len(self.kept) / self.enough, answered, spent))

    def run(self) -> str:
        """Go on to the end. Returns why it ended.   Raises EndpointError."""
        tasks = list(self.seeds) if self.wanted.answers_only else []
        vain = -1  # the first round, which only writes, does not count
        while vain < IN_VAIN:
            before = len(self.kept)
            try:
                tasks = self._round(tasks)
            except BudgetSpent:
                return SPENT
            if len(self.kept) >= self.enough:
                return ENOUGH
            if self.wanted.answers_only:
                return EXHAUSTED
            vain = vain + 1 if len(self.kept) == before else 0
        return VAIN

    def _round(self, tasks: Sequence[Seed]) -> list[Seed]:
        """Have the tasks answered and new ones written, which are returned. Ends early where there is enough."""
        jobs: list[tuple[Seed | None, Request]] = [(task, self._to_answer(task)) for task in tasks]
        if not self.wanted.answers_only:
            jobs += [(None, self._to_write()) for _ in range(WRITING)]
        fresh = list[Seed]()
        for (task, _), reply in zip(jobs, self.asker.ask([request for _, request in jobs]), strict=True):
            if task is None:
                fresh += self._take_up(reply)
            else:
                self._judge(task, reply)
            self.show(self)
            if len(self.kept) >= self.enough:
                break
        return fresh

    # --- new instructions ---------------------------------------------------------------------------------------------

    def _to_write(self) -> Request:
        number = next(self._written)
        chance = random.Random(f"{self.wanted.seed} {number}")
        made = chance.sample(self._made, min(len(self._made), self.wanted.examples // MADE))
        given = chance.sample(self._shown, min(len(self._shown), self.wanted.examples - len(made)))
        chance.shuffle(shown := given + made)
        return self._request(
            [{"role": "user", "content": prompt(shown)}],
            f"write {number}",
            self.wanted.writing_temperature,
            WRITING_TOKENS,
        )

    def _take_up(self, reply: Reply | None) -> list[Seed]:
        """The instructions of a reply that pass the filters."""
        self.writing["asked"] += 1
        if reply is None:
            self.writing[NOT_TAKEN] += 1
            return []
        found = instructions(reply.text, cut_off=reply.finish == "length")
        refused = len(found) < 2 and rules.is_refusal(reply.text)  # a list may begin with an instruction about refusing
        if refused or not found:
            self.writing[REFUSED if refused else NO_LIST] += 1
            return []
        return [Seed(text, [{"role": "user", "content": text}]) for text in found if self._passes(text)]

    def _passes(self, text: str) -> bool:
        self.writing["instructions"] += 1
        reason = rules.fault(text) or (rules.NEAR_COPY if self._copies.has(text) else None)
        if reason is not None:
            self.dropped[reason] += 1
            return False
        self._copies.add(text)
        return True

    # --- answers ------------------------------------------------------------------------------------------------------

    def _to_answer(self, task: Seed) -> Request:
        return self._request(
            task.messages, f"answer {next(self._asked)}", self.wanted.temperature, self.wanted.max_tokens
        )

    def _judge(self, task: Seed, reply: Reply | None) -> None:
        """Keep an answer, or count why not."""
        self.answering["asked"] += 1
        text = "" if reply is None else reply.text.strip()
        refused = rules.is_refusal(text)
        self.answering[REFUSED] += refused
        if reply is None:
            self.answering[NOT_TAKEN] += 1
        elif not text:
            self.answering[EMPTY] += 1
        elif refused and not self.wanted.keep_refusals:
            pass
        elif reply.finish == "length":
            self.answering[CUT_OFF] += 1
        else:
            self.kept.append([*task.messages, {"role": "assistant", "content": text}])
            self._made.append(task.text)

    def _request(self, messages: Sequence[Message], name: str, temperature: float, tokens: int) -> Request:
        """With a seed of its own, in the 31 bits that every server takes."""
        hashed = hashlib.sha256(f"{self.wanted.seed} {name}".encode()).digest()
        seed = int.from_bytes(hashed[:4], "big") >> 1
        return Request(messages, Sampling(temperature=temperature, seed=seed, max_tokens=tokens))

    # --- what came of it ----------------------------------------------------------------------------------------------

    def found(self) -> dict[str, Any]:
        """All counts, as data."""
        writing, answering = self.writing, self.answering
        return {
            "kept": len(self.kept),
            "refusals": writing[REFUSED] + answering[REFUSED],
            "writing": {
                "asked": writing["asked"],
                "in_vain": {reason: writing[reason] for reason in rules.OF_LISTS},
                "instructions": writing["instructions"],
                "dropped": {reason: self.dropped[reason] for reason in rules.OF_INSTRUCTIONS},
            },
            "answering": {
                "asked": answering["asked"],
                "dropped": {
                    reason: answering[reason] * (reason != REFUSED or not self.wanted.keep_refusals)
                    for reason in rules.OF_ANSWERS
                },
            },
        }
