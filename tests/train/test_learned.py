"""Where an adapter learns, only the adapter is kept, averaged and held twice."""

import copy

import pytest
import torch
from safetensors.torch import load_file

from onward.model import adapters
from onward.model.int8 import quantise
from onward.train import checkpoints, learned, size
from onward.train.average import Average
from onward.train.fit import Start, fit
from onward.train.objectives import next_token
from onward.train.optimisers import optimisers
from onward.train.plan import TrainPlan
from onward.train.working import working_copy

PLAN = TrainPlan(steps=6, length=32, batch_tokens=128, rows_per_pass=4, lr=0.01, lr_embedding=0.01)


def with_adapter(model, method="lora", int8=False):
    model = quantise(copy.deepcopy(model)) if int8 else copy.deepcopy(model)
    adapters.add(model, "qwen3", method, rank=None, base="base", seed=0)
    return model


def test_a_checkpoint_is_as_large_as_the_adapter(tiny_model, tmp_path):
    model = with_adapter(tiny_model)
    found = optimisers(model, PLAN)
    path = checkpoints.save(tmp_path, 1, model, found, tokens=1, seconds=1.0)
    kept = load_file(path / "model.safetensors")
    assert kept.keys() == {name for name, p in model.named_parameters() if p.requires_grad}
    assert sum(t.nbytes for t in kept.values()) == sum(p.nbytes for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("method", ["lora", "ia3", "boft", "oft", "randlora", "osf"])
@pytest.mark.parametrize("int8", [False, True])
def test_a_training_goes_on_to_the_same_weights(tiny_model, story_batches, tmp_path, method, int8):
    if int8 and method in adapters.NEEDS_FLOAT:
        pytest.skip("none for int8")
    whole = with_adapter(tiny_model, method, int8)
    fit(whole, next_token, story_batches, PLAN)
    first = with_adapter(tiny_model, method, int8)

    def keep(step):
        if step.number == 3:
            checkpoints.save(tmp_path, 3, step.model, step.optimisers, tokens=step.tokens, seconds=1.0)

    fit(first, next_token, story_batches, PLAN, [keep])
    again = with_adapter(tiny_model, method, int8)
    found = optimisers(again, PLAN)
    start = Start(**checkpoints.load(checkpoints.existing(tmp_path)[-1], again, found))
    fit(again, next_token, story_batches, PLAN, start=start, found=found)
    assert start.step == 3
    assert whole.state_dict().keys() == again.state_dict().keys()
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_checkpoint_that_lacks_a_weight_that_learns_or_has_another_is_broken(tiny_model, tmp_path):
    lora, ia3 = with_adapter(tiny_model), with_adapter(tiny_model, "ia3")
    path = checkpoints.save(tmp_path, 1, lora, [], tokens=1, seconds=1.0)
    for other in (ia3, tiny_model):
        with pytest.raises(checkpoints.FolderError, match="weights of this training"):
            checkpoints.load(path, other, [])


def test_the_average_is_of_what_learns(tiny_model, story_batches):
    model = with_adapter(tiny_model, int8=True)
    before = model.state_dict()["trunk.blocks.0.attention.q_proj.base_layer.codes"].clone()
    average = Average(model, 0.9)
    fit(model, next_token, story_batches, PLAN, [average])
    assert average.weights.keys() == learned.learned(model).keys()
    average.put_into(model)
    assert torch.equal(model.state_dict()["trunk.blocks.0.attention.q_proj.base_layer.codes"], before)


def test_a_copy_for_a_while_has_the_base_in_common_and_the_adapter_for_itself(tiny_model):
    model = with_adapter(tiny_model, int8=True)
    copied, half = learned.copied(model), working_copy(model, "bf16")
    for name, parameter in model.named_parameters():
        assert (copied.get_parameter(name) is parameter) == (not parameter.requires_grad)
        assert (half.get_parameter(name) is parameter) == (parameter.dtype == torch.int8)
    assert all(p.dtype in (torch.float32, torch.int8) for p in model.parameters())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_lora_learns_beside_int8_as_beside_float(tiny_model, story_batches, precision):
    """The loss falls as far, within 5 %."""
    plan = TrainPlan(**PLAN.to_json() | {"steps": 60, "precision": precision})

    def fallen(int8):
        model, losses = with_adapter(tiny_model, int8=int8), []
        fit(model, next_token, lambda _: story_batches(0), plan, [lambda step: losses.append(step.loss)])
        return losses[0] - losses[-1]

    beside_float, beside_int8 = fallen(False), fallen(True)
    assert beside_float > 1
    assert beside_int8 == pytest.approx(beside_float, rel=0.05)


def test_a_frozen_weight_is_counted_with_its_own_size_and_a_learned_one_with_sixteen_bytes(tiny_model):
    total = sum(p.numel() for p in tiny_model.parameters())
    assert learned.weight_bytes(tiny_model, "fp32") == 16 * total
    model = with_adapter(tiny_model)
    adapter = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert learned.weight_bytes(model, "fp32") == 16 * adapter + 4 * total
    assert learned.weight_bytes(model, "bf16") == 16 * adapter + 6 * total
    own = sum(p.nbytes for p in quantise(copy.deepcopy(tiny_model)).parameters())
    assert learned.weight_bytes(with_adapter(tiny_model, int8=True), "fp32") == 16 * adapter + own
    needed = size.memory_needed(tiny_model.config, 100, weights=1000)
    assert needed == size.memory_needed(tiny_model.config, 100) - 16 * total + 1000
