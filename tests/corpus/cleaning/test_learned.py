"""Judged by examples, and by a model: what is unlike the good goes, and the good stays."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from dirt import good, run, write
from onward.corpus.cleaning.assemble import read_clean, read_dropped
from onward.errors import DataError, FolderError

RECIPE = (
    "Mix the {a} with the {b}, and leave it in a warm place.",
    "Bake it until the {a} is brown.",
    "Add {b} and a little salt.",
)
FOOD = ["flour", "butter", "sugar", "milk", "cheese", "spinach", "pepper", "garlic", "dough", "cream"]


def recipe(number: int) -> str:
    """Good English that somebody may not want all the same."""
    chance = random.Random(number)
    return " ".join(
        chance.choice(RECIPE).format(a=chance.choice(FOOD), b=chance.choice(FOOD))
        + f" Wait for {chance.randint(2, 90)} minutes."
        for _ in range(6)
    )


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write(tmp_path / "raw.jsonl", [{"text": good(i) if i % 2 else recipe(i)} for i in range(1000, 1040)])


def test_a_classifier_learns_from_examples_what_to_drop(raw: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'onward[clean]'")
    wanted = write(tmp_path / "good.jsonl", [{"text": good(i)} for i in range(60)])
    unwanted = write(tmp_path / "bad.jsonl", [{"text": recipe(i)} for i in range(60)])
    run([raw], tmp_path / "out", good=(str(wanted),), bad=(str(unwanted),))
    assert [record["number"] % 2 for record in read_clean(tmp_path / "out")] == [0] * 20
    dropped = list(read_dropped(tmp_path / "out", "like-bad-examples"))
    assert [record["number"] % 2 for record in dropped] == [1] * 20
    assert "bad with odds of" in dropped[0]["why"]


def test_too_few_examples_and_a_missing_library_are_said(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'onward[clean]'")
    few = str(write(tmp_path / "few.jsonl", [{"text": good(i)} for i in range(3)]))
    with pytest.raises(DataError, match=r"has 3 texts\. Give at least 20"):
        run([raw], tmp_path / "out", good=(few,), bad=(few,))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match=r"pip install 'onward\[clean\]'"):
        run([raw], tmp_path / "out2", good=(few,), bad=(few,))


def test_a_model_drops_what_it_finds_far_less_likely(tmp_path: Path) -> None:
    """A model of one bigram table: it knows the letters of English, and finds Welsh strange."""
    import torch

    from onward.lineage import Lineage
    from onward.model import folder
    from onward.model.config import TrunkConfig
    from onward.model.trunk import LanguageModel
    from onward.tokens.train import train

    tokenizer = train([good(i) for i in range(50)], 384)
    (tmp_path / "tokenizer").mkdir()
    tokenizer.save(tmp_path / "tokenizer")
    size = tokenizer.highest_id + 1
    shape = {"width": 32, "depth": 1, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 32}
    model = LanguageModel(TrunkConfig(vocab_size=size, max_positions=256, **shape)).initialise(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    ids = torch.tensor([tokenizer.encode(good(i))[:100] for i in range(50)])
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder.save(tmp_path / "model", model, lineage=Lineage(verb="test"), tokenizer_folder=tmp_path / "tokenizer")
    strange = (
        "Mae'r hen felinydd yn byw wrth yr afon ers blynyddoedd, ac yn y bore mae'n mynd dros y bont i'r farchnad."
    )
    raw = write(tmp_path / "raw.jsonl", [{"text": good(1000 + i)} for i in range(30)] + [{"text": strange}])
    run([raw], tmp_path / "out", model=str(tmp_path / "model"), language=("any",))
    (dropped,) = read_dropped(tmp_path / "out", "unlikely")
    assert dropped["text"] == strange
    with pytest.raises(FolderError):
        run([raw], tmp_path / "out2", model=str(tmp_path / "nowhere"))
