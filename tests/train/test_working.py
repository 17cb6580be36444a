import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from onward.model.trunk import LanguageModel
from onward.train import compiled
from onward.train.fit import fit, take_step
from onward.train.objectives import next_token
from onward.train.plan import TrainPlan
from onward.train.working import collect_gradients, working_copy

PLAN = TrainPlan(steps=40, length=32, batch_tokens=128, rows_per_pass=4, lr=0.01)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def last_losses(model, story_batches, plan):
    losses = []
    fit(model, next_token, story_batches, plan, [lambda step: losses.append(step.loss)])
    return sum(losses[-5:]) / 5


def test_bf16_learns_as_fp32_does_and_its_masters_stay_in_fp32(tiny_model, story_batches):
    half = LanguageModel(tiny_model.config).initialise(0)
    in_half = last_losses(half, story_batches, replace(PLAN, precision="bf16"))
    assert {parameter.dtype for parameter in half.parameters()} == {torch.float32}
    assert in_half == pytest.approx(last_losses(tiny_model, story_batches, PLAN), abs=0.1)


def test_updates_too_small_for_bf16_are_not_lost(tiny_model, story_batches):
    """A thousandth of the smallest step between two bf16 numbers, a hundred times over."""
    plan = replace(PLAN, precision="bf16", clip=1e-9)
    working = working_copy(tiny_model, plan.precision)
    before, before_working = weights(tiny_model).clone(), weights(working).clone()
    descent = torch.optim.SGD(tiny_model.parameters(), lr=1.0)
    for number in range(3):
        take_step(tiny_model, next_token, story_batches(number), plan, [descent], number, working)
    assert not torch.equal(weights(tiny_model), before)
    assert torch.equal(weights(working), before_working)


def test_passes_add_up_in_fp32(tiny_model):
    """In bf16, where 1 is followed by 1 + 2**-7, the second pass would add nothing."""
    working = working_copy(tiny_model, "bf16")
    for gradient in (1.0, 2.0**-10):
        for parameter in working.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        collect_gradients(working, tiny_model)
    assert all((parameter.grad == 1 + 2.0**-10).all() for parameter in tiny_model.parameters())
    assert all(parameter.grad is None for parameter in working.parameters())


def test_activations_worked_out_twice_give_the_same_weights(tiny_model, story_batches):
    other = LanguageModel(tiny_model.config)
    other.load_state_dict(tiny_model.state_dict())
    fit(tiny_model, next_token, story_batches, PLAN)
    fit(other, next_token, story_batches, replace(PLAN, recompute=True))
    assert torch.equal(weights(tiny_model), weights(other))


def test_compiled_equals_eager(tiny_model, story_batches):
    """To 1e-4 after six steps: the same sums in another order. The second training finds the program that the first one made."""
    plan = replace(PLAN, steps=6)
    told, once = [], [LanguageModel(tiny_model.config).initialise(0) for _ in range(2)]
    for model in once:
        fit(model, next_token, story_batches, replace(plan, compile=True), tell=told.append)
    eager = LanguageModel(tiny_model.config).initialise(0)
    fit(eager, next_token, story_batches, plan)
    assert told == []
    assert not torch.equal(weights(once[0]), weights(eager))  # else nothing was compiled
    assert torch.allclose(weights(once[0]), weights(eager), atol=1e-4)
    assert torch.equal(weights(once[0]), weights(once[1]))


ALONE = """
import sys
import torch
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train.fit import fit
from onward.train.objectives import next_token
from onward.train.packing import Batch
from onward.train.plan import TrainPlan

ids = torch.arange(32).reshape(2, 16) % 30
batch = Batch.of(inputs=ids, targets=ids, positions=torch.arange(16).repeat(2, 1), documents=ids * 0)
config = TrunkConfig(vocab_size=30, width=16, depth=2, heads=2, kv_heads=1, head_size=8, ffn_width=16, max_positions=16)
plan = TrainPlan(steps=2, length=16, batch_tokens=32, rows_per_pass=2, compile=True)
fit(LanguageModel(config).initialise(0), next_token, lambda _: batch, plan, [lambda step: print(step.number)], tell=print)
"""


def test_without_a_working_compiler_training_goes_on_and_says_why(tmp_path):
    """A compiler that fails at its first file, in a process of its own: what is compiled once stays for the next test."""
    broken = os.environ | {"CXX": "false", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", ALONE], env=broken, capture_output=True, text=True, check=True)
    told, *steps = ended.stdout.splitlines()
    assert told.startswith("going on without torch.compile: ")
    assert steps == ["1", "2"]


def test_reasons_not_to_compile(monkeypatch):
    assert compiled.why_not("cpu", experts=False, seconds=600) is None
    assert "experts" in compiled.why_not("cpu", experts=True, seconds=600)
    assert "win back" in compiled.why_not("cpu", experts=False, seconds=5)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "no C++ compiler" in compiled.why_not("cpu", experts=False, seconds=600)
