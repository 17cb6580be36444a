"""How well a policy that has learned from preferences tells better answers from worse ones by its implicit reward, and how far it has gone.

What is measured is what is measured of a reward model (rankings.py), and beside it what became of the answers' own likelihood and the
divergence from the start model. Left out: what its own answers are like, which takes generating them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from onward.align.calibration import Floats, Judgement
from onward.align.direct.log_probs import learned, of_answers
from onward.align.direct.pairs import Answers, Paired
from onward.align.rankings import RankingData
from onward.lineage import Result
from onward.model.trunk import LanguageModel, at_least_float32
from onward.train import measure
from onward.train.measure import Measured
from onward.train.packing import Ints, shuffled
from onward.train.plan import TrainPlan
from onward.train.training import Example
from onward.train.working import working_copy

SCORES_AT_ONCE = 2**24
"""Logits of each of two models that are held together for the divergence: 64 MB."""


@dataclass(kw_only=True)
class DirectData(RankingData):
    """What direct preference optimisation learns from and is measured on.

    beta, per_token: an answer's implicit reward is beta times its log-ratio, or that a token (IPO).   start: gives the start model.
    confident: whether differences of rewards are meant as log-odds, as DPO's are, so that their calibration says something.
    """

    paired: Paired
    paired_held_out: Paired
    beta: float
    per_token: bool
    confident: bool
    start: Callable[[], LanguageModel]
    changes: list[tuple[Floats, Floats]] = field(default_factory=list)
    """Of the held-out rankings as last judged: the log-ratios of their answers, in nats, and how many tokens these have."""

    def examples(self, batches: Callable[[int], Any], number: int, shown: int) -> list[Example]:
        """Answers of the first rankings behind their prompts. What is marked is learned: to be likelier, or less likely."""
        answers: Answers = batches(0).answers
        found = []
        for ids, answer in list(zip(answers.ids, answers.answer, strict=True))[:number]:
            end = int(answer.nonzero().max()) + 1
            marked = zip(ids[:end].tolist()[:shown], answer[:end].tolist()[:shown], strict=True)
            found.append(Example([(self.tokenizer.decode([i], skip_special=False), learn) for i, learn in marked]))
        return found

    def judge(self, model: LanguageModel, plan: TrainPlan, targets: int) -> list[Judgement]:
        """The implicit rewards of held-out answers."""
        judged: list[Judgement] = []
        self.changes = []
        for numbers, answers, policy in self._read(model, plan, targets, of_answers):
            ratios = (policy.cpu() - answers.reference.cpu()).double().numpy()
            tokens = answers.tokens.cpu().double().numpy()
            rewards = self.beta * (ratios / tokens if self.per_token else ratios)
            ranking = answers.ranking.cpu().numpy()
            for place, number in enumerate(numbers):
                one, own = self.held_out.all[int(number)], ranking == place
                judged.append(Judgement(prompt=one.prompt, answers=one.answers, rewards=rewards[own].tolist()))
                self.changes.append((ratios[own], tokens[own]))
        return judged

    def _read(
        self,
        model: LanguageModel,
        plan: TrainPlan,
        targets: int,
        ask: Callable[[LanguageModel, Answers], Tensor],
    ) -> Iterator[tuple[Ints, Answers, Tensor]]:
        """Held-out rankings by their numbers, their answers, and what is found of these; so many that they have about `targets` tokens."""
        was_training = model.training
        working = working_copy(model, plan.precision).eval()
        seen, order = 0, shuffled(self.held_out.rows, seed=0, epoch=0)
        at_once = max(1, plan.rows_per_pass // 2)
        for first in range(0, len(order), at_once):
            if seen >= targets:
                break
            numbers = self.held_out.by_length(order[first : first + at_once])
            answers = self.paired_held_out.batch(numbers).answers.to(plan.device)
            with torch.no_grad(), torch.compiler.set_stance("force_eager"):
                found = ask(working, answers)
            yield numbers, answers, found
            seen += int(answers.tokens.sum())
        model.train(was_training)

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """Pairs ranked right as of a reward model; how the better and the worse answers have changed; and the divergence."""
        found = super().results(model, plan)
        found = found if self.confident else [one for one in found if one.metric != CALIBRATION]
        for words, place in (("better", 0), ("worse", -1)):
            parts = np.array([ratios[place] for ratios, _ in self.changes])
            sizes = np.array([tokens[place] for _, tokens in self.changes])
            metric = f"{words} answers have become likelier by, in nats a token"
            found.append(self._result(measure.with_interval(parts, sizes), plan, metric))
        metric = "divergence from the start model on better answers, in nats a token"
        return [*found, self._result(self.divergence(model, plan, measure.AT_THE_END), plan, metric)]

    def _result(self, measured: Measured, plan: TrainPlan, metric: str) -> Result:
        return measure.result(self.suite, measured, seed=plan.seed, baseline=None, metric=metric, chance=None)

    def divergence(self, model: LanguageModel, plan: TrainPlan, targets: int) -> Measured:
        """KL(model, start model) of the next token, over the whole vocabulary, a mean over the tokens of the best held-out answers.

        At the places of given answers, and not of the model's own, which would have to be drawn.
        """
        start = working_copy(self.start().to(plan.device), plan.precision).eval()
        parts, sizes = list[float](), list[float]()
        for _, answers, found in self._read(
            model, plan, targets, lambda policy, some: divergences(policy, start, some)
        ):
            best = torch.cat([answers.ranking.new_ones(1), answers.ranking.diff()]).bool()
            parts += found[best].tolist()
            sizes += answers.tokens[best].tolist()
        return measure.with_interval(np.array(parts), np.array(sizes, dtype=float))


CALIBRATION = "calibration error"


def divergences(policy: LanguageModel, start: LanguageModel, answers: Answers) -> Tensor:
    """KL(policy, start) of the next token, summed over each answer's places, in nats, (N,)."""
    (ours, targets, places), (theirs, _, _) = learned(policy, answers), learned(start, answers)
    found = torch.zeros(len(targets), device=targets.device)
    at_once = max(1, SCORES_AT_ONCE // policy.config.vocab_size)
    for first in range(0, len(targets), at_once):
        part = slice(first, first + at_once)
        now, before = (
            F.log_softmax(scores.to(at_least_float32(scores.dtype)), -1)
            for scores in (
                policy.head(ours[part], policy.embedding.tokens.weight),
                start.head(theirs[part], start.embedding.tokens.weight),
            )
        )
        found[part] = (now.exp() * (now - before)).sum(-1).to(found.dtype)
    return torch.zeros(places.shape, device=found.device).masked_scatter(places, found).sum(1)
