"""Planted: a small folder that has learned a file of 16 copies is found by its order and by its texts; one that has learned other texts
of the same sort is not."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch

from onward import lineage, load
from onward.evaluate import run
from onward.evaluate.contamination import order
from onward.evaluate.contamination.examination import lacking, suite, verdict
from onward.evaluate.items import Item
from onward.evaluate.settings import How
from onward.generate.endpoint import EndpointModel
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.serve.models import open_all
from onward.serve.settings import Limits
from serving import running

COPIES = 16
SYLLABLES = ("ka", "mo", "ti", "ru", "le", "sa", "no", "vi", "pe", "du", "fo", "gi")
LENGTH = 96
HOW = How(ask="text")


def texts(seed: int, number: int) -> list[Item]:
    """A sentence each, of which the half can be known by heart only."""
    random = Random(seed)

    def word() -> str:
        return "".join(random.choices(SYLLABLES, k=2))

    sentences = (f"The {word()} {word()} sat on the {word()} {word()}." for _ in range(number))
    return [Item(id=str(at), text=text) for at, text in enumerate(sentences)]


TEST, UNSEEN, OTHERS = texts(1, 48), texts(2, 48), texts(3, 48)


def trained(path: Path, tokenizer, learned: list[Item]) -> Path:
    """A folder whose model has read the texts, in their order, COPIES times."""
    torch.manual_seed(0)
    config = TrunkConfig(
        vocab_size=tokenizer.highest_id + 1,
        width=96,
        depth=2,
        heads=4,
        kv_heads=4,
        head_size=24,
        ffn_width=192,
        max_positions=128,
    )
    model = LanguageModel(config).initialise(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
    ids = torch.tensor(tokenizer.encode(order.BETWEEN.join(one.text for one in learned)))
    for _ in range(COPIES):
        first = int(torch.randint(0, LENGTH, ()))
        for begin in range(first, len(ids) - LENGTH - 1, LENGTH):
            row = ids[begin : begin + LENGTH + 1]
            loss = torch.nn.functional.cross_entropy(model(row[None, :-1])[0], row[1:])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    parts = path / "tokenizer"
    parts.mkdir(parents=True)
    tokenizer.save(parts)
    folder.save(path / "model", model, lineage=Lineage(verb="pretrain"), tokenizer_folder=parts)
    return path / "model"


@pytest.fixture(scope="module")
def folders(tokenizer, tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("trained")
    return {name: trained(place / name, tokenizer, those) for name, those in (("test", TEST), ("others", OTHERS))}


def examined(model: Path, out: Path, test=TEST, unseen=UNSEEN, budget: int | None = None, name="mine"):
    opened = load(model, device="cpu", weights="torch")
    return run.evaluate(opened, suite(name, test, unseen), HOW, out, run.opened(opened, out, budget))


@pytest.fixture(scope="module")
def learned(folders, tmp_path_factory):
    """The examination of the folder that has learned the test, and where it is written."""
    out = tmp_path_factory.mktemp("out")
    return examined(folders["test"], out), out


def test_a_test_that_was_learned_is_found(learned):
    found, _ = learned
    rows = {row.metric: row.measured for row in found.rows}
    assert rows["Min-K%++: AUC"].low > 0.6
    assert rows["Min-K%: AUC"].low > 0.6
    assert rows["order: excess of the published one"].low > 0
    assert rows["p: order: excess of the published one"].value < 0.01
    assert "order: excess of the published one (p = " in verdict(found)
    assert lacking(found) == []
    control = rows["control: told apart by words alone"]
    assert control.low < 0.5 < control.high


def test_a_test_that_was_not_learned_is_not_found(folders, tmp_path):
    found = examined(folders["others"], tmp_path)
    rows = {row.metric: row.measured for row in found.rows}
    assert rows["Min-K%++: AUC"].low < 0.5 < rows["Min-K%++: AUC"].high
    assert rows["p: order: excess of the published one"].value > 0.05
    assert verdict(found).startswith("No trace of it is seen. That is no proof of absence")


def test_results_are_written_and_nothing_is_asked_again(folders, learned):
    _, out = learned
    history = lineage.of(folders["test"])
    told = {one.metric: one for one in history.results if one.suite == "contamination-mine-against, as text"}
    assert told["Min-K%++: AUC"].chance == 0.5
    assert told["order: excess of the published one"].low > 0
    (lines,) = (out / "contamination-mine-against-as-text").glob("*.jsonl")
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(records) == len(TEST) + len(UNSEEN)
    assert {"id", "text", "guided completion", "says yes", "Min-K%++", "shard"} <= records[0].keys()
    opened = load(folders["test"], device="cpu", weights="torch")
    again = run.opened(opened, out)
    run.evaluate(opened, suite("mine", TEST, UNSEEN), HOW, out, again)
    assert again.spent == 0


def test_a_budget_is_kept_and_then_nothing_is_added_to_the_lineage(folders, tmp_path):
    def added() -> list[str]:
        return [one.metric for one in lineage.of(folders["others"]).results if "thrifty" in one.suite]

    found = examined(folders["others"], tmp_path, TEST[:8], budget=2000, name="thrifty")
    assert 0 < found.unreached <= 8
    assert added() == []
    assert examined(folders["others"], tmp_path, TEST[:8], name="thrifty").unreached == 0
    assert "Min-K%: AUC" in added()


def test_without_unseen_texts_nothing_is_said_of_min_k(folders, tmp_path):
    found = examined(folders["others"], tmp_path, TEST[:8], unseen=())
    assert not any("Min-K" in row.metric for row in found.rows)
    assert "--against" in lacking(found)[0]
    assert any(row.metric == "control: seen it? yes" and row.about == "to made-up texts" for row in found.rows)


def test_unseen_texts_of_another_sort_are_told_and_count_for_nothing(folders, tmp_path):
    """The model likes what it was trained on better than texts about something else, though it has seen none of the test."""
    strange = [Item(id=one.id, text=one.text.replace("sat on the", "purrs behind a")) for one in UNSEEN]
    found = examined(folders["others"], tmp_path, unseen=strange)
    rows = {row.metric: row.measured for row in found.rows}
    assert rows["Min-K%++: AUC"].low > 0.5
    assert rows["control: told apart by words alone"].low > 0.8
    assert "of another sort by their words" in verdict(found)
    assert "AUC (p" not in verdict(found)


def test_an_endpoint_is_asked_what_it_can_answer(folders, tmp_path):
    """It completes texts and says yes or no, in a chat; likelihoods are a folder's."""
    with running(open_all([str(folders["others"])], [], device="cpu"), Limits()) as up:
        model = EndpointModel(f"{up.url}/v1#model")
        asked = run.opened(model, tmp_path)
        short = [Item(id=one.id, text=one.text[:12]) for one in TEST[:4]]
        found = run.evaluate(model, suite("mine", short), How(), tmp_path, asked)
        model._client.close()
    metrics = {row.metric for row in found.rows}
    assert {"completion: guided less general"} <= metrics
    assert not any(metric.startswith(("order", "Min-K")) for metric in metrics)
    assert len(lacking(found)) == 2
