"""Experience: the answers that a policy draws, judged, and cut into the batches of the next steps.

Batch i belongs to drawing i // steps. A drawing is a function of the weights at that moment, the seed and its number; what it gave is kept
in every checkpoint, so a training that goes on has the very batches that it would have had. Left out: what is learned (losses.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from onward.align.policy.critic import ActorCritic
from onward.align.policy.methods import Settled
from onward.align.policy.questions import Question, Questions
from onward.align.policy.rewards import Reward
from onward.align.policy.rollouts import Rollouts, read
from onward.align.policy.steps import over_tokens
from onward.errors import TrainingError
from onward.generate.engine import Completion, Engine, Request
from onward.generate.load import as_they_are
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure
from onward.train.fit import Step
from onward.train.packing import Batches

AT_ONCE = 128
"""Answers that are drawn together."""
DISAGREEMENT = 0.05
"""Nats, a mean over tokens: sampler and learner are the same model, and must find the same probabilities. In fp32 they do to 1e-5, in
bf16 to 1e-2; past this, what is learned from is not what was drawn (Yao et al. 2025, "Your efficient RL framework secretly brings you
off-policy RL training")."""
RAISED = 0.5
"""How quickly the price of divergence follows its target: by a tenth a drawing at most (Ziegler et al. 2019, section 2.2, has 0.1, for
many more drawings)."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Answers to some questions, side by side those to the same one."""

    questions: list[Question]
    completions: list[Completion]

    @property
    def texts(self) -> list[str]:
        return [completion.text for completion in self.completions]


def answers(
    model: LanguageModel, tokenizer: Tokenizer, questions: Sequence[Question], each: int, max_tokens: int, seed: int
) -> Drawn:
    """Drawn as the model is, at temperature 1, `each` to every question."""
    was_training = model.training
    asked = [question for question in questions for _ in range(each)]
    engine = Engine(model, tokenizer, at_once=AT_ONCE, weights=as_they_are(model))
    requests = [
        Request(prompt=question.ids, sampling=Sampling(temperature=1.0, max_tokens=max_tokens, seed=seed + number))
        for number, question in enumerate(asked)
    ]
    done = engine.run(requests)
    model.train(was_training)
    return Drawn(questions=asked, completions=done)


@dataclass(kw_only=True)
class Experience:
    """policy: the model that learns; it draws as it is at the moment.   reference: the model that it began as.   room: tokens of a prompt
    with its answer, at most.   watched: rewards that are only looked at, by name."""

    policy: LanguageModel
    reference: LanguageModel
    tokenizer: Tokenizer
    questions: Questions
    reward: Reward
    watched: Mapping[str, Reward]
    settled: Settled
    room: int
    seed: int
    rows_per_pass: int
    device: str
    precision: str
    number: int = field(default=-1, init=False)
    """Of the drawing at hand, from 0."""
    figures: dict[str, float] = field(default_factory=dict, init=False)
    """What is said of it."""

    def __post_init__(self) -> None:
        self.price = self.settled.kl
        nothing: list[list[int]] = [[]] * self.settled.rollouts
        self.rollouts = Rollouts.of(nothing, nothing, self.room)

    def batch(self, i: int) -> Rollouts:
        """The answers of step i, from 0."""
        number, step = divmod(i, self.settled.steps)
        if number != self.number:
            self._draw(number)
        epoch, part = divmod(step, self.settled.minibatches)
        order = np.random.Generator(
            np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=(number, epoch)))
        ).random(self.settled.rollouts)
        return self.rollouts.rows(torch.from_numpy(np.array_split(np.argsort(order), self.settled.minibatches)[part]))

    def tell(self, step: Step) -> None:
        """A callback: the figures of the answers that the step has learned from."""
        step.measured.update(self.figures)

    # --- drawing ------------------------------------------------------------------------------------------------------

    def _draw(self, number: int) -> None:
        """Draw, judge, and work out what is to be learned."""
        settled = self.settled
        questions = Batches(self.questions, settled.prompts, self.seed).batch(number)
        draws = np.random.SeedSequence(self.seed, spawn_key=(number,)).generate_state(1, np.uint64)[0] >> 2
        drawn = answers(self.policy, self.tokenizer, questions, settled.answers, settled.max_tokens, int(draws))
        prompts = [question.prompt for question in drawn.questions]
        judged, done = self.reward(prompts, drawn.texts), drawn.completions
        worth = torch.tensor([float(value) for value in judged])
        rollouts = Rollouts.of([q.ids for q in drawn.questions], [c.drawn for c in done], self.room)
        if number == 0 and isinstance(self.policy, ActorCritic):
            self.policy.expect(worth.mean().item())
        old, values = self._read(self.policy, rollouts)
        reference, _ = self._read(self.reference, rollouts)
        rollouts = replace(rollouts, old=old, reference=reference)
        earned = over_tokens(judged, done, rollouts, self.tokenizer)
        found, returns = settled.method.estimate(rollouts, earned, values, self.price, settled.answers)
        self.rollouts, self.number = replace(rollouts, advantages=found, returns=returns), number
        self.figures = self._figures(drawn, worth, values) | {
            f"watched {name}": float(np.mean(judge(prompts, drawn.texts))) for name, judge in self.watched.items()
        }
        self._adapt()

    @torch.inference_mode()
    def _read(self, model: LanguageModel, rollouts: Rollouts) -> tuple[Tensor, Tensor]:
        """Log-probabilities, and what the critic foretells, (N, T - 1) each."""
        mask = rollouts.mask
        found = (torch.zeros(mask.shape), torch.zeros(mask.shape))
        numbers = torch.argsort(rollouts.lengths)  # of like length together, for little padding
        for chosen in torch.split(numbers, max(1, self.rows_per_pass)):
            part = rollouts.rows(chosen).to(self.device)
            with measure.autocast(self.device, self.precision):
                seen = read(model, part)
                values = (
                    model.values(seen.hidden) if isinstance(model, ActorCritic) else torch.zeros_like(seen.log_probs)
                )
            for table, new in zip(found, (seen.log_probs, values), strict=True):
                rows = torch.zeros(part.mask.shape)
                rows[part.mask.cpu()] = new.float().cpu()
                table[chosen, : rows.shape[1]] = rows
        return found

    def _figures(self, drawn: Drawn, worth: Tensor, values: Tensor) -> dict[str, float]:
        rollouts, mask, done = self.rollouts, self.rollouts.mask, drawn.completions
        sampled = torch.zeros(mask.shape)
        sampled[mask] = torch.tensor([p for completion in done for p in completion.log_probs])
        disagreement = (sampled - rollouts.old)[mask].abs().mean().item()
        if disagreement > DISAGREEMENT:
            raise TrainingError(
                f"sampler and learner disagree by {disagreement:.3f} nats a token about what was drawn (at most {DISAGREEMENT} is borne): "
                "the model learns from answers that it would not give. Use --precision fp32."
            )
        groups = worth.view(-1, self.settled.answers)
        figures = {
            "reward": worth.mean().item(),
            "reward_spread": worth.std(unbiased=False).item(),
            "kl": (rollouts.old - rollouts.reference).sum(1).mean().item(),
            "answer_tokens": rollouts.learnable / len(worth),
            "cut_off": sum(completion.finish == "length" for completion in done) / len(done),
            "disagreement": disagreement,
            "price": self.price,
        }
        if self.settled.answers > 1:
            figures["ties"] = (groups.amax(1) == groups.amin(1)).float().mean().item()
        if self.settled.method.critic:
            left = (rollouts.returns - values)[mask].var(unbiased=False).item()
            whole = rollouts.returns[mask].var(unbiased=False).item()
            figures["explained"] = 1 - left / whole if whole > 1e-12 else 0.0
        return figures

    def _adapt(self) -> None:
        """Raise the price where the policy is further from the reference than it should be, and lower it where it is nearer."""
        if self.settled.kl_target is not None:
            off = self.figures["kl"] / self.settled.kl_target - 1
            self.price *= 1 + RAISED * min(max(off, -0.2), 0.2)

    # --- kept in checkpoints ------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        state = torch.tensor([self.number, self.price], dtype=torch.float64)
        return {name: value.contiguous() for name, value in vars(self.rollouts).items()} | {
            "state": state,
            "figures": torch.tensor([self.figures.get(name, torch.nan) for name in self._names], dtype=torch.float64),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.number, self.price = int(state["state"][0]), float(state["state"][1])
        self.figures = {n: v for n, v in zip(self._names, state["figures"].tolist(), strict=True) if not np.isnan(v)}
        self.rollouts = Rollouts(**{name: state[name] for name in vars(self.rollouts)})

    @property
    def _names(self) -> list[str]:
        """Of all figures that there may be."""
        return [*FIGURES, *(f"watched {name}" for name in self.watched)]


FIGURES = (
    "reward",
    "reward_spread",
    "kl",
    "answer_tokens",
    "cut_off",
    "disagreement",
    "price",
    "ties",
    "explained",
)
"""What may be said of a drawing: what the answers are worth and how much they differ in it; nats of divergence from the reference, an
answer; tokens of an answer; the share that was cut off; the disagreement of sampler and learner, nats a token;
the price of a nat; the share of the prompts whose answers are all worth the same; the share of the returns' variance that the critic
foretold."""
