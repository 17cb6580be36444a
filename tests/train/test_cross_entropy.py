import pytest
import torch
import torch.nn.functional as F

from onward.train import cross_entropy
from onward.train.cross_entropy import cross_entropies, log_probs, summed_cross_entropy


@pytest.fixture(params=[50, 2**21])
def logits_at_once(request, monkeypatch):
    """Some tokens at a time, and all of them together."""
    monkeypatch.setitem(cross_entropy.LOGITS_AT_ONCE, "cpu", request.param)


def example(dtype=torch.float64, bias=True):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(23, 8, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(17, 8, generator=generator).to(dtype).requires_grad_()
    offset = torch.randn(17, generator=generator).to(dtype).requires_grad_() if bias else None
    return hidden, weight, offset, torch.randint(0, 17, (23,), generator=generator)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.usefixtures("logits_at_once")
def test_value_and_gradients_are_those_of_the_plain_way(bias):
    plain, ours = example(bias=bias), example(bias=bias)
    expected = F.cross_entropy(F.linear(*plain[:3]), plain[3], reduction="sum")
    found = summed_cross_entropy(*ours)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    (expected * 0.3).backward()
    (found * 0.3).backward()
    for mine, theirs in zip(ours[:3], plain[:3], strict=True):
        assert mine is theirs is None or torch.allclose(mine.grad, theirs.grad, atol=1e-12)


@pytest.mark.usefixtures("logits_at_once")
def test_each_tokens_own_loss():
    hidden, weight, bias, targets = example()
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="none")
    assert torch.allclose(cross_entropies(hidden, weight, bias, targets), expected.detach(), atol=1e-12)


def test_bf16_is_summed_in_fp32():
    hidden, weight, _, targets = example(torch.bfloat16, bias=False)
    found = summed_cross_entropy(hidden, weight, None, targets)
    assert found.dtype == torch.float32
    found.backward()
    assert hidden.grad.dtype == weight.grad.dtype == torch.bfloat16
    plain = [tensor.detach().float().requires_grad_() for tensor in (hidden, weight)]
    F.cross_entropy(F.linear(*plain), targets, reduction="sum").backward()
    assert torch.allclose(weight.grad.float(), plain[1].grad, atol=0.05)


@pytest.mark.parametrize("loss", [summed_cross_entropy, log_probs])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_weight_that_does_not_learn_gets_no_gradient_and_changes_none(loss, dtype):
    plain, ours = example(dtype), example(dtype)
    weight = ours[1].detach()
    loss(*plain).sum().backward()
    loss(ours[0], weight, *ours[2:]).sum().backward()
    assert weight.grad is None
    assert torch.equal(ours[0].grad, plain[0].grad)
    assert torch.equal(ours[2].grad, plain[2].grad)


def test_nothing_to_learn_costs_nothing():
    hidden, weight, bias, _ = example()
    assert summed_cross_entropy(hidden[:0], weight, bias, torch.zeros(0, dtype=torch.long)).item() == 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kept", [0, 2**25])
@pytest.mark.usefixtures("logits_at_once")
def test_log_probs_may_go_into_any_loss(bias, kept, monkeypatch):
    """Here each counts differently. The exponentials are kept for the way back, or made again."""
    monkeypatch.setitem(cross_entropy.LOGITS_KEPT, "cpu", kept)
    plain, ours = example(bias=bias), example(bias=bias)
    weights = torch.arange(23, dtype=torch.float64) - 11
    expected = -F.cross_entropy(F.linear(*plain[:3]), plain[3], reduction="none")
    found = log_probs(*ours)
    assert torch.allclose(found, expected, atol=1e-12)
    ((expected * weights).sum() ** 2).backward()
    ((found * weights).sum() ** 2).backward(retain_graph=True)
    for mine, theirs in zip(ours[:3], plain[:3], strict=True):
        assert mine is theirs is None or torch.allclose(mine.grad, theirs.grad, atol=1e-9)
    before = ours[0].grad.clone()
    (found * weights).sum().square().backward()
    assert torch.allclose(ours[0].grad, 2 * before, atol=1e-9), "the way back may be gone twice"
