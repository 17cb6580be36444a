"""Reward models: the loss by hand, learning to tell answers apart, the folder in transformers, and what they are measured by."""

import json
import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from rich.console import Console

from onward import lineage
from onward.align import reward
from onward.align.rankings import Encoded, RankedBatch, Rankings
from onward.align.wishes import RewardWishes
from onward.errors import FolderError, PlanError
from onward.model import folder
from onward.model.reward import rewards, with_score_head
from onward.train.plan import Wishes
from onward.train.workspace import Workspace

WISHES = Wishes(steps=30, batch=512, seed=1)


@pytest.fixture
def polite(tmp_path):
    """The better answer says please; both sides are equally long, and the words around it vary."""
    path = tmp_path / "polite.jsonl"
    pairs = [
        {"prompt": f"{i}?", "chosen": f"please {i * 7 % 97}", "rejected": f"banana {i * 7 % 97}"} for i in range(200)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def prepared(base, path, tmp_path, wishes=WISHES, asked=RewardWishes()):  # noqa: B008 (a value)
    return reward.prepare(base, path, Workspace(tmp_path / "reward", {}), wishes, asked, console=Console(quiet=True))


class Given:
    """A batch, and a model that gives the rewards written down for it."""

    def __init__(self, monkeypatch, *rankings, scores=None, weights=None):
        values = [value for ranking in rankings for value in ranking]
        self.values = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        numbers = [number for number, ranking in enumerate(rankings) for _ in ranking]
        self.batch = RankedBatch(
            ids=torch.zeros(len(values), 1, dtype=torch.int64),
            lengths=torch.ones(len(values), dtype=torch.int64),
            ranking=torch.tensor(numbers),
            scores=torch.tensor(scores or [0.0] * len(values), dtype=torch.float64),
            weights=torch.tensor(weights or [1.0] * len(rankings), dtype=torch.float64),
        )
        monkeypatch.setattr(reward, "rewards", lambda *_: self.values)
        monkeypatch.setattr(reward, "CENTRE", 0.0)

    def loss(self, objective=reward.preference_loss):
        return objective(None, self.batch)


def test_of_pairs_the_loss_is_bradley_terrys(monkeypatch):
    given = Given(monkeypatch, (1.5, 0.5), (0.0, 2.0))
    expected = (math.log(1 + math.exp(-1.0)) + math.log(1 + math.exp(2.0))) / 2
    assert given.loss().value.item() == pytest.approx(expected, abs=1e-9)
    assert given.loss().stats["right"] == 0.5
    assert given.loss().weight == 2


def test_of_longer_rankings_it_is_plackett_luces_whose_probabilities_add_up_to_one(monkeypatch):
    values = (0.3, -1.0, 2.0)
    total = 0.0
    for order in permutations(values):
        loss = Given(monkeypatch, order).loss().value.item()
        total += math.exp(-2 * loss)  # a mean over two choices
    assert total == pytest.approx(1, abs=1e-9)


def test_rankings_of_different_lengths_stand_in_one_batch(monkeypatch):
    alone = [Given(monkeypatch, one).loss().value.item() for one in ((1.0, 0.0), (0.5, 0.2, -1.0))]
    both = Given(monkeypatch, (1.0, 0.0), (0.5, 0.2, -1.0), weights=[0.5, 1.5])
    assert both.loss().value.item() == pytest.approx((0.5 * alone[0] + 1.5 * alone[1]) / 2, abs=1e-9)
    both.loss().value.backward()
    assert both.values.grad.isfinite().all()
    assert both.values.grad.sum().item() == pytest.approx(0, abs=1e-9), "only differences matter"


def test_with_a_margin_the_better_answer_must_be_ahead_by_the_difference_of_the_scores(monkeypatch):
    given = Given(monkeypatch, (1.0, 0.0), scores=[0.9, 0.2])
    assert given.loss(reward.margin_loss).value.item() == pytest.approx(math.log(1 + math.exp(-0.3)), abs=1e-9)
    three = Given(monkeypatch, (1.0, 0.5, 0.0), scores=[0.0, 0.0, 0.0])
    pairs = [math.log(1 + math.exp(-difference)) for difference in (0.5, 1.0, 0.5)]
    assert three.loss(reward.margin_loss).value.item() == pytest.approx(sum(pairs) / 3, abs=1e-9)


def test_accumulated_equals_one_batch(model_folder):
    model = with_score_head(folder.load(model_folder).double(), 0)
    some = np.random.default_rng(0)
    encoded = [
        Encoded("?", ("a", "b"), tuple(some.integers(0, 90, n).tolist() for n in some.integers(3, 9, 2)), None)
        for _ in range(8)
    ]
    batch = Rankings(encoded, 64, pad_id=0).batch(np.arange(8))
    whole = reward.preference_loss(model, batch).value
    parts = sum(reward.preference_loss(model, part).value * part.learnable / 8 for part in batch.split(4))
    assert len(batch.split(4)) == 4
    assert parts.item() == pytest.approx(whole.item(), abs=1e-12)


def test_it_learns_what_is_better_and_says_how_often_it_is_right(model_folder, polite, tmp_path):
    training = prepared(model_folder, polite, tmp_path)
    assert training.measure(10**6).value < 0.9
    out = training.run(Console(quiet=True))
    right, *others = lineage.of(out).results
    assert (right.suite, right.metric, right.chance) == ("held-out preferences", "pairs ranked right", 0.5)
    assert right.value > 0.95
    assert right.baseline == 0.5, "the length tells nothing"
    assert others[-1].metric == "calibration error"
    lines = [json.loads(line) for line in (out / "held_out.jsonl").read_text().splitlines()]
    assert len(lines) == right.n
    assert lines[0]["rewards"][0] - lines[0]["rewards"][1] <= lines[-1]["rewards"][0] - lines[-1]["rewards"][1]


def test_the_folder_is_a_sequence_classifier_of_transformers(model_folder, polite, tmp_path):
    import transformers

    training = prepared(model_folder, polite, tmp_path, replace(WISHES, steps=2))
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(training.run(Console(quiet=True)))
    batch = training.batches(0)
    with torch.no_grad():
        ours = rewards(training.model.eval(), batch.ids, batch.lengths)
        there = torch.arange(batch.ids.shape[1])[None] < batch.lengths[:, None]
        given = theirs.eval()(batch.ids, attention_mask=there.long()).logits[:, 0]
    assert torch.allclose(ours, given, atol=1e-5)


def test_what_cannot_be_done_is_said_in_a_line(model_folder, polite, tmp_path):
    with pytest.raises(PlanError, match="--margin needs scores"):
        prepared(model_folder, polite, tmp_path, asked=RewardWishes(margin=True))
    with pytest.raises(PlanError, match="64 positions"):
        prepared(model_folder, polite, tmp_path, replace(WISHES, length=65))
    with pytest.raises(FolderError):
        reward.request(tmp_path / "nothing", polite, WISHES, RewardWishes())
