"""Direct preference optimisation of a small model: what a step is, what is learned, and that a run which is killed loses nothing."""

import copy
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from onward import lineage
from onward.align.direct import direct, losses
from onward.align.direct.log_probs import of_answers
from onward.align.direct.measuring import divergences
from onward.align.direct.pairs import Paired
from onward.errors import FolderError, PlanError
from onward.model import folder
from onward.model.reward import with_score_head
from onward.train.plan import Wishes
from onward.train.workspace import Workspace
from samples import randomised

WISHES = Wishes(steps=30, batch=1024, lr=0.002, seed=1, precision="fp32")
QUIET = Console(quiet=True)


def another(model, seed):
    """A model like it, some way off."""
    return randomised(copy.deepcopy(model), seed)


def prepared(base, path, tmp_path, wishes=WISHES, method="dpo", beta=0.1):
    return direct.prepare(base, path, Workspace(tmp_path / "chat", {}), wishes, method=method, beta=beta, console=QUIET)


@pytest.fixture
def learning(tiny_model, encoded):
    """A policy in float64 that is a little away from its start, and a batch of pairs and of a ranking of three."""

    def of(shift=0.0):
        start, policy = (another(tiny_model, seed).double() for seed in (1, 2))
        held = Paired(encoded((3, 2, 4), (4, 5, 1, 2), (2, 6, 1), (5, 3, 3)), 20, 0, mismatched_by=0)
        batch = held.batch(np.arange(4))
        with torch.no_grad():
            given = [replace(some, reference=of_answers(start, some)) for some in (batch.answers, batch.mismatched)]
        mismatched = replace(given[1], reference=given[1].reference + shift)
        return policy, replace(batch, answers=given[0], mismatched=mismatched)

    return of


def test_log_probabilities_are_those_of_one_answer_at_a_time(tiny_model, encoded):
    model = tiny_model.double()
    answers = Paired(encoded((3, 2, 4), (4, 5, 1)), 20, 0).batch(np.arange(2)).answers
    found = of_answers(model, answers)
    for ids, answer, value in zip(answers.ids, answers.answer, found, strict=True):
        end = int(answer.nonzero().max()) + 1
        every = model(ids[None, :end]).log_softmax(-1)[0]
        expected = sum(every[place - 1, ids[place]] for place in answer.nonzero().flatten())
        assert value.item() == pytest.approx(expected.item(), abs=1e-9)


def test_the_loss_of_a_step_is_the_mean_over_rankings_of_the_mean_over_pairs(learning):
    policy, batch = learning()
    ours, start = of_answers(policy, batch.answers), batch.answers.reference
    sizes = torch.bincount(batch.answers.ranking).tolist()
    assert sorted(sizes) == [2, 2, 2, 3]
    means, first = [], 0
    for size in sizes:
        places = range(first, first + size)
        each = [losses.dpo(ours[a], ours[b], start[a], start[b], 0.3) for a in places for b in places if a < b]
        means.append(torch.stack(each).mean())
        first += size
    found = direct.objective_of("dpo", 0.3)(policy, batch)
    assert found.value.item() == pytest.approx(torch.stack(means).mean().item(), abs=1e-6)
    assert found.weight == 4


@pytest.mark.parametrize("method", direct.METHODS)
def test_gradients_of_a_step_are_those_of_finite_differences(method, learning):
    """KTO's point of reference takes no gradient, so it is held at 0 by a reference that is far above."""
    policy, batch = learning(shift=100.0)
    objective = direct.objective_of(method, 0.5)
    objective(policy, batch).value.backward()
    for name, parameter in policy.named_parameters():
        if name not in ("embedding.tokens.weight", "trunk.blocks.1.attention.q_proj.weight", "trunk.norm.weight"):
            continue
        place = int(parameter.grad.abs().argmax())
        values, step = parameter.data.view(-1), 1e-5
        with torch.no_grad():
            values[place] += step
            above = objective(policy, batch).value.item()
            values[place] -= 2 * step
            below = objective(policy, batch).value.item()
            values[place] += step
        expected = parameter.grad.view(-1)[place].item()
        assert (above - below) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-9), name


@pytest.mark.parametrize("method", ["dpo", "ipo"])
def test_accumulated_equals_one_batch(method, learning):
    policy, batch = learning()
    objective = direct.objective_of(method, 0.5)
    parts = batch.split(4)
    assert len(parts) > 1
    whole, found = objective(policy, batch), [objective(policy, part) for part in parts]
    assert sum(one.value.item() * one.weight / 4 for one in found) == pytest.approx(whole.value.item(), rel=1e-6)
    for name, value in whole.stats.items():
        assert sum(one.stats[name] * one.weight / 4 for one in found) == pytest.approx(value, rel=1e-6), name


def test_ktos_point_of_reference_is_that_of_the_answers_to_other_prompts(learning):
    policy, batch = learning(shift=-2.0)
    with torch.no_grad():
        expected = (of_answers(policy, batch.mismatched) - batch.mismatched.reference).mean().item()
    assert expected > 0
    assert direct.objective_of("kto", 0.5)(policy, batch).stats["kl"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", direct.METHODS)
def test_it_begins_where_the_start_model_is(method, model_folder, polite, tmp_path):
    """No margin yet: log 2 for DPO, (1 / 0.2)^2 = 25 for IPO, a half for KTO."""
    training = prepared(model_folder, polite, tmp_path, method=method)
    found = training.objective(training.model, training.batches(0))
    expected = {"dpo": math.log(2), "ipo": 25.0, "kto": 0.5}[method]
    assert found.value.item() == pytest.approx(expected, abs=1e-4)
    assert found.stats["margin"] == pytest.approx(0, abs=1e-5)
    assert training.measure(10**6).n == training.data.held_out.rows


def test_a_batch_is_the_same_whenever_it_is_asked_for(model_folder, polite, tmp_path):
    one = prepared(model_folder, polite, tmp_path, method="kto")
    later = [one.batches(i) for i in (7, 3)][1]
    for some, other in ((later, one.batches(3)), (later, prepared(model_folder, polite, tmp_path / "b").batches(3))):
        assert torch.equal(some.answers.ids, other.answers.ids)
        assert torch.equal(some.answers.reference, other.answers.reference)
    assert torch.equal(later.mismatched.ids, one.batches(3).mismatched.ids)


@pytest.mark.parametrize(("method", "beta"), [("dpo", 0.1), ("ipo", 0.5), ("kto", 0.1)])
def test_it_learns_what_is_better_and_says_how_far_it_has_gone(method, beta, model_folder, polite, tmp_path):
    out = prepared(model_folder, polite, tmp_path, method=method, beta=beta).run(QUIET)
    results = {one.metric: one for one in lineage.of(out).results}
    right = results["pairs ranked right"]
    assert (right.suite, right.chance) == ("held-out preferences", 0.5)
    assert right.baseline == 0.5, "the length tells nothing"
    assert right.value > 0.9
    assert ("calibration error" in results) == (method == "dpo")
    better, worse = (
        results[f"{one} answers have become likelier by, in nats a token"].value for one in ("better", "worse")
    )
    assert better > worse
    assert results["divergence from the start model on better answers, in nats a token"].value > 0
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1]["margin"] > steps[0]["margin"]
    assert steps[-1]["right"] > 0.9
    assert {"log_prob_better", "log_prob_worse", "held_out_pairs_right"} <= steps[-1].keys()
    assert ("kl" in steps[-1]) == (method == "kto")


def test_the_folder_is_an_ordinary_chat_model(model_folder, polite, tmp_path):
    import transformers

    training = prepared(model_folder, polite, tmp_path, replace(WISHES, steps=2))
    out = training.run(QUIET)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(out)
    batch = training.batches(0).answers
    with torch.no_grad():
        ours, given = training.model.eval()(batch.ids), theirs.eval()(batch.ids).logits
    assert torch.allclose(ours, given, atol=1e-5)
    history = lineage.of(out)
    assert history.verb == "rl"
    assert history.plan["reasons"]["method"].startswith("dpo, beta 0.1")
    assert len((out / "held_out.jsonl").read_text().splitlines()) == training.data.held_out.rows


def test_the_divergence_is_that_of_the_definition(tiny_model, encoded):
    """Of one answer of two tokens: the sum over both places of sum over words of p log(p / q)."""
    start, policy = another(tiny_model, 1), another(tiny_model, 2)
    answers = Paired(encoded((3, 2, 2)), 20, 0).batch(np.array([0])).answers
    with torch.no_grad():
        p, q = (model(answers.ids[:1])[0, 2:4].softmax(-1) for model in (policy, start))
        found = divergences(policy, start, answers)
    assert found[0].item() == pytest.approx((p * (p / q).log()).sum().item(), rel=1e-5)
    assert divergences(start, start, answers).tolist() == [0, 0]


COMMAND = """
import sys
from test_direct import trained
trained(*sys.argv[1:])
"""


def trained(base, preferences, out):
    workspace, wishes = Workspace(Path(out), {}), Wishes(steps=40, batch=512, checkpoint_every=1)
    further = {"method": "dpo", "beta": 0.1, "console": QUIET}
    return direct.prepare(Path(base), Path(preferences), workspace, wishes, **further).run(QUIET)


def test_a_run_that_is_killed_ends_as_if_nothing_had_been(model_folder, polite, tmp_path):
    command = [sys.executable, "-c", COMMAND, *map(str, (model_folder, polite, tmp_path / "cut"))]
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": here}
    cut, checkpoints = subprocess.Popen(command, env=environment), tmp_path / "cut.training" / "checkpoints"
    until = time.monotonic() + 300
    while not list(checkpoints.glob("step-*")) and cut.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    cut.send_signal(signal.SIGKILL)
    assert cut.wait() == -signal.SIGKILL
    assert checkpoints.exists()
    assert not (tmp_path / "cut").exists()
    one, other = (
        load_file(trained(model_folder, polite, tmp_path / out) / "model.safetensors") for out in ("cut", "whole")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_done_is_said_in_a_line(model_folder, polite, tmp_path):
    with pytest.raises(PlanError, match="choose dpo, ipo, kto"):
        prepared(model_folder, polite, tmp_path, method="ppo")
    with pytest.raises(PlanError, match="--kl 0"):
        prepared(model_folder, polite, tmp_path, beta=0.0)
    with pytest.raises(PlanError, match="64 positions"):
        prepared(model_folder, polite, tmp_path, replace(WISHES, length=65))
    judge = with_score_head(folder.load(model_folder), 0)
    given = {"generation": {"pad_token_id": 0}, "tokenizer_folder": model_folder}
    folder.save(tmp_path / "judge", judge, lineage=lineage.of(model_folder), **given)
    with pytest.raises(FolderError, match="a reward model"):
        prepared(tmp_path / "judge", polite, tmp_path)
    with pytest.raises(FolderError):
        direct.request(tmp_path / "nothing", polite, WISHES, method="dpo", beta=0.1)


def test_the_request_knows_the_method_and_what_it_is_held_by(model_folder, polite):
    before = direct.request(model_folder, polite, WISHES, method="dpo", beta=0.1)
    assert before == direct.request(model_folder, polite, WISHES, method="dpo", beta=0.1)
    assert before != direct.request(model_folder, polite, WISHES, method="ipo", beta=0.1)
    assert before != direct.request(model_folder, polite, WISHES, method="dpo", beta=0.2)
