"""Rewards for single steps: where in an answer they are earned, and that only PPO minds."""

from dataclasses import replace

import pytest
import torch

from onward.align.policy.methods import METHODS
from onward.align.policy.rewards import opened
from onward.align.policy.rollouts import Rollouts
from onward.align.policy.steps import END, Stepwise, over_tokens, weighted
from onward.corpus.prompts import Prompt
from onward.errors import DataError
from onward.generate.engine import Completion

WORKED = "30 + 20 = 50\n7 + 5 = 12\nThe whole is 62, as it says in the café."


def completion(tokenizer, text, finish="stop"):
    ids = tokenizer.encode(text)
    drawn = [*ids, min(tokenizer.eos_ids)] if finish == "stop" else ids
    return Completion(ids=ids, text=text, finish=finish, prompt_tokens=3, drawn=drawn, log_probs=[0.0] * len(drawn))


def placed(tokenizer, worth, done):
    rollouts = Rollouts.of([[1, 2, 3]] * len(done), [each.drawn for each in done], room=160)
    table = over_tokens(worth, done, rollouts, tokenizer)
    assert not table[~rollouts.mask].any()
    return [row[2 : 2 + len(each.drawn)] for row, each in zip(table, done, strict=True)]


def test_it_is_a_number_that_knows_its_steps():
    worth = Stepwise([(12, 0.25), (23, 0.5)])
    assert worth == 0.75
    assert worth + 1 == 1.75
    assert worth.steps == ((12, 0.25), (23, 0.5))
    assert Stepwise([]) == 0


def test_several_rewards_are_added_up_step_by_step():
    found = weighted([2, -1, 0.5], [Stepwise([(3, 1.0), (5, 2.0)]), 4.0, Stepwise([(5, 8.0)])])
    assert found == 2 * 3 - 4 + 4
    assert found.steps == ((3, 2.0), (5, 4.0), (END, -4.0), (5, 4.0))
    assert not isinstance(weighted([2, 1], [1.0, 3.0]), Stepwise)


def test_a_step_is_earned_by_the_token_that_says_its_last_character(tokenizer):
    done = completion(tokenizer, WORKED)
    for characters in range(1, len(WORKED) + 1):
        (row,) = placed(tokenizer, [Stepwise([(characters, 1.0)])], [done])
        (token,) = row.nonzero().flatten().tolist()
        before, after = (len(tokenizer.decode(done.ids[:n])) for n in (token, token + 1))
        assert before < characters <= after, "not one token sooner, nor later"


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_what_is_earned_at_the_end_is_earned_by_the_last_token_also_by_that_which_ends_it(tokenizer, finish):
    done = [completion(tokenizer, WORKED, finish), completion(tokenizer, "No", finish)]
    for worth in (3.0, Stepwise([(END, 3.0)]), Stepwise([(len(WORKED) + 1, 3.0)])):
        for row in placed(tokenizer, [worth, worth], done):
            assert row[-1] == row.sum() == 3


def test_an_answer_that_says_nothing_earns_what_it_earns_by_ending(tokenizer):
    (row,) = placed(tokenizer, [Stepwise([(12, 1.0), (END, -0.5)])], [completion(tokenizer, "")])
    assert row.tolist() == [0.5]


def test_steps_at_one_place_add_up_and_those_before_the_first_character_are_the_first_tokens(tokenizer):
    (row,) = placed(tokenizer, [Stepwise([(0, 1.0), (1, 2.0), (1, 4.0)])], [completion(tokenizer, WORKED)])
    assert row[0] == row.sum() == 7


def test_ppo_pays_for_a_step_what_stands_before_it_and_not_what_follows(answered):
    rollouts = answered(30)
    rollouts = replace(rollouts, old=rollouts.reference)
    mask, nothing = rollouts.mask, torch.zeros(rollouts.mask.shape)
    second = mask & (mask.cumsum(1) == 2)
    _, returns = METHODS["ppo"].estimate(rollouts, second.double(), nothing, 0.0, 1)
    longer = second.any(1)
    assert longer.sum() > 10
    assert torch.allclose(returns[second], torch.ones_like(returns[second]))
    assert torch.allclose(returns[longer][mask[longer] & (mask[longer].cumsum(1) == 1)], torch.tensor(0.95).double())
    assert not returns[mask & (mask.cumsum(1) > 2)].any()


@pytest.mark.parametrize("method", ["grpo", "rloo", "best-of-n", "rejection"])
def test_the_others_only_mind_what_an_answer_is_worth(method, answered):
    rollouts = answered(8)
    parts = torch.rand(8, 13, generator=torch.Generator().manual_seed(0)) * rollouts.mask
    parts[:4] = 0
    parts[[0, 1, 2, 3], rollouts.asked[:4] - 1] = 1 / 3  # of equal worth, earned elsewhere
    parts[[0, 1, 2, 3], rollouts.lengths[:4] - 2] += 2 / 3
    at_once = torch.zeros(8, 13)
    at_once[range(8), rollouts.asked - 1] = parts.double().sum(1).float()
    found = [METHODS[method].estimate(rollouts, each, parts, 0.0, 4)[0] for each in (parts, at_once)]
    assert torch.equal(*found)
    assert method == "rejection" or not found[0][:4].abs().max() > 1e-6, "ties are ties"


def test_a_function_may_give_steps_and_says_in_a_line_what_it_gave_that_is_none(tmp_path):
    rules = tmp_path / "rules.py"
    rules.write_text(
        "def lines(record, answer):\n    return [(2, 0.5), (4, 1)]\n\n"
        "def odd(record, answer):\n    return [(2, 0.5), 3]\n\n"
        "def lost(record, answer):\n    return [(2, float('nan'))]\n\n"
        "def words(record, answer):\n    return [('all', 1)]\n"
    )
    asked = [Prompt([], {}, "prompts.jsonl", 7)]
    (found,) = opened([f"2*{rules}:lines"], "cpu")(asked, ["12\n4"])
    assert found == 3
    assert found.steps == ((2, 1.0), (4, 2.0))
    for name in ("odd", "lost", "words"):
        with pytest.raises(DataError, match=r"for an answer to prompts.jsonl, line 7, and no finite number"):
            opened([f"{rules}:{name}"], "cpu")(asked, ["12\n4"])
