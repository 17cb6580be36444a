"""What a policy is measured by: held-out prompts, answered by the model it began as and by what it has become, and both judged.

Left out: questions with one right answer (build/exam.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onward.align.policy.experience import Drawn, answers
from onward.align.policy.questions import Question, Sides
from onward.align.policy.rewards import Reward
from onward.align.policy.rollouts import Rollouts
from onward.lineage import Result
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure
from onward.train.measure import Measured, Metric
from onward.train.packing import shuffled
from onward.train.plan import TrainPlan
from onward.train.training import Example

SUITE = "held-out prompts"
REWARD = Metric(name="held_out_reward", words="reward", short="of reward", chance=None)
TARGETS = 128
"""Targets of a measurement that a prompt stands for: a few prompts while training, some hundreds at the end."""


@dataclass(kw_only=True)
class PolicyData:
    """began: the model that the training began with.   rewards: what is learned by, and what is only watched, by name."""

    tokenizer: Tokenizer
    sides: Sides
    reward: Reward
    watched: Mapping[str, Reward]
    began: LanguageModel
    max_tokens: int
    suite: str = SUITE
    metric: Metric = REWARD
    counted: str = "tokens"
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Held-out prompts with the answers before and after, once there are results."""

    def figures(self) -> dict[str, int | float]:
        return {
            "prompts": self.sides.train.rows,
            "tokens": sum(len(question.ids) for question in self.sides.train.all),
            "too long, left out": self.sides.too_long,
            "held-out prompts": self.sides.held_out.rows,
        }

    def examples(self, batches: Callable[[int], Rollouts], number: int, shown: int) -> list[Example]:
        """Prompts with an answer that the model gives now: what will be learned from."""
        first, found = batches(0), []
        for row in range(min(number, len(first.ids))):
            length, asked = int(first.lengths[row]), int(first.asked[row])
            ids = first.ids[row, : min(length, shown)].tolist()
            tokens = [(self.tokenizer.decode([i], skip_special=False), at >= asked) for at, i in enumerate(ids)]
            found.append(Example(tokens))
        return found

    def measure(self, model: LanguageModel, plan: TrainPlan, targets: int) -> dict[str, Measured]:  # noqa: ARG002
        questions = self._asked(targets)
        return {"": measure.mean(_judged(self.reward, self._answers(model, questions)))}

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """By each reward: what the answers are worth, beside those of the model it began with, and how often they are preferred to them.
        And how long they are."""
        questions = self._asked(measure.AT_THE_END)
        before, after = self._answers(self.began.to(plan.device), questions), self._answers(model, questions)
        found: list[Result] = []
        worth = {}
        for name, judge in {"": self.reward, **self.watched}.items():
            was, now = _judged(judge, before), _judged(judge, after)
            worth[name] = (was, now)
            words = f"{self.metric.words} by {name}" if name else self.metric.words
            found.append(self._result(plan, words, measure.mean(now), baseline=float(np.mean(was))))
            won = measure.preferred(now, was)
            preferred = "preferred to the answers before" + (f" by {name}" if name else "")
            found.append(self._result(plan, preferred, measure.mean(won), chance=0.5))
        tokens = [[float(len(completion.ids)) for completion in side.completions] for side in (before, after)]
        found.append(
            self._result(plan, "tokens of an answer", measure.mean(tokens[1]), baseline=float(np.mean(tokens[0])))
        )
        self.samples = [
            {
                "prompt": question.prompt.text,
                "before": before.texts[i],
                "after": after.texts[i],
                "worth": {
                    f"watched {name}" if name else "reward": [round(was[i], 4), round(now[i], 4)]
                    for name, (was, now) in worth.items()
                },
            }
            for i, question in enumerate(questions)
        ]
        return found

    def files(self) -> dict[str, bytes]:
        """Every held-out prompt with the answers before and after, and what each is worth."""
        lines = (json.dumps(sample, ensure_ascii=False) + "\n" for sample in self.samples)
        return {"samples.jsonl": "".join(lines).encode()}

    def _asked(self, targets: int) -> list[Question]:
        """Always the same ones."""
        held_out = self.sides.held_out
        return held_out.batch(shuffled(held_out.rows, seed=0, epoch=0)[: max(1, targets // TARGETS)])

    def _answers(self, model: LanguageModel, questions: Sequence[Question]) -> Drawn:
        return answers(model, self.tokenizer, questions, 1, self.max_tokens, seed=0)

    def _result(
        self,
        plan: TrainPlan,
        words: str,
        found: Measured,
        *,
        baseline: float | None = None,
        chance: float | None = None,
    ) -> Result:
        return measure.result(self.suite, found, seed=plan.seed, baseline=baseline, metric=words, chance=chance)


def _judged(reward: Reward, drawn: Drawn) -> list[float]:
    return reward([question.prompt for question in drawn.questions], drawn.texts)
