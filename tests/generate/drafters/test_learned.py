import json

import pytest
import torch

from drafting import drafted
from onward.errors import FolderError, PlanError
from onward.generate.drafters.block import Block
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.heads import Heads
from onward.generate.drafters.learned import LearnedDrafter, fingerprint, opened, save
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling
from onward.lineage import Lineage
from samples import randomised

WARM = Sampling(temperature=1, seed=4)
KINDS = [Heads, Block]


def learned(kind, model, ahead=3):
    made = kind.shaped(model, ahead=ahead).initialise(model, 0).to(next(model.parameters()).dtype)
    return randomised(made).requires_grad_(False)


@pytest.fixture
def engine(tiny_model, tokenizer):
    return Engine(tiny_model, tokenizer)


@pytest.fixture(params=KINDS)
def folder(request, tmp_path, engine):
    save(tmp_path / "drafter", engine.model, learned(request.param, engine.model), Lineage(verb="test"), {}, False)
    return tmp_path / "drafter", request.param


def hidden_of(engine, ids):
    """What the last token was drawn from."""
    with torch.inference_mode():
        return engine.model.hidden(torch.tensor([ids[:-1]]))[0, -1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0)])
def test_coupled_the_text_is_the_targets(tiny_model, tokenizer, kind, sampling):
    engine = Engine(tiny_model.double(), tokenizer)
    drafter = LearnedDrafter(learned(kind, engine.model), engine)
    asked = Request(prompt=[5, 6, 7], sampling=Sampling(**{**vars(sampling), "max_tokens": 24}))
    (plain,) = engine.run([asked])
    found, _ = drafted(engine.model, drafter, [5, 6, 7], sampling, k=6, tokens=len(plain.drawn))
    assert found == plain.drawn


def test_a_folder_gives_the_same_drafter(folder, engine):
    path, kind = folder
    ids = [5, 6, 7, 8]
    aim = Aim(sampling=WARM, hidden=hidden_of(engine, ids))
    before = LearnedDrafter(learned(kind, engine.model), engine).propose(ids, 7, aim)
    after = opened(path, kind, engine).propose(ids, 7, aim)
    assert len(before) == 7
    assert (before.tokens, before.parents) == (after.tokens, after.parents)


def test_another_base_is_refused_and_the_same_in_another_precision_is_not(folder, engine, tokenizer):
    path, kind = folder
    halved = Engine(engine.model.bfloat16(), tokenizer)
    tree = opened(path, kind, halved).propose([5, 6], 4, Aim(hidden=hidden_of(halved, [5, 6])))
    assert len(tree) == 4
    before = fingerprint(halved.model)
    with torch.no_grad():
        halved.model.trunk.blocks[1].feed_forward.down_proj.weight.mul_(1.05)
    assert fingerprint(halved.model) != before
    with pytest.raises(PlanError, match="another model"):
        opened(path, kind, halved)


def test_another_kind_is_refused_with_its_name(folder, engine):
    path, kind = folder
    other = Block if kind is Heads else Heads
    with pytest.raises(PlanError, match=f"--draft {kind.kind}:"):
        opened(path, other, engine)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "drafter.json").unlink(),
        lambda path: (path / "drafter.json").write_text("{"),
        lambda path: (path / "drafter.json").write_text('{"format": "another"}'),
        lambda path: (path / "drafter.safetensors").write_bytes(b"12"),
        lambda path: (path / "drafter.safetensors").unlink(),
        lambda path: _change(path, {"ahead": 2}),
        lambda path: _change(path, {"ahead": 0}),
        lambda path: _change(path, {"ahead": "many"}),
        lambda path: _change(path, {"breadth": 3}),
        lambda path: _change(path, 3),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(folder, engine, damage):
    path, kind = folder
    damage(path)
    with pytest.raises(FolderError) as refusal:
        opened(path, kind, engine)
    assert "drafter" in str(refusal.value)


def _change(path, shape):
    about = json.loads((path / "drafter.json").read_text())
    (path / "drafter.json").write_text(json.dumps(about | {"shape": shape}))


def test_heads_that_are_told_nothing_say_nothing(engine):
    drafter = LearnedDrafter(learned(Heads, engine.model), engine)
    assert len(drafter.propose([5, 6], 4, Aim())) == 0
    for ids, k in (([], 3), ([5], 0)):
        assert len(drafter.propose(ids, k, Aim(hidden=torch.zeros(engine.model.config.width)))) == 0
    broken = Aim(hidden=torch.full((engine.model.config.width,), torch.nan))
    assert len(drafter.propose([5, 6], 4, broken)) == 0


def test_fresh_heads_say_what_the_model_says(engine):
    """Their first guess is the model's own next token, one place too late: where learning begins."""
    heads = Heads.shaped(engine.model, ahead=2).initialise(engine.model, 0)
    hidden = hidden_of(engine, [5, 6, 7])
    guesses = heads.guesses(engine.model, hidden[None], torch.tensor([[7]]), torch.tensor([[True]]))
    assert torch.equal(guesses[0, 0], hidden)


def test_a_block_of_a_short_text_sees_no_padding_and_of_a_long_one_its_end(engine):
    block = learned(Block, engine.model)
    drafter, aim = LearnedDrafter(block, engine), Aim(sampling=Sampling(temperature=0))
    short, nothing = torch.tensor([[5, 6, 7]]), torch.zeros(1, engine.model.config.width)
    own = block.guesses(engine.model, nothing, short, torch.ones(1, 3, dtype=torch.bool))
    padded = torch.tensor([[9] * 29 + [5, 6, 7]])
    there = torch.arange(32)[None] >= 29
    assert torch.allclose(block.guesses(engine.model, nothing, padded, there), own, atol=1e-5)
    likeliest = engine.model.logits(own[0]).argmax(-1).tolist()
    tree = drafter.propose([5, 6, 7], 30, aim)
    assert likeliest[0] == tree.tokens[0]
    long = list(range(40, 80))
    assert drafter.propose(long, 6, aim).tokens == drafter.propose([3, *long], 6, aim).tokens


def test_a_fresh_block_is_the_models_first_layers(engine):
    block = Block.shaped(engine.model, ahead=1, depth=2).initialise(engine.model, 0)
    ids = torch.tensor([[5, 6, 7]])
    guesses = block.guesses(engine.model, torch.zeros(1, 32), ids, torch.ones_like(ids, dtype=torch.bool))
    assert torch.allclose(guesses[0, 0], engine.model.hidden(ids)[0, -1], atol=1e-6)
    mine = {parameter.data_ptr() for parameter in block.parameters()}
    assert mine.isdisjoint(parameter.data_ptr() for parameter in engine.model.parameters())
