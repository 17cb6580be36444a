import json

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

import onward
from onward import lineage
from onward.align.drafting import BESIDE, Places, beside, foretelling, prepare, put_beside, request
from onward.errors import FolderError, PlanError
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.make import made
from onward.train.packing import IGNORE, Packing
from onward.train.plan import Wishes
from onward.train.shards import Shards, write_shards
from onward.train.workspace import Workspace

QUIET = Console(quiet=True)


@pytest.fixture
def packing(tmp_path):
    """Rows of several short texts each, one of them with a mask."""
    random = np.random.default_rng(0)
    texts = [(random.integers(1, 300, size).tolist(), None, size) for size in (3, 9, 20, 5, 30, 2, 14)]
    write_shards(texts, tmp_path / "shards", vocab_size=300, tokenizer_hash="x", meta={})
    return Packing(Shards(tmp_path / "shards"), 32, 0)


@pytest.mark.parametrize("kind", ["heads", "block"])
def test_places_have_the_last_tokens_of_their_text_and_those_that_follow(packing, tiny_model, kind):
    learned = beside(put_beside(tiny_model, kind, {"ahead": 3}, 0))
    batch = packing.batch(np.arange(packing.rows))
    places = Places.of(batch, learned)
    seen = 0
    for row, at, ids, there in zip(places.rows, places.at, places.ids, places.there, strict=True):
        begin = int((batch.documents[row] == batch.documents[row, at]).nonzero()[0])
        text = [*batch.inputs[row, begin : at + 1].tolist(), int(batch.targets[row, at])]
        wanted = text[-learned.window :]
        assert ids[there].tolist() == wanted
        assert not there[: learned.window - len(wanted)].any()
        seen += 1
    targets = int((batch.targets != IGNORE).sum())
    assert seen == targets if learned.every == 1 else 0 < seen < targets / 4
    has, at = places.after(batch, 2)
    for row, first, yes, then in zip(places.rows, places.at, has, at, strict=True):
        end = int((batch.documents[row] == batch.documents[row, first]).nonzero()[-1])
        assert bool(yes) == (first + 2 <= end)
        assert not yes or then == first + 2


@pytest.mark.parametrize("kind", ["heads", "block"])
def test_the_loss_is_the_divergence_and_parts_of_a_batch_add_up(packing, tiny_model, kind):
    model = put_beside(tiny_model.double(), kind, {"ahead": 2}, 0).double()
    with torch.no_grad():
        for parameter in beside(model).parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    batch = packing.batch(np.arange(packing.rows))
    whole = foretelling(model, batch)
    parts = [foretelling(model, part) for part in batch.split(1)]
    assert whole.value.item() == pytest.approx(sum(p.value.item() * p.weight for p in parts) / batch.learnable)
    learned, places, total = beside(model), Places.of(batch, beside(model)), 0.0
    for row, at, ids, there in zip(places.rows, places.at, places.ids, places.there, strict=True):
        begin = int((batch.documents[row] == batch.documents[row, at]).nonzero()[0])
        text = batch.inputs[row, begin:]
        p = model(text[None])[0].log_softmax(-1)
        hidden = model.hidden(text[None, : at - begin + 1])[0, -1]
        guesses = model.logits(learned.guesses(model, hidden[None], ids[None], there[None])[0]).log_softmax(-1)
        for number in range(2):
            if at + 1 + number < 32 and batch.documents[row, at + 1 + number] == batch.documents[row, at]:
                true = p[at - begin + 1 + number]
                total += (true.exp() * (true - guesses[number])).sum().item()
    assert whole.value.item() == pytest.approx(total * learned.every / 2 / batch.learnable)
    whole.value.backward()
    learning = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learning
    assert all(name.startswith(BESIDE) for name in learning)


def trained(model_folder, data, out, kind, **wishes):
    asked = Wishes(**({"steps": 80, "length": 64, "batch": 512} | wishes))
    given = {"kind": kind, "ahead": 3}
    with Workspace(out, request(model_folder, [str(data)], asked, skip_bad=False, **given)) as workspace:
        return prepare(model_folder, [str(data)], workspace, asked, console=QUIET, **given).run(QUIET)


@pytest.mark.parametrize("kind", ["heads", "block"])
def test_they_learn_to_foretell_the_model_and_draft_for_it(model_folder, texts, tmp_path, kind):
    out = trained(model_folder, texts, tmp_path / "drafter", kind)
    (result,) = lineage.read(out).results
    assert result.metric == "tokens foretold in a row"
    assert result.low > 1.5 * result.baseline
    assert lineage.read(out).parents[0].verb == "test"
    assert not (tmp_path / "drafter.training").exists()
    engine = onward.load(model_folder).engine
    drafter = made(engine, [f"{kind}:{out}"])
    hidden = torch.zeros(engine.model.config.width)
    assert len(drafter.propose([5, 6, 7], 5, Aim(hidden=hidden))) == 5
    assert json.loads((out / "drafter.json").read_text())["shape"]["ahead"] == 3


def test_of_conversations_the_answers_are_foretold(model_folder, chats, tmp_path):
    out = trained(model_folder, chats, tmp_path / "drafter", "heads", steps=3)
    assert load_file(out / "drafter.safetensors").keys()
    with Workspace(tmp_path / "again", {}) as workspace:
        training = prepare(model_folder, [str(chats)], workspace, Wishes(steps=1), kind="heads", ahead=2, console=QUIET)
    assert training.data.train.shards.masked
    learned = [text for example in training.preflight().examples for text, yes in example.tokens if yes]
    assert "sits" in "".join(learned)
    assert "Question" not in "".join(learned)


def test_what_cannot_be_foretold_is_refused(model_folder, texts, tmp_path):
    with pytest.raises(PlanError, match="--kind ears: choose heads or block"):
        request(model_folder, [str(texts)], Wishes(), kind="ears", ahead=2, skip_bad=False)
    with pytest.raises(FolderError, match="not a model folder"):
        request(tmp_path, [str(texts)], Wishes(), kind="heads", ahead=2, skip_bad=False)
    with pytest.raises(PlanError, match="at least 1"), Workspace(tmp_path / "out", {}) as workspace:
        prepare(model_folder, [str(texts)], workspace, Wishes(steps=1), kind="heads", ahead=0, console=QUIET)
