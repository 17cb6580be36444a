"""A model that was really tuned on answers of which 60 % were A: its liking is found, is near what was planted, and can be taken off."""

from __future__ import annotations

from random import Random

import pytest
import torch

from onward.evaluate.asking import Cache, FolderRespondent
from onward.evaluate.items import item_of
from onward.evaluate.prompts import choice_prompt
from onward.evaluate.run import examine
from onward.evaluate.settings import How
from onward.evaluate.suite import Suite
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine

SHARE = 0.6
HOW = How(ask="text", mode="letter")
SYLLABLES = ("ka", "mo", "ti", "ru", "le", "sa", "no", "vi")


def unknowable(number: int) -> dict[str, object]:
    """Four words that mean nothing, one of which is right: nothing is to be learned of these but the letter."""
    random = Random(number)
    words = ["".join(random.choices(SYLLABLES, k=2)) + str(place) for place in range(4)]
    right = 0 if random.random() < SHARE else random.randrange(1, 4)
    return {"prompt": f"{number}?", "options": words, "answer": words[right]}


@pytest.fixture
def tuned(tiny_model, tokenizer):
    """150 steps on the letter alone."""
    model, letters = tiny_model, [tokenizer.encode(f" {letter}") for letter in "ABCD"]
    assert all(len(ids) == len(letters[0]) for ids in letters)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    engine = Engine(model, tokenizer)
    asker = FolderModel("tuned", engine)
    for step in range(150):
        rows, targets = [], []
        for number in range(16 * step, 16 * (step + 1)):
            item = item_of(unknowable(number), number)
            text = choice_prompt(item, (), mode="letter", layout="A)", order=0, chat=False).text
            rows.append(asker.text_prompt(text) + letters[item.right][:-1])
            targets.append(letters[item.right][-1])
        loss = torch.stack(
            [
                torch.nn.functional.cross_entropy(model(torch.tensor([row]))[0, -1:], torch.tensor([target]))
                for row, target in zip(rows, targets, strict=True)
            ]
        ).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    engine.forget()
    return asker


def test_a_tuned_liking_is_found_and_is_near_what_was_planted(tuned, tmp_path):
    items = [item_of(unknowable(number), number) for number in range(10_000, 10_120)]
    respondent = FolderRespondent(tuned, Cache(tmp_path / "answers.jsonl"))
    found = examine(respondent, Suite(name="unknowable", items=items), HOW, chat=False)
    rows = {row.metric: row for row in found.rows}
    assert rows["probability of A"].measured.value == pytest.approx(SHARE, abs=0.1)
    assert rows["prior of A"].measured.low > 0.4
    assert "a liking for letters" in rows["prior of A"].about
    assert rows["share right"].measured.value == pytest.approx(0.25, abs=0.03)
    assert rows["the order as written"].measured.value > 0.5  # it guesses what the test, too, has most often
    assert rows["corrected by the prior (PriDe)"].measured.value < 0.45
    assert rows["RStd of recalls"].measured.value > 0.3
