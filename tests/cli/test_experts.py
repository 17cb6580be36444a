"""A mixture of experts on the whole road: trained, opened elsewhere, tuned."""

import json

import pytest
import torch

from onward.model import folder

SMALL = ("--depth", 2, "--width", 32, "--heads", 2, "--length", 128, "--batch", 512, "--vocab", 320)


def test_a_sparse_model_is_trained_with_its_balance_reported_and_is_a_qwen3_moe(onward, texts, chats, tmp_path):
    out = tmp_path / "sparse"
    ended = onward("pretrain", texts, "-o", out, "--steps", 12, *SMALL, "--experts", 4)
    assert ended.code == 0, ended.err
    assert "each token visits 2" in ended.err
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all(1.9 < line["balance"] < 4 for line in lines), "2 is even, for two experts a token; 4 is one pair alone"
    config = json.loads((out / "config.json").read_text())
    assert (config["model_type"], config["num_experts"], config["num_experts_per_tok"]) == ("qwen3_moe", 4, 2)

    ended = onward("sft", out, chats, "-o", tmp_path / "chat", "--steps", 3, "--batch", 512)
    assert ended.code == 0, ended.err
    assert "balance" in ended.err
    assert json.loads((tmp_path / "chat" / "config.json").read_text())["model_type"] == "qwen3_moe"

    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    ids = torch.randint(0, 300, (2, 20))
    assert torch.allclose(theirs(ids).logits, folder.load(out)(ids), atol=1e-4)


def test_one_expert_is_one_line(onward, texts, tmp_path):
    ended = onward("pretrain", texts, "-o", tmp_path / "one", "--steps", 1, "--experts", 1)
    assert ended.code == 2
    assert "at least 2" in ended.err.splitlines()[-1]
