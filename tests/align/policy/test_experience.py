"""Experience: what is drawn and in which order it is learned from, that sampler and learner agree, and that nothing is lost on the way."""

import copy
from dataclasses import replace

import pytest
import torch

from onward.align.policy import methods
from onward.align.policy.advantages import generalised
from onward.align.policy.critic import with_critic
from onward.align.policy.experience import FIGURES, Experience, answers
from onward.align.policy.questions import Question, Questions
from onward.align.policy.steps import Stepwise
from onward.align.wishes import RolloutWishes
from onward.corpus.prompts import Prompt
from onward.errors import TrainingError
from onward.generate.engine import Engine
from onward.tokens.chat import encode_chat
from samples import randomised

WISHES = RolloutWishes(rollouts=24, answers=4, max_tokens=6, epochs=2, minibatches=3, kl=0.1)


def length(_prompts, texts):
    return [float(len(text)) for text in texts]


@pytest.fixture
def questions(tokenizer):
    found = []
    for number in range(20):
        messages = [{"role": "user", "content": "Why? " * (number % 3) + str(number)}]
        ids = encode_chat(tokenizer, messages, add_generation_prompt=True).ids
        found.append(Question(Prompt(messages, {}, "p.jsonl", number + 1), ids))
    return Questions(found)


@pytest.fixture
def experience(talker, tokenizer, questions):
    """`experience("grpo")`, of a policy that is no longer what it began as."""
    reference = copy.deepcopy(talker).eval()
    policy = randomised(talker, seed=5)

    def made(method="grpo", wishes=WISHES, **changed):
        chosen = methods.settled(method, wishes)
        values = {
            "policy": with_critic(policy) if chosen.method.critic else policy,
            "reference": reference,
            "tokenizer": tokenizer,
            "questions": questions,
            "reward": length,
            "watched": {"short": lambda prompts, texts: [-value for value in length(prompts, texts)]},
            "settled": chosen,
            "room": 40,
            "seed": 3,
            "rows_per_pass": 5,
            "device": "cpu",
            "precision": "fp32",
        }
        return Experience(**(values | changed))

    return made


def test_answers_to_a_prompt_stand_side_by_side_and_are_as_the_model_is(experience, questions):
    found = experience()
    found.batch(0)
    rollouts, known = found.rollouts, [question.ids for question in questions.all]
    asked = [ids[:n].tolist() for ids, n in zip(rollouts.ids, rollouts.asked, strict=True)]
    for first in range(0, 24, 4):
        assert asked[first] in known
        assert asked[first : first + 4] == [asked[first]] * 4
    assert len({tuple(one) for one in asked}) == 6
    drawn = [tuple(ids[n:m].tolist()) for ids, n, m in zip(rollouts.ids, rollouts.asked, rollouts.lengths, strict=True)]
    assert all(len({*drawn[first : first + 4]}) > 1 for first in range(0, 24, 4)), "each answer has its own seed"
    assert {len(one) for one in drawn} >= {1, 2, 4, 6}, "of all lengths"


def test_an_epoch_learns_from_each_answer_once_and_another_one_in_another_order(experience):
    found = experience()
    found.batch(0)
    number = torch.arange(24.0)[:, None].expand(24, 39)
    found.rollouts = replace(found.rollouts, returns=number)
    orders = [[int(x) for step in range(3) for x in found.batch(3 * epoch + step).returns[:, 0]] for epoch in range(2)]
    assert [sorted(order) for order in orders] == [list(range(24))] * 2
    assert orders[0] != orders[1]
    assert [len(found.batch(step).ids) for step in range(6)] == [8] * 6
    uneven = experience(wishes=replace(WISHES, minibatches=5))
    assert sorted(len(uneven.batch(step).ids) for step in range(5)) == [4, 5, 5, 5, 5]


def test_after_its_steps_new_prompts_are_answered_and_none_is_left_out(experience):
    found, drawings = experience(), []
    for number in range(10):
        found.batch(6 * number)
        assert found.number == number
        drawings.append(
            [(int(n), tuple(ids[:n].tolist())) for ids, n in zip(found.rollouts.ids, found.rollouts.asked, strict=True)]
        )
    asked = [prompt for drawing in drawings for prompt in drawing[::4]]
    assert len({*asked}) == 20
    assert {asked.count(prompt) for prompt in asked} == {3}
    assert all(not {*drawings[n]} & {*drawings[n + 1]} for n in range(2)), "within a pass, no prompt comes again"


def test_sampler_and_learner_agree(experience, tokenizer):
    found = experience()
    found.batch(0)
    rollouts, engine = found.rollouts, Engine(found.policy, tokenizer)
    assert found.figures["disagreement"] < 1e-5
    for model, table in ((found.policy, rollouts.old), (found.reference, rollouts.reference)):
        engine = Engine(model, tokenizer)
        for row in range(0, 24, 5):
            n, m = int(rollouts.asked[row]), int(rollouts.lengths[row])
            scored = engine.score(rollouts.ids[row, :n].tolist(), rollouts.ids[row, n:m].tolist())
            assert table[row, n - 1 : m - 1].tolist() == pytest.approx(scored, abs=1e-4)
    assert not rollouts.old[~rollouts.mask].any()


def test_where_they_do_not_agree_it_stops_with_the_reason_in_a_line(experience, talker):
    """A learner that sees other weights than the sampler: here, one that computes otherwise where there is no cache."""

    class Twisted(type(talker)):
        def hidden(self, ids, positions=None, mask=None, cache=None, token_types=None):
            found = super().hidden(ids, positions, mask, cache, token_types)
            return found if cache is not None else 1.1 * found

    twisted = Twisted(talker.config)
    twisted.load_state_dict(talker.state_dict())
    with pytest.raises(TrainingError, match=r"disagree by 0\.\d+ nats a token .*Use --precision fp32") as caught:
        experience(policy=twisted).batch(0)
    assert "\n" not in str(caught.value)


def test_the_figures_are_those_of_the_answers(experience, tokenizer):
    found = experience("rloo")
    found.batch(0)
    figures, rollouts = found.figures, found.rollouts
    drawn = [ids[n:m].tolist() for ids, n, m in zip(rollouts.ids, rollouts.asked, rollouts.lengths, strict=True)]
    ended = [one[-1] in tokenizer.eos_ids for one in drawn]
    texts = [tokenizer.decode(one[:-1] if end else one) for one, end in zip(drawn, ended, strict=True)]
    worth = torch.tensor([float(len(text)) for text in texts])
    assert figures["reward"] == pytest.approx(worth.mean().item())
    assert figures["reward_spread"] == pytest.approx(worth.std(unbiased=False).item())
    assert figures["watched short"] == pytest.approx(-worth.mean().item())
    assert figures["answer_tokens"] == pytest.approx(rollouts.mask.sum().item() / 24)
    assert 0 < figures["cut_off"] == pytest.approx(1 - sum(ended) / 24)
    assert figures["kl"] == pytest.approx((rollouts.old - rollouts.reference).sum().item() / 24, rel=1e-5)
    assert figures["ties"] == sum(len({*group.tolist()}) == 1 for group in worth.view(6, 4)) / 6
    assert "explained" not in figures
    assert {*figures} - {"watched short"} <= {*FIGURES}


def test_what_the_critic_explains(experience):
    found = experience("ppo", replace(WISHES, answers=1))
    found.batch(0)
    assert found.figures["explained"] == 0, "it foretells nothing yet"
    assert "ties" not in found.figures
    alike = experience("ppo", replace(WISHES, answers=1, kl=0.0), reward=lambda _, texts: [0.0] * len(texts))
    alike.batch(0)
    assert alike.figures["explained"] == 0, "there is nothing to explain"
    with torch.no_grad():
        found.policy.value.bias.fill_(found.rollouts.returns[found.rollouts.mask].mean())
        found.policy.value.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    found.batch(6)
    assert found.figures["explained"] < 1
    assert found.figures["explained"] != 0


def test_what_is_earned_on_the_way_is_learned_from_where_it_was_earned(experience):
    """Here by the first token, if it says anything; at first the critic foretells the same everywhere."""

    def begun(_prompts, texts):
        return [Stepwise([(1, 1.0)] if text else []) for text in texts]

    found = experience("ppo", replace(WISHES, answers=1, kl=0.0), reward=begun)
    found.batch(0)
    rollouts, mask, worth = found.rollouts, found.rollouts.mask, found.figures["reward"]
    earned = torch.zeros(mask.shape)
    earned[range(24), rollouts.asked - 1] = (rollouts.lengths - rollouts.asked > 1).float()
    assert 0.1 < worth == pytest.approx(earned.sum().item() / 24)
    expected = generalised(earned, worth * mask, mask, discount=1.0, smoothing=0.95)[1]
    assert torch.allclose(rollouts.returns, expected, atol=1e-5)


@pytest.mark.parametrize(("target", "change"), [(1e-3, 1.1), (1e5, 0.9), (None, 1.0)])
def test_the_price_follows_the_target(experience, target, change):
    found = experience("rloo", replace(WISHES, kl_target=target))
    found.batch(0)
    assert found.figures["price"] == pytest.approx(0.1), "that which was paid"
    assert found.price == pytest.approx(0.1 * change)
    found.batch(6)
    assert found.figures["price"] == pytest.approx(0.1 * change)


def test_near_the_target_the_price_hardly_moves(experience):
    found = experience("rloo")
    found.batch(0)
    again = experience("rloo", replace(WISHES, kl_target=found.figures["kl"] / 1.04))
    again.batch(0)
    assert again.price == pytest.approx(0.1 * 1.02)


@pytest.mark.parametrize("method", ["ppo", "grpo"])
def test_what_is_kept_is_all_that_the_next_steps_need(experience, method):
    found = experience(method, replace(WISHES, answers=None, kl=0.1))
    empty = {name: (value.shape, value.dtype) for name, value in found.state_dict().items()}
    found.batch(7)
    state = found.state_dict()
    assert {name: (value.shape, value.dtype) for name, value in state.items()} == empty, "as checkpoints want it"

    def never(*_):
        pytest.fail("it was drawn already")

    again = experience(method, replace(WISHES, answers=None, kl=0.1), reward=never)
    again.load_state_dict({name: value.clone() for name, value in state.items()})
    assert (again.number, again.price, again.figures) == (found.number, found.price, found.figures)
    for i in range(6, 12):
        for name, value in vars(found.batch(i)).items():
            assert torch.equal(value, getattr(again.batch(i), name))


def test_drawing_leaves_the_model_in_the_mode_it_was_in(talker, tokenizer, questions):
    for training in (True, False):
        talker.train(training)
        answers(talker, tokenizer, questions.all[:2], 2, 4, seed=0)
        assert talker.training == training


def test_passes_of_any_size_see_the_same(experience):
    found = [experience(rows_per_pass=rows) for rows in (1, 5, 64)]
    for one in found:
        one.batch(0)
    for one in found[1:]:
        assert torch.allclose(one.rollouts.old, found[0].rollouts.old, atol=1e-5)
        assert torch.equal(one.rollouts.ids, found[0].rollouts.ids)
