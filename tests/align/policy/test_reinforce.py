"""A whole reinforcement: it learns, it goes on where it stopped to the same bytes, and its folder is one like any other."""

import json

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from onward import lineage
from onward.align.policy import reinforce
from onward.align.policy.experience import Experience
from onward.align.wishes import RolloutWishes
from onward.errors import DataError, FolderError, PlanError
from onward.model import folder
from onward.train.plan import Wishes
from onward.train.workspace import Workspace

QUIET = Console(quiet=True)
FEW = RolloutWishes(rollouts=16, max_tokens=8, epochs=2, minibatches=2)
WISHES = Wishes(steps=10, seed=1, checkpoint_every=1)


def prepared(base, prompts, out, *, method="ppo", rewards, wishes=WISHES, asked=FEW, **further):
    place = Workspace(out, {"this": "run"})
    return reinforce.prepare(
        base, prompts, place, wishes, asked=asked, method=method, rewards=rewards, console=QUIET, **further
    )


def same(one, other):
    a, b = (load_file(path / "model.safetensors") for path in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("method", ["ppo", "grpo"])
def test_stopped_in_the_middle_of_a_drawing_it_ends_with_the_same_bytes(base, prompts, rules, tmp_path, method):
    common = {"method": method, "rewards": [f"{rules}:near"]}
    if method == "ppo":
        common["asked"] = RolloutWishes(rollouts=16, max_tokens=8, epochs=2, minibatches=2, kl_target=0.5)
    whole = prepared(base, prompts, tmp_path / "whole", **common).run(QUIET)

    def stop_after_six(step):
        if step.number == 7:
            raise KeyboardInterrupt

    cut = prepared(base, prompts, tmp_path / "cut", **common)
    cut.callbacks = [*cut.callbacks, stop_after_six]
    with pytest.raises(KeyboardInterrupt):
        cut.run(QUIET)
    cut.workspace.__exit__()
    assert not (tmp_path / "cut").exists()
    going_on = prepared(base, prompts, tmp_path / "cut", **common)
    going_on.preflight()  # shows a drawing, and must not leave it behind
    again = going_on.run(QUIET)
    assert same(whole, again)
    assert (whole / "samples.jsonl").read_bytes() == (again / "samples.jsonl").read_bytes()
    kept = [
        [
            {k: v for k, v in json.loads(line).items() if k != "seconds"}
            for line in (path / "metrics.jsonl").read_text().splitlines()
        ]
        for path in (whole, again)
    ]
    assert kept[0] == kept[1]
    assert not same(whole, base)


def test_it_learns_what_is_paid_for_and_says_by_how_much(base, prompts, rules, tmp_path):
    wishes = Wishes(steps=32, seed=1, lr=0.01)
    training = prepared(
        base,
        prompts,
        tmp_path / "rl",
        method="grpo",
        rewards=[f"{rules}:short"],
        watched=[f"{rules}:near"],
        wishes=wishes,
    )
    out = training.run(QUIET)
    reward, preferred, *_, tokens = lineage.of(out).results
    assert (reward.suite, reward.metric, preferred.chance) == ("held-out prompts", "reward", 0.5)
    assert reward.value > 0.6 * reward.baseline
    assert preferred.value > 0.6
    assert tokens.metric == "tokens of an answer"
    assert tokens.value < tokens.baseline
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(metrics) == 32
    assert {"reward", "kl", "entropy", "clipped", "ties", f"watched {rules}:near"} <= metrics[0].keys()
    assert metrics[-1]["reward"] > 0.6 * metrics[0]["reward"]
    assert "held_out_reward" in metrics[-1]
    assert metrics[0]["reward"] == metrics[3]["reward"] != metrics[4]["reward"], (
        "a drawing is learned from for four steps"
    )


@pytest.mark.parametrize("method", ["rloo", "best-of-n", "rejection"])
def test_the_other_methods_go_the_same_road(base, prompts, rules, tmp_path, method):
    training = prepared(
        base, prompts, tmp_path / "rl", method=method, rewards=[f"{rules}:short"], wishes=Wishes(steps=3, seed=1)
    )
    out = training.run(QUIET)
    assert not same(out, base)
    assert lineage.of(out).plan["reasons"]["method"].startswith(f"{method}: by ")


def test_the_folder_has_no_critic_and_opens_in_transformers(base, prompts, rules, tmp_path):
    transformers = pytest.importorskip("transformers")
    training = prepared(base, prompts, tmp_path / "rl", rewards=[f"{rules}:short"], wishes=Wishes(steps=2))
    assert "value.weight" in training.model.state_dict()
    out = training.run(QUIET)
    assert load_file(out / "model.safetensors").keys() == load_file(base / "model.safetensors").keys()
    assert (out / "generation_config.json").exists()
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    ids = torch.randint(0, 300, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(folder.load(out)(ids), theirs.eval()(ids).logits, atol=1e-4)
        assert torch.allclose(folder.load(out)(ids), training.model(ids), atol=1e-6)


def test_its_lineage_names_the_model_and_the_judge_and_its_samples_are_whole(base, prompts, judge, rules, tmp_path):
    training = prepared(
        base, prompts, tmp_path / "rl", rewards=[str(judge)], watched=[f"{rules}:short"], wishes=Wishes(steps=2)
    )
    out = training.run(QUIET)
    history = lineage.of(out)
    assert [(parent.verb, parent.folder) for parent in history.parents] == [
        ("sft", "mine/chat"),
        ("reward", "mine/reward"),
    ]
    assert [source["path"] for source in history.data] == [str(prompts)]
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    held_out = training.data.sides.held_out.all
    assert sorted(sample["prompt"] for sample in samples) == sorted(question.prompt.text for question in held_out)
    assert {*samples[0]} == {"prompt", "before", "after", "worth"}
    for sample in samples:
        assert {*sample["worth"]} == {"reward", f"watched {rules}:short"}
        assert sample["worth"][f"watched {rules}:short"] == [-len(sample["before"]), -len(sample["after"])]
    result = history.results[0]
    assert result.n == len(samples)
    for value, side in ((result.baseline, 0), (result.value, 1)):
        mean = sum(sample["worth"]["reward"][side] for sample in samples) / len(samples)
        assert value == pytest.approx(mean, abs=1e-3)


def test_held_out_prompts_are_not_learned_from(base, prompts, rules, tmp_path):
    training = prepared(base, prompts, tmp_path / "rl", rewards=[f"{rules}:short"])
    sides = training.data.sides
    train, held_out = ({question.prompt.text for question in side.all} for side in (sides.train, sides.held_out))
    assert train
    assert held_out
    assert not train & held_out
    assert len(train) + len(held_out) == 60
    experience = training.kept["experience"]
    assert isinstance(experience, Experience)
    assert experience.questions is sides.train


def test_what_is_shown_before_is_an_answer_marked_as_what_is_learned(base, prompts, rules, tmp_path):
    training = prepared(base, prompts, tmp_path / "rl", rewards=[f"{rules}:short"])
    for example in training.preflight().examples:
        text = "".join(token for token, _ in example.tokens)
        assert text.startswith("<|im_start|>user")
        learned = [learn for _, learn in example.tokens]
        assert learned == sorted(learned)
        assert any(learned)
    reasons = training.plan.reasons
    assert "16: answers drawn, 1 to each of 16 prompts; 4 steps learn from them" in reasons["rollouts"]
    assert "8 answers" in reasons["batch_tokens"]


def test_what_makes_two_starts_the_same_run(base, prompts, rules, judge):
    def asked(*rewards, watched=()):
        return reinforce.request(base, prompts, WISHES, asked=FEW, rewards=rewards, watched=watched, method="ppo")

    first = asked(f"{rules}:short")
    assert json.loads(json.dumps(first)) == json.loads(json.dumps(asked(f"{rules}:short")))
    assert first != asked(f"{rules}:near")
    assert {source["path"] for source in asked(str(judge))["judges"]} > {str(judge / "model.safetensors")}
    assert asked(str(judge)) != asked(str(judge), watched=["gold"])
    rules.write_text(rules.read_text() + "\n# changed\n")
    assert first != asked(f"{rules}:short"), "what a function does may have changed"


def test_what_cannot_be_done_is_said_in_a_line(base, prompts, rules, judge, tmp_path):
    short = {"rewards": [f"{rules}:short"]}
    one = tmp_path / "one.jsonl"
    one.write_text('{"prompt": "a?"}\n')
    twenty = RolloutWishes(max_tokens=20)
    cases = [
        (PlanError, "needs a --reward", base, prompts, {"rewards": []}),
        (PlanError, "--batch: ", base, prompts, short | {"wishes": Wishes(steps=1, batch=512)}),
        (PlanError, "64 positions together", base, prompts, short | {"asked": RolloutWishes(max_tokens=64)}),
        (PlanError, "20 positions together", base, prompts, short | {"asked": twenty, "wishes": Wishes(steps=1, length=20)}),
        (PlanError, "--length 65", base, prompts, short | {"wishes": Wishes(steps=1, length=65)}),
        (DataError, r"0 can be used, and 60 exceed 4 tokens", base, prompts, short | {"asked": RolloutWishes(max_tokens=60)}),
        (DataError, r"at least two prompts", base, one, short),
        (FolderError, "holds a reward model", judge, prompts, short),
        (PlanError, "no such folder", base, prompts, {"rewards": ["nowhere"]}),
        (PlanError, "no such folder", base, prompts, short | {"watched": ["nowhere"]}),
    ]  # fmt: skip
    for number, (kind, words, model, asked, further) in enumerate(cases):
        with pytest.raises(kind, match=words) as caught:
            prepared(model, asked, tmp_path / f"out{number}", **further)
        assert "\n" not in str(caught.value)
