"""The losses against examples worked by hand, and their gradients against finite differences."""

import math

import pytest
import torch

from onward.align.direct import losses

CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED = (torch.tensor([x]) for x in (-10.0, -12.0, -11.0, -11.5))
GIVEN = CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED


def test_dpo_by_hand():
    """Log-ratios: -10 + 11 = 1 and -12 + 11.5 = -0.5; 0.1 * (1 + 0.5) = 0.15; log(1 + e^-0.15) = log 1.860708 = 0.620957."""
    assert losses.dpo(*GIVEN, beta=0.1).item() == pytest.approx(0.620957, abs=1e-6)


def test_dpo_begins_at_log_2_and_ends_at_0():
    same = losses.dpo(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0.1)
    assert same.item() == pytest.approx(math.log(2), abs=1e-6)
    assert losses.dpo(CHOSEN + 1000, REJECTED, CHOSEN, REJECTED, beta=0.1).item() == pytest.approx(0, abs=1e-6)


def test_ipo_by_hand():
    """Of 4 and 5 tokens: 1 / 4 = 0.25 and -0.5 / 5 = -0.1; 0.25 + 0.1 - 1 / 0.2 = -4.65; squared 21.6225."""
    found = losses.ipo(*GIVEN, torch.tensor([4]), torch.tensor([5]), beta=0.1)
    assert found.item() == pytest.approx(21.6225, abs=1e-4)


def test_ipo_wants_a_margin_and_no_more_where_dpo_always_wants_more():
    """With beta 0.5 the margin is 1 nat a token: log-ratios of 3 and -1 over 4 tokens each are 0.75 + 0.25 apart."""
    four, nothing = torch.tensor([4.0]), torch.zeros(1)
    at, beyond = (losses.ipo(x, -four / 4, nothing, nothing, four, four, beta=0.5) for x in (four * 0.75, four))
    assert at.item() == pytest.approx(0, abs=1e-9)
    assert beyond.item() == pytest.approx(0.0625, abs=1e-9)
    assert losses.dpo(four, -four / 4, nothing, nothing, 0.5) < losses.dpo(
        four * 0.75, -four / 4, nothing, nothing, 0.5
    )


def test_kto_by_hand():
    """Divergence 0.5. Better: 0.1 * (1 - 0.5) = 0.05, 1 - sigmoid 0.05 = 0.487503. Worse: 0.1 * (0.5 + 0.5) = 0.1, 1 - sigmoid 0.1 =
    0.475021. Their mean is 0.481262."""
    found = losses.kto(*GIVEN, torch.tensor(0.5), beta=0.1)
    assert found.item() == pytest.approx(0.481262, abs=1e-6)


def test_ktos_point_of_reference_is_a_mean_that_is_never_negative_and_takes_no_gradient():
    """Log-ratios of 1 and -0.5 have the mean 0.25; those of -1 and -0.5 have -0.75, which counts as 0."""
    policy = torch.tensor([-3.0, -8.0], requires_grad=True)
    found = losses.reference_point(policy, torch.tensor([-4.0, -7.5]))
    assert found.item() == pytest.approx(0.25)
    assert not found.requires_grad
    assert losses.reference_point(policy - 2, torch.tensor([-4.0, -9.5])).item() == 0


@pytest.mark.parametrize("method", ["dpo", "ipo", "kto"])
def test_gradients_are_those_of_finite_differences(method):
    torch.manual_seed(0)
    policy = [torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    reference = [torch.randn(5, dtype=torch.float64) for _ in range(2)]
    tokens = [torch.randint(1, 9, (5,)) for _ in range(2)]
    further = {"dpo": [], "ipo": tokens, "kto": [torch.tensor(0.3, dtype=torch.float64)]}[method]

    def loss(chosen, rejected):
        return getattr(losses, method)(chosen, rejected, *reference, *further, 0.7)

    assert torch.autograd.gradcheck(loss, policy)


def test_the_gradient_of_dpo_by_hand():
    """-beta * sigmoid(-0.15) for the better answer, and the same upwards for the worse: sigmoid(-0.15) = 1 / 2.161834 = 0.462570."""
    chosen, rejected = (x.clone().requires_grad_() for x in (CHOSEN, REJECTED))
    losses.dpo(chosen, rejected, REFERENCE_CHOSEN, REFERENCE_REJECTED, beta=0.1).sum().backward()
    assert chosen.grad.item() == pytest.approx(-0.0462570, abs=1e-6)
    assert rejected.grad.item() == pytest.approx(0.0462570, abs=1e-6)
