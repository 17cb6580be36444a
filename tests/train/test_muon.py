import pytest
import torch

from onward.train.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 24), (2, 24, 8), (1, 1, 5)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrices, torch.float64))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_matrices_of_one_batch_do_not_touch_each_other():
    matrices = torch.randn(4, 8, 12)
    together = orthogonalised(matrices, torch.float64)
    alone = torch.cat([orthogonalised(matrix[None], torch.float64) for matrix in matrices])
    assert torch.allclose(together, alone)


def test_it_takes_the_steps_of_torchs_own_muon():
    """torch orthogonalises in bf16, so the weights agree to bf16's precision and not further."""
    shapes = [(16, 16), (8, 24), (24, 8), (16, 16)]
    generator = torch.Generator().manual_seed(1)
    ours = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    theirs = [torch.nn.Parameter(parameter.detach().clone()) for parameter in ours]
    optimisers = (
        Muon(ours, lr=0.02, weight_decay=0.1),
        torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, momentum=0.95),
    )
    start = [parameter.detach().clone() for parameter in ours]
    for _ in range(10):
        for mine, other in zip(ours, theirs, strict=True):
            gradient = torch.randn(mine.shape, generator=generator)
            mine.grad, other.grad = gradient.clone(), gradient.clone()
        for optimiser in optimisers:
            optimiser.step()
    for mine, other, before in zip(ours, theirs, start, strict=True):
        moved = (other - before).norm()
        assert (mine - other).norm() < 0.02 * moved
        assert moved > 0.1


def test_a_parameter_without_a_gradient_stays():
    still, moving = torch.nn.Parameter(torch.ones(4, 4)), torch.nn.Parameter(torch.ones(4, 4))
    moving.grad = torch.randn(4, 4)
    Muon([still, moving], lr=0.1, weight_decay=0.1).step()
    assert torch.equal(still, torch.ones(4, 4))
    assert not torch.equal(moving, torch.ones(4, 4))
