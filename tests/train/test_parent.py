import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from onward import lineage
from onward.errors import FolderError, PlanError
from onward.lineage import Lineage
from onward.model import families, folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import parent, pretrain
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.workspace import Workspace
from samples import randomised

WISHES, ANY = Wishes(steps=4, batch=256), Shape()
SIZES = {
    "llama": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    | {"intermediate_size": 64, "max_position_embeddings": 64},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    | {"max_position_embeddings": 64},
}


def named_otherwise(tokenizer, begin, end):
    """The same tokeniser with other names for the tokens that begin a text and end a turn."""
    definition, config = tokenizer._definition, json.dumps(tokenizer.config)
    for old, new in (("<|endoftext|>", begin), ("<|im_end|>", end)):
        definition, config = definition.replace(old, new), config.replace(old, new)
    return Tokenizer(definition, json.loads(config), {})


@pytest.fixture
def elsewhere(tmp_path, tokenizer):
    """`elsewhere("llama")` is a folder as other tools leave it: a small random model of the family, no lineage."""

    def make(family, tokenizer=tokenizer):
        raw = {"model_type": family, "vocab_size": tokenizer.highest_id + 1} | SIZES[family]
        config = families.from_hf_config(raw)[1]
        parts, path = tmp_path / f"{family}-tokenizer", tmp_path / family
        parts.mkdir()
        tokenizer.save(parts)
        model = randomised(LanguageModel(config).initialise(0))
        folder.save(path, model, lineage=Lineage(verb="x"), family=family, tokenizer_folder=parts)
        (path / "onward.json").unlink()
        return path

    return make


def prepared(init, texts, place, wishes=WISHES, asked=ANY, **further):
    return pretrain.prepare(
        [str(texts)],
        Workspace(place / "next", {}),
        wishes,
        asked,
        init=str(init),
        console=Console(quiet=True),
        **further,
    )


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_model_of_another_family_goes_on_and_stays_in_it(elsewhere, texts, tmp_path, family):
    init = elsewhere(family)
    out = prepared(init, texts, tmp_path).run(Console(quiet=True))
    assert folder.read_config(out)[0] == family
    assert lineage.read(out).parents[0].verb == "from elsewhere"
    before, after = folder.load(init).state_dict(), folder.load(out).state_dict()
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before if name.endswith("proj.weight"))
    shift = sum((before[name] - after[name]).square().sum() for name in before) ** 0.5
    size = sum(before[name].square().sum() for name in before) ** 0.5
    assert shift < 0.2 * size, "it goes on from these weights, and does not begin anew"


def test_the_tokenizer_and_the_lineage_are_those_of_the_parent(model_folder, texts, tmp_path):
    out = prepared(model_folder, texts, tmp_path).run(Console(quiet=True))
    assert (out / "tokenizer.json").read_bytes() == (model_folder / "tokenizer.json").read_bytes()
    assert lineage.read(out).parents[0].verb == "test"


def test_an_encoder_cannot_learn_the_next_token(elsewhere, texts, tmp_path):
    with pytest.raises(PlanError, match=r"is an encoder \(bert\), and --objective next trains decoders"):
        prepared(elsewhere("bert"), texts, tmp_path)


@pytest.mark.parametrize(
    ("asked", "further", "words"),
    [
        (Shape(depth=2, heads=4), {}, "--depth and --heads cannot be set with --init"),
        (Shape(), {"vocab": 400}, "--vocab cannot"),
        (Shape(), {"tokenizer": Path("x")}, "--tokenizer cannot"),
    ],
)
def test_what_the_parent_has_settled_cannot_be_asked_for(model_folder, texts, tmp_path, asked, further, words):
    with pytest.raises(PlanError, match=words):
        prepared(model_folder, texts, tmp_path, asked=asked, **further)


def test_a_parent_that_is_not_there_is_one_line(texts, tmp_path):
    with pytest.raises(FolderError, match="nowhere"):
        prepared(tmp_path / "nowhere", texts, tmp_path)


def test_sequences_are_no_longer_than_the_parent_has_positions(model_folder, texts, tmp_path):
    assert prepared(model_folder, texts, tmp_path).plan.length == 64
    with pytest.raises(PlanError, match="--length 65 is more than the 64 positions"):
        prepared(model_folder, texts, tmp_path / "longer", replace(WISHES, length=65))


def test_small_embeddings_are_moved_in_smaller_steps(tiny_model):
    plan = TrainPlan(steps=1, length=8, batch_tokens=8, rows_per_pass=1)
    size = tiny_model.embedding.tokens.weight.square().mean().sqrt().item()
    small = parent.with_rates(plan, tiny_model, WISHES)
    assert (small.lr, small.lr_embedding) == (parent.RATE, pytest.approx(parent.SHARE_OF_EMBEDDING * size, rel=0.05))
    with torch.no_grad():
        tiny_model.embedding.tokens.weight.mul_(100)
    assert parent.with_rates(plan, tiny_model, WISHES).lr_embedding == parent.RATE_EMBEDDING


def test_a_rate_set_by_hand_stays(model_folder, texts, tmp_path):
    plan = prepared(model_folder, texts, tmp_path, replace(WISHES, lr=0.001)).plan
    assert (plan.lr, plan.reasons["lr"]) == (0.001, "set by hand")
    assert "half of the rate from scratch" in prepared(model_folder, texts, tmp_path / "b").plan.reasons["lr"]


def test_documents_begin_and_end_as_the_parent_knows_it(tokenizer):
    ours = tokenizer.special["<|endoftext|>"]
    assert parent.boundaries(tokenizer, "a folder") == (ours, ours)
    llama = named_otherwise(tokenizer, "<s>", "</s>")
    assert parent.boundaries(llama, "a folder") == (llama.special["<s>"], llama.special["</s>"])
    without = dict(tokenizer.config) | {"bos_token": None}
    qwen = Tokenizer(tokenizer._definition, without, {})
    assert parent.boundaries(qwen, "a folder") == (ours, ours)


def test_a_document_of_a_llama_ends_with_its_own_end_token(elsewhere, tokenizer, texts, tmp_path):
    llama = named_otherwise(tokenizer, "<s>", "</s>")
    row = prepared(elsewhere("llama", llama), texts, tmp_path).data.train.row(0)
    begins, ends = llama.special["<s>"], llama.special["</s>"]
    first = row.documents == 0
    assert row.inputs[first][0] == begins
    assert begins not in row.targets
    assert (row.targets == ends).sum() >= 1


def test_the_request_knows_the_parent_by_its_weights(model_folder, texts):
    before = pretrain.request([str(texts)], WISHES, Shape(), init=str(model_folder))
    (model_folder / "onward.json").write_text("{}")
    assert pretrain.request([str(texts)], WISHES, Shape(), init=str(model_folder)) == before
    config = json.loads((model_folder / "config.json").read_text())
    (model_folder / "config.json").write_text(json.dumps(config | {"rope_theta": 5.0}))
    assert pretrain.request([str(texts)], WISHES, Shape(), init=str(model_folder))["init"] != before["init"]
