"""A suite over training: what was planted is found from the step on from which it is there, and what is not there is not found."""

from __future__ import annotations

import json
import math
from random import Random

import numpy as np
import pytest
import torch
from scipy.stats import binom

from onward.errors import FolderError
from onward.evaluate import learning, statistics
from onward.evaluate.opening import open_suite
from onward.evaluate.run import evaluate, opened
from onward.evaluate.settings import How
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine
from onward.generate.load import load
from onward.lineage import Lineage
from onward.model import folder
from samples import NOUNS, PLACES

EVERY, PLANTED_FROM, LAST = 20, 60, 180
LEVEL, ROUNDS = 0.05, 200


def asked(number: int, kind: str) -> dict[str, object]:
    """Of the kind "told" the noun says the place, once that is planted; of the kind "drawn" nothing ever says it."""
    random = Random(f"{kind}{number}")
    noun = random.choice(NOUNS)
    place = PLACES[NOUNS.index(noun)] if kind == "told" else random.choice(PLACES)
    words = f"where is the {noun}?" if kind == "told" else f"what is by the {noun}?"
    return {"prompt": f"{number % 97} {words}", "answer": place, "kind": kind, "chance": 0.2}


@pytest.fixture
def run(tmp_path, tiny_model, tokenizer):
    """180 steps, the model kept every 20. Up to step 60 all answers are drawn by lot, then those of one kind are true."""
    model, engine = tiny_model, Engine(tiny_model, tokenizer)
    asker, out, random = FolderModel("", engine), tmp_path / "run", Random(0)
    (tmp_path / "parts").mkdir()
    tokenizer.save(tmp_path / "parts")
    optimiser, lines = torch.optim.AdamW(model.parameters(), lr=3e-3), []
    for step in range(1, LAST + 1):
        losses = []
        for place in range(16):
            kind = ("told", "drawn")[place % 2]
            one = asked(random.randrange(10_000), kind)
            answer = one["answer"] if step > PLANTED_FROM else random.choice(PLACES)
            prompt = asker.text_prompt(f"Question: {one['prompt']}\nAnswer:")
            ids = tokenizer.encode(f" {answer}\n")
            logits = model(torch.tensor([prompt + ids[:-1]]))[0, len(prompt) - 1 :]
            losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(ids)))
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
        optimiser.step()
        lines.append({"step": step, "loss": 1.0, "tokens": 100 * step, "seconds": 1.0})
        if step % EVERY == 0:
            last = step == LAST
            plan = {} if last else {"kept_after": step, "tokens": 100 * step}
            folder.save(
                out if last else tmp_path / "kept" / f"step-{step:08d}",
                model,
                lineage=Lineage(verb="pretrain", plan=plan),
                tokenizer_folder=tmp_path / "parts",
            )
    (tmp_path / "kept").rename(out / "kept")
    (out / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return out


@pytest.fixture
def suite(tmp_path):
    lines = [asked(number, kind) for number in range(10_000, 10_040) for kind in ("told", "drawn")]
    path = tmp_path / "places.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_was_planted_is_found_after_the_right_step_and_the_rest_is_not(run, suite, tmp_path):
    asked, looked = open_suite(str(suite)), []
    for one in learning.kept(run):
        model = load(one.path)
        looked.append((one, evaluate(model, asked, How(), tmp_path / "out", opened(model, tmp_path / "out"))))
    assert [one.step for one, _ in looked] == list(range(EVERY, LAST + 1, EVERY))
    whole, told, drawn = learning.curves(looked)
    assert (whole.kind, told.kind, drawn.kind) == ("all", "told", "drawn")
    assert told.since is not None
    assert PLANTED_FROM < told.since.kept.step <= PLANTED_FROM + 3 * EVERY
    assert told.looks[-1].measured.value > 0.8
    assert drawn.since is None
    assert drawn.floor == max(0.2, learning.usual_share([item for item in asked.items if item.kind == "drawn"]))


def test_a_run_that_kept_nothing_is_told_how_to(model_folder):
    (model_folder / "metrics.jsonl").write_text('{"step": 9, "loss": 1, "tokens": 90, "seconds": 1}\n')
    with pytest.raises(FolderError, match=r"kept only its last model.*Train with --keep"):
        learning.kept(model_folder)


@pytest.mark.parametrize(
    ("ps", "place"),
    [
        ([0.9, 0.01, 0.01], 1),
        ([0.01, 0.9, 0.01], 2),
        ([0.01, 0.01, 0.9], None),
        ([0.01, 0.02, 0.025], 0),
        ([0.5], None),
    ],
)
def test_a_kind_is_above_chance_from_where_it_stays_so(ps, place):
    assert learning.since(ps, 0.025) == place


def test_above_chance_by_hand_and_by_scipy():
    """Three of three at a chance of 1/4: 1/64. Each counted twice, as a cluster: nothing is gained."""
    assert statistics.p_above([1, 1, 1], 0.25) == pytest.approx(1 / 64)
    assert statistics.p_above([1, 1, 1] * 2, 0.25, ["a", "b", "c"] * 2) == pytest.approx(1 / 64)
    values = [1.0] * 37 + [0.0] * 63
    assert statistics.p_above(values, 0.3) == pytest.approx(binom.sf(36, 100, 0.3))
    assert statistics.p_above(values, 0.4) == 1
    assert statistics.p_above([], 0.4) == 1
    assert statistics.p_above([0.0, 1.0], 0) == 0


def simulated(generator, shares, items, clusters):
    """p of each look: looks at fresh answers, of items in pairs that are answered alike where there are half as many clusters.   (T,)"""
    of = np.arange(items) % clusters
    return [
        statistics.p_above((generator.random(clusters)[of] < share).astype(float).tolist(), 0.2, of.tolist())
        for share in shares
    ]


@pytest.mark.parametrize("clusters", [48, 24])
def test_nothing_is_found_in_one_training_of_twenty_where_nothing_is_there(clusters):
    """Four kinds, fifteen checkpoints, 200 trainings that learn nothing. Who believes each look for itself finds something in most."""
    generator = np.random.default_rng(1)
    found = once = 0
    for _ in range(ROUNDS):
        kinds = [simulated(generator, [0.2] * 15, 48, clusters) for _ in range(4)]
        found += any(learning.since(ps, LEVEL / 4) is not None for ps in kinds)
        once += any(p <= LEVEL for ps in kinds for p in ps)
    assert found / ROUNDS <= 0.07
    assert once / ROUNDS > 0.3


def test_what_rises_is_seldom_found_before_it_has_risen():
    generator = np.random.default_rng(2)
    steps = []
    for _ in range(ROUNDS):
        begin = learning.since(simulated(generator, [0.2] * 10 + [0.6] * 10, 48, 48), LEVEL / 4)
        steps.append(math.inf if begin is None else begin)
    assert sum(step < 10 for step in steps) / ROUNDS <= 0.05
    assert sum(step == 10 for step in steps) / ROUNDS > 0.8
