"""Soft targets: the value and the gradients are those of the plain formula, whatever is made at a time."""

import pytest
import torch
import torch.nn.functional as F

from onward.train import cross_entropy
from onward.train.soft_targets import divergences, summed_soft_cross_entropy


@pytest.fixture(params=[50, 2**21], autouse=True)
def logits_at_once(request, monkeypatch):
    """Some tokens at a time, and all of them together."""
    monkeypatch.setitem(cross_entropy.LOGITS_AT_ONCE, "cpu", request.param)


def example(tokens=17, teachers=17, dtype=torch.float64):
    """A student, 23 tokens wide 8, a teacher twice as wide, and targets."""
    chance = torch.Generator().manual_seed(0)
    student = [torch.randn(n, 8, generator=chance).to(dtype).requires_grad_() for n in (23, tokens)]
    teacher = [torch.randn(n, 16, generator=chance).to(dtype) for n in (23, teachers)]
    return student, teacher, torch.randint(0, min(tokens, teachers), (23,), generator=chance)


def plain(student, teacher, targets, share):
    """The formula as it stands in a textbook, over the tokens that both models have."""
    log_q = F.linear(*student).log_softmax(-1)
    log_p = F.linear(*teacher)[:, : log_q.shape[1]].log_softmax(-1)
    kl = F.kl_div(log_q[:, : log_p.shape[1]], log_p, log_target=True, reduction="sum")
    return (1 - share) * F.nll_loss(log_q, targets, reduction="sum") + share * kl, kl


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("tokens", "teachers"), [(17, 17), (20, 17), (17, 20)])
def test_value_and_gradients_are_those_of_the_plain_formula(share, tokens, teachers):
    student, teacher, targets = example(tokens, teachers)
    total, kl = plain(student, teacher, targets, share)
    expected = torch.autograd.grad(total * 0.7, student)
    found, divergence = summed_soft_cross_entropy(tuple(student), tuple(teacher), targets, share)
    assert found.item() == pytest.approx(total.item(), abs=1e-10)
    assert divergence.item() == pytest.approx(kl.item(), abs=1e-10)
    assert not divergence.requires_grad
    for mine, theirs in zip(torch.autograd.grad(found * 0.7, student), expected, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-10)


def test_without_a_share_it_is_cross_entropy():
    student, teacher, targets = example()
    found, _ = summed_soft_cross_entropy(tuple(student), tuple(teacher), targets, 0.0)
    expected = cross_entropy.summed_cross_entropy(*student, None, targets)
    assert found.item() == pytest.approx(expected.item(), abs=1e-10)
    for mine, theirs in zip(torch.autograd.grad(found, student), torch.autograd.grad(expected, student), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-10)


def test_nothing_is_to_be_learned_from_a_teacher_that_says_the_same():
    student, _, targets = example()
    found, _ = summed_soft_cross_entropy(tuple(student), tuple(t.detach() for t in student), targets, 1.0)
    assert found.item() == 0
    assert all(torch.equal(one, torch.zeros_like(one)) for one in torch.autograd.grad(found, student))


def test_each_tokens_own_divergence():
    student, teacher, targets = example()
    found = divergences(tuple(student), tuple(teacher))
    assert found.shape == (23,)
    assert (found > 0).all()
    assert found.sum().item() == pytest.approx(plain(student, teacher, targets, 1.0)[1].item(), abs=1e-10)


def test_bf16_is_summed_in_fp32():
    student, teacher, targets = example(dtype=torch.bfloat16)
    found, divergence = summed_soft_cross_entropy(tuple(student), tuple(teacher), targets, 0.5)
    assert found.dtype == divergence.dtype == torch.float32
    found.backward()
    assert student[0].grad.dtype == student[1].grad.dtype == torch.bfloat16
    wide = [tensor.detach().float().requires_grad_() for tensor in student]
    plain(wide, [tensor.float() for tensor in teacher], targets, 0.5)[0].backward()
    assert torch.allclose(student[1].grad.float(), wide[1].grad, atol=0.2)


def test_nothing_to_learn_costs_nothing():
    (hidden, weight), (taught, of_teacher), targets = example()
    found, _ = summed_soft_cross_entropy((hidden[:0], weight), (taught[:0], of_teacher), targets[:0], 0.5)
    assert found.item() == 0
