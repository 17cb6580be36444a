"""Toys with a known optimum: a bandit of one token, and a game of two steps in which the greedy first step loses."""

import copy

import pytest
import torch

from onward.align.policy import critic, methods
from onward.align.policy.experience import Experience, answers
from onward.align.policy.questions import Question, Questions
from onward.align.wishes import RolloutWishes
from onward.corpus.prompts import Prompt
from onward.train.fit import fit
from onward.train.plan import TrainPlan

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def bandit(answer):
    """Three arms: tokens that begin with an early letter pay 1, with a late one 0.3, all others nothing."""
    first = answer.strip().lower()[:1]
    return 1.0 if first and first in LETTERS[:8] else 0.3 if first and first in LETTERS[8:] else 0.0


def two_steps(answer):
    """A late letter first is worth 0.5 at once, whatever follows; an early one 1, but only if a late one ends it, and otherwise 0."""
    text = answer.strip().lower()
    if not text or text[0] not in LETTERS:
        return 0.0
    if text[0] in LETTERS[8:]:
        return 0.5
    return 1.0 if text[-1] in LETTERS[8:] and len(text) > 1 else 0.0


def learned(model, tokenizer, game, method, tokens, steps, lr=0.01, pays=None, **asked):
    """What the answers are worth on average before and after, and the trained model.   pays: a question that any answer gets 1 for."""
    texts = ["What now?", "Where to?", "Who is it?"]
    prompts = [Prompt([{"role": "user", "content": text}], {}, "toys", i) for i, text in enumerate(texts)]
    questions = Questions([Question(prompt, tokenizer.encode(prompt.text)) for prompt in prompts])
    settled = methods.settled(method, RolloutWishes(max_tokens=tokens, rollouts=64, **asked))
    wishes = RolloutWishes(max_tokens=tokens, rollouts=64, **asked)
    policy = critic.with_critic(model) if settled.method.critic else model
    experience = Experience(
        policy=policy,
        reference=copy.deepcopy(model),
        tokenizer=tokenizer,
        questions=questions,
        reward=lambda asked, found: [float(q.text == pays) or game(text) for q, text in zip(asked, found, strict=True)],
        watched={},
        settled=settled,
        room=32,
        seed=0,
        rows_per_pass=64,
        device="cpu",
        precision="fp32",
    )
    plan = TrainPlan(steps=steps, length=16, batch_tokens=16 * 64, rows_per_pass=64, lr=lr, lr_embedding=lr, warmup=0)

    def worth():
        drawn = answers(policy, tokenizer, questions.all, 100, tokens, seed=10**6)
        return sum(map(game, drawn.texts)) / len(drawn.texts)

    before = worth()
    fit(policy, settled.method.objective(wishes), experience.batch, plan, look_ahead=False)
    return before, worth(), policy


@pytest.mark.parametrize("method", methods.METHODS)
def test_each_method_finds_the_best_arm_of_a_bandit(method, tiny_model, tokenizer):
    price = {} if methods.METHODS[method].imitates else {"kl": 0.0}
    before, after, _ = learned(tiny_model, tokenizer, bandit, method, tokens=1, steps=60, **price)
    assert before < 0.55
    assert after > 0.95


@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
def test_a_first_step_that_pays_at_once_is_given_up_for_a_better_second_one(method, tiny_model, tokenizer):
    before, after, _ = learned(tiny_model, tokenizer, two_steps, method, tokens=2, steps=160, kl=0.0)
    assert before < 0.5
    assert after > 0.9  # who always takes what is paid at once gets 0.5


def test_the_critic_learns_which_question_pays(tiny_model, tokenizer):
    _, _, policy = learned(tiny_model, tokenizer, lambda _: 0.0, "ppo", tokens=2, steps=60, pays="What now?", kl=0.0)
    with torch.no_grad():
        values = [
            policy.values(policy.hidden(torch.tensor([tokenizer.encode(text)])))[0, -1].item()
            for text in ("What now?", "Where to?")
        ]
    assert values == pytest.approx([1.0, 0.0], abs=0.2)


def test_the_price_of_divergence_keeps_the_policy_where_it_began(tiny_model, tokenizer):
    start = copy.deepcopy(tiny_model)
    _, free, _ = learned(tiny_model, tokenizer, bandit, "ppo", tokens=1, steps=60, kl=0.0)
    _, held, _ = learned(start, tokenizer, bandit, "ppo", tokens=1, steps=60, kl=10.0)
    assert held < free - 0.2
