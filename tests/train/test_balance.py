"""Mixtures of experts: the same compute as a dense model, and how their load is measured. Trained for real in tests/cli."""

import pytest
import torch
from rich.console import Console

from onward.errors import ConfigError, PlanError
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train import pretrain, size
from onward.train.balance import shares
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace
from samples import randomised


def test_with_experts_a_token_costs_what_it_costs_in_a_dense_model():
    asked = {"depth": 2, "width": 128}
    dense, sparse = (
        size.shape(Shape(**asked, experts=experts), vocab_size=4096, flops=1e13, length=256)[0] for experts in (None, 8)
    )
    router = 2 * 2 * 128 * 8
    assert sparse.flops_per_token(256) == dense.flops_per_token(256) + router
    assert sparse.parameters()["feed_forward"] == 4 * dense.parameters()["feed_forward"]


def test_one_expert_is_refused_in_words():
    with pytest.raises(PlanError, match="at least 2"):
        Shape(experts=1)


@pytest.fixture
def trained(texts, tmp_path):
    wishes = Wishes(steps=12, length=128, batch=512)
    workspace = Workspace(tmp_path / "sparse", {})
    shape = Shape(depth=2, width=32, heads=2, experts=4)
    return pretrain.prepare([str(texts)], workspace, wishes, shape, vocab=320, console=Console(quiet=True))


def test_shares_say_who_gets_the_tokens(trained):
    model = randomised(trained.model)
    found = shares(model, trained.data.held_out, 4096, "cpu")
    assert found.shape == (2, 4)
    assert torch.allclose(found.sum(1), torch.ones(2, dtype=torch.float64))
    with torch.no_grad():
        for block in model.trunk.blocks:
            block.feed_forward.router.weight.zero_()  # all alike: the first two of a tie take everything
    assert shares(model, trained.data.held_out, 4096, "cpu").max(1).values.tolist() == [0.5, 0.5]


def test_a_dense_model_has_no_load_to_share(trained):
    dense = LanguageModel(
        TrunkConfig(vocab_size=320, width=32, depth=1, heads=2, kv_heads=1, head_size=16, ffn_width=64)
    )
    with pytest.raises(ConfigError, match="no experts"):
        shares(dense, trained.data.held_out, 512, "cpu")
