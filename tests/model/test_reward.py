"""Reward models against transformers' sequence classifiers, both ways; and refused wherever words are wanted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import transformers
from rich.console import Console

import onward
from onward.align import instruct
from onward.check.subject import open_subject
from onward.errors import ConfigError, FolderError
from onward.generate.fill import Filler
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import MoEConfig, TrunkConfig
from onward.model.describe import describe
from onward.model.families import from_hf_config, from_hf_weights, onward_family, to_hf_config, to_hf_weights
from onward.model.reward import rewards, with_score_head
from onward.model.trunk import LanguageModel
from onward.train.parent import Parent
from onward.train.plan import Wishes
from onward.train.size import memory_needed
from onward.train.workspace import Workspace

PAD = 40
GPT2 = {
    "kv_heads": 4,
    "head_size": 6,
    "norm": "layer",
    "positions": "learned",
    "max_positions": 64,
    "qk_norm": False,
    "qkv_bias": True,
    "out_bias": True,
    "ffn_bias": True,
    "activation": "gelu_tanh",
}
MOE = MoEConfig(experts=4, experts_per_token=2, expert_width=8)
FAMILIES = {
    "qwen3": {},
    "qwen3_moe": {"moe": MOE, "tied": False},
    "llama": {"qk_norm": False, "tied": False},
    "qwen2": {"qk_norm": False, "qkv_bias": True},
    "mistral": {"qk_norm": False, "window": 5},
    "mixtral": {"qk_norm": False, "moe": MOE},
    "gpt2": GPT2,
}
CLASSIFIERS = {
    "qwen3": "Qwen3ForSequenceClassification",
    "qwen3_moe": "Qwen3MoeForSequenceClassification",
    "llama": "LlamaForSequenceClassification",
    "qwen2": "Qwen2ForSequenceClassification",
    "mistral": "MistralForSequenceClassification",
    "mixtral": "MixtralForSequenceClassification",
    "gpt2": "GPT2ForSequenceClassification",
}
LENGTHS = torch.tensor([12, 7, 1, 9])


def texts() -> torch.Tensor:
    """Four rows of different lengths, filled up on the right."""
    ids = torch.randint(0, PAD, (4, 12), generator=torch.Generator().manual_seed(1))
    return torch.where(torch.arange(12) < LENGTHS[:, None], ids, PAD)


def save(path, model, **further):
    folder.save(path, model, lineage=Lineage(verb="test"), generation={"pad_token_id": PAD}, **further)
    return path


@pytest.fixture
def judge(tiny):
    return tiny(dtype=torch.float32, outputs="score")


@pytest.fixture
def judged(judge, tmp_path):
    return save(tmp_path / "reward", judge)


# --- the same numbers there and here ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_reward_model_of_ours_gives_the_same_rewards_there(tiny, tmp_path, family):
    model = tiny(dtype=torch.float32, outputs="score", **FAMILIES[family])
    path = save(tmp_path / "reward", model, family=family)
    theirs, report = transformers.AutoModelForSequenceClassification.from_pretrained(path, output_loading_info=True)
    assert not any(report.values()), report
    assert type(theirs).__name__ == CLASSIFIERS[family]
    assert theirs.config.num_labels == 1
    ours = rewards(model, texts(), LENGTHS)
    assert ours.std() > 0.1  # a model that finds all texts equally good would agree with anything
    said = theirs.eval()(texts(), attention_mask=(texts() != PAD).long()).logits
    torch.testing.assert_close(said.squeeze(1), ours, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_classifier_of_theirs_with_one_label_gives_the_same_rewards_here(tiny, tmp_path, random_weights, family):
    shape = to_hf_config(tiny(**FAMILIES[family]).config, family)
    config = transformers.AutoConfig.for_model(**shape, num_labels=1, pad_token_id=PAD)
    theirs = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    random_weights(theirs)
    theirs.save_pretrained(tmp_path / "theirs")
    model = folder.load(tmp_path / "theirs", outputs="score")
    assert sum(model.config.parameters().values()) == sum(parameter.numel() for parameter in theirs.parameters())
    ours = rewards(model, texts(), LENGTHS)
    assert ours.std() > 0.1
    torch.testing.assert_close(theirs(texts()).logits.squeeze(1), ours, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_a_reward_model_in_bf16_comes_back_bit_for_bit_and_keeps_whether_it_was_tied(tiny, tmp_path, tied):
    model = tiny(dtype=torch.bfloat16, outputs="score", tied=tied)
    path = save(tmp_path / "reward", model)
    back = folder.load(path, outputs="score")
    assert back.config == model.config
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in back.state_dict().items())
    raw = json.loads((path / "config.json").read_text())
    assert (raw["tie_word_embeddings"], raw["dtype"]) == (tied, "bfloat16")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(path)
    assert torch.equal(theirs.score.weight, model.head.weight)


def test_a_folder_is_filled_up_with_the_padding_it_was_saved_with_and_generates_nothing(judged):
    assert json.loads((judged / "config.json").read_text())["pad_token_id"] == PAD
    assert not (judged / "generation_config.json").exists()


def test_a_reward_model_without_padding_is_not_saved(judge, tmp_path):
    with pytest.raises(ConfigError, match="pad_token_id"):
        folder.save(tmp_path / "reward", judge, lineage=Lineage(verb="test"))
    assert not (tmp_path / "reward").exists()


# --- making one -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_a_reward_model_begins_with_the_trunk_of_a_language_model_and_a_fresh_head(tiny, tied):
    model = tiny(dtype=torch.float32, tied=tied)
    judge = with_score_head(model, seed=3)
    assert judge.config == replace(model.config, outputs="score")
    assert torch.equal(judge.hidden(texts()), model.hidden(texts()))
    assert judge.logits(judge.hidden(texts())).shape == (4, 12, 1)
    assert torch.equal(judge.head.weight, with_score_head(model, seed=3).head.weight)
    assert not torch.equal(judge.head.weight, with_score_head(model, seed=4).head.weight)
    assert all(parameter.requires_grad for parameter in judge.parameters())


@torch.no_grad()
def test_what_the_reward_model_learns_the_language_model_does_not_notice(tiny):
    model = tiny(dtype=torch.float32)
    before = model(texts())
    for parameter in with_score_head(model, seed=0).parameters():
        parameter.add_(1)
    assert torch.equal(model(texts()), before)


@pytest.mark.parametrize("make", [lambda model: with_score_head(model, 5), lambda model: model.initialise(5)])
def test_a_fresh_head_is_small_enough_for_rewards_of_about_one(make):
    shape = {"vocab_size": 8, "depth": 1, "heads": 2, "kv_heads": 2, "head_size": 4, "ffn_width": 8}
    model = LanguageModel(TrunkConfig(width=4095, outputs="score", **shape))
    weight = make(model).head.weight
    assert weight.shape == (1, 4095)
    assert weight.std().item() == pytest.approx(1 / 64, rel=0.05)


def test_an_encoder_does_not_become_a_reward_model(tiny):
    with pytest.raises(ConfigError, match="encoder"):
        with_score_head(tiny(causal=False), seed=0)
    with pytest.raises(ConfigError, match="encoder"):
        with_score_head(tiny(mlm_head=True), seed=0)


# --- rewards ----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_reward_is_the_number_at_the_last_token_whatever_fills_the_row_up(tiny):
    model, ids = tiny(outputs="score"), texts()
    scores = model(ids)
    expected = torch.stack([scores[row, length - 1, 0] for row, length in enumerate(LENGTHS)])
    torch.testing.assert_close(rewards(model, ids, LENGTHS), expected)
    alone = [rewards(model, ids[row : row + 1, :length], length[None]) for row, length in enumerate(LENGTHS)]
    torch.testing.assert_close(rewards(model, ids, LENGTHS), torch.cat(alone))
    torch.testing.assert_close(rewards(model, torch.where(ids == PAD, 7, ids), LENGTHS), expected)


def test_rewards_are_not_rounded_to_bf16(tiny):
    model = tiny(dtype=torch.float32, outputs="score")
    assert rewards(model.to(torch.bfloat16), texts(), LENGTHS).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        said = rewards(model.float(), texts(), LENGTHS)
    assert not torch.equal(said, said.bfloat16().float())


def test_a_reward_can_be_learned_from(tiny):
    model = tiny(dtype=torch.float32, outputs="score")
    rewards(model, texts(), LENGTHS).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_a_language_model_has_no_reward_to_give(tiny):
    with pytest.raises(ConfigError, match="gives words"):
        rewards(tiny(), texts(), LENGTHS)


# --- what is not read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id2label": {"0": "bad", "1": "good"}, "label2id": {"bad": 0, "good": 1}}, "2 labels"),
        ({"id2label": None}, "2 labels"),
        ({"id2label": None, "num_labels": 5}, "5 labels"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "LlamaFor.*Qwen3ForSequenceClassification"),
    ],
)
def test_a_classifier_that_is_no_reward_model_is_refused_in_one_line(judge, changes, said):
    raw = to_hf_config(judge.config, "qwen3") | changes
    with pytest.raises(ConfigError, match=said) as error:
        from_hf_config(raw)
    assert "\n" not in str(error.value)


def test_one_label_may_be_told_by_its_number_alone(judge):
    raw = to_hf_config(judge.config, "qwen3")
    del raw["id2label"], raw["label2id"]
    assert from_hf_config(raw | {"num_labels": 1})[1] == judge.config


def test_a_classifier_of_bert_is_refused():
    raw = transformers.AutoConfig.for_model("bert", num_labels=1).to_dict()
    with pytest.raises(ConfigError, match="BertForSequenceClassification"):
        from_hf_config(raw | {"architectures": ["BertForSequenceClassification"]})


@pytest.mark.parametrize("odd", ["Qwen3ForSequenceClassification", 7, {}, [None], [[]], [7, {}]], ids=repr)
def test_odd_architectures_say_nothing(judge, odd):
    assert from_hf_config(to_hf_config(judge.config, "qwen3") | {"architectures": odd})[1].outputs == "words"


def test_a_reward_model_goes_to_the_family_of_its_trunk(tiny):
    for family in ("qwen3", "llama", "qwen2", "mistral", "gpt2"):
        config = tiny(outputs="score", **FAMILIES[family]).config
        assert onward_family(config) == family
        assert from_hf_config(to_hf_config(config, family)) == (family, config)


@pytest.mark.parametrize("name", ["lm_head.weight", "score.bias"])
def test_a_reward_model_with_a_weight_too_many_is_refused(judge, name):
    tensors = dict(to_hf_weights(judge.state_dict(), judge.config, "qwen3")) | {name: torch.zeros(41, 24)}
    with pytest.raises(FolderError, match=f"unknown.*{name}"):
        from_hf_weights(tensors.items(), judge.config, "qwen3")


def test_the_weights_of_a_language_model_are_not_read_as_a_reward_model(tiny, judge):
    with pytest.raises(FolderError, match=r"missing.*score\.weight"):
        from_hf_weights(to_hf_weights(tiny().state_dict(), tiny().config, "qwen3"), judge.config, "qwen3")


# --- who wants words, and who looks at either ----------------------------------------------------------------------------

REFUSED = {
    "to talk to": lambda path: onward.load(path),
    "to fill blanks": lambda path: Filler(path),
    "to pretrain on": lambda path: Parent.find(str(path), "next-token"),
    "to make it an encoder": lambda path: Parent.find(str(path), "masked"),
    "to instruct": lambda path: instruct.request(path, path, Wishes()),
    "to check": lambda path: open_subject(path),
    "by its name": lambda path: folder.load(path),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_reward_model_is_not_opened(judged, why):
    with pytest.raises(FolderError, match="holds a reward model, which judges answers and gives none") as error:
        REFUSED[why](judged)
    assert "\n" not in str(error.value)


def test_instruction_tuning_stops_before_it_reads_a_conversation(judged, tmp_path, model_folder):
    shutil.copy(model_folder / "tokenizer.json", judged)
    workspace = Workspace(tmp_path / "out", {})
    with pytest.raises(FolderError, match="holds a reward model"):
        instruct.prepare(judged, tmp_path / "nowhere.jsonl", workspace, Wishes(), console=Console(quiet=True))


def test_a_language_model_is_not_opened_as_a_judge(tiny, tmp_path):
    path = save(tmp_path / "model", tiny(dtype=torch.float32))
    with pytest.raises(FolderError, match="holds a language model"):
        folder.load(path, outputs="score")
    assert folder.load(path, outputs=None).config.outputs == "words"


def test_a_reward_model_is_described_with_the_one_number_it_gives(judge, judged):
    said = describe(judged)
    assert said["architecture"]["outputs"] == "score"
    assert said["parameters"]["head"] == judge.config.width
    assert said["parameters"]["total"] == sum(parameter.numel() for parameter in judge.parameters())


def test_a_place_of_a_reward_model_needs_no_memory_for_a_vocabulary(judge):
    saved = memory_needed(replace(judge.config, outputs="words"), 1000) - memory_needed(judge.config, 1000)
    logits = 3 * 4 * 1000 * (judge.config.vocab_size - 1)
    assert saved == logits - 16 * judge.config.width


def test_onward_show_shows_a_reward_model_and_onward_generate_refuses_it_without_a_traceback(judged):
    def run(*words):
        command = [sys.executable, "-m", "onward", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"})

    shown = run("show", str(judged))
    assert shown.returncode == 0, shown.stderr
    assert "score" in shown.stdout
    refused = run("generate", str(judged), "Once")
    assert refused.returncode == 2
    assert "holds a reward model" in refused.stderr
    assert "Traceback" not in refused.stderr
