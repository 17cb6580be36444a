"""What tests of reinforcement need: a model that ends its answers soon, prompts for it, and answers as tensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from onward.align.policy.rollouts import Rollouts
from onward.lineage import Lineage
from onward.model import folder
from onward.model.reward import with_score_head
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer


@pytest.fixture
def talker(tiny_model: LanguageModel, tokenizer: Tokenizer) -> LanguageModel:
    """Random weights, but about every third token ends the answer, so that answers are of all lengths, 0 too."""
    with torch.no_grad():
        ids = torch.arange(tiny_model.config.vocab_size)[None, :320].view(16, 20)
        usual = tiny_model.hidden(ids).flatten(0, 1).mean(0)
        tiny_model.embedding.tokens.weight[tokenizer.special["<|im_end|>"]] += 3.5 * usual / usual.square().sum()
    return tiny_model


@pytest.fixture
def base(tmp_path: Path, talker: LanguageModel, tokenizer: Tokenizer) -> Path:
    parts = tmp_path / "parts"
    parts.mkdir()
    tokenizer.save(parts)
    history = Lineage(verb="sft", folder="mine/chat")
    folder.save(tmp_path / "base", talker, lineage=history, tokenizer_folder=parts)
    return tmp_path / "base"


@pytest.fixture
def judge(tmp_path: Path, tiny_model: LanguageModel, tokenizer: Tokenizer) -> Path:
    """A reward model's folder, all weights random."""
    parts = tmp_path / "parts_of_the_judge"
    parts.mkdir()
    tokenizer.save(parts)
    model = with_score_head(tiny_model, 0)
    with torch.no_grad():
        model.head.weight += 1
    folder.save(
        tmp_path / "judge",
        model,
        lineage=Lineage(verb="reward", folder="mine/reward"),
        tokenizer_folder=parts,
        generation={"eos_token_id": sorted(tokenizer.eos_ids), "pad_token_id": tokenizer.pad_id},
    )
    return tmp_path / "judge"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"{i}?", "best": i % 4}) + "\n" for i in range(60)))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rewards as somebody would write them."""
    path = tmp_path / "rules.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n\n"
        "@dataclass\n"
        "class Wanted:\n"
        "    letters: int\n\n"
        "def short(record, answer):\n"
        "    return -float(len(answer))\n\n"
        "def near(record, answer):\n"
        "    return -abs(len(answer) - Wanted(record['best']).letters)\n\n"
        "def broken(record, answer):\n"
        "    return 1 / 0\n\n"
        "def nothing(record, answer):\n"
        "    pass\n\n"
        "def huge(record, answer):\n"
        "    return 10**400\n\n"
        "def no_number(record, answer):\n"
        "    return float('nan')\n"
    )
    return path


@pytest.fixture
def answered() -> Callable[..., Rollouts]:
    """`answered(8)`: so many answers of 1 to 7 random tokens to prompts of 2 to 5, with random figures."""

    def made(number: int, seed: int = 0) -> Rollouts:
        some = np.random.default_rng(seed)
        draw = [
            [some.integers(0, 300, some.integers(low, high)).tolist() for _ in range(number)]
            for low, high in ((2, 6), (1, 8))
        ]
        found = Rollouts.of(*draw, room=14)
        old, reference, advantages, returns = (
            torch.from_numpy(some.normal(middle, 0.4, found.mask.shape)) * found.mask for middle in (-6, -6, 0, 0)
        )
        return Rollouts(found.ids, found.asked, found.lengths, old, reference, advantages, returns)

    return made
