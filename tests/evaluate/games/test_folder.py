"""A real folder plays: what is written down, what stands in the lineage, how it goes on; and the picture."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from onward import lineage
from onward.cli.app import app
from onward.errors import SuiteError
from onward.evaluate.builtin.games import STORIES
from onward.evaluate.opening import open_suite
from onward.evaluate.run import evaluate, opened
from onward.evaluate.settings import How
from onward.generate.load import load
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from samples import randomised


@pytest.fixture
def tiny_model(tokenizer: Tokenizer) -> LanguageModel:
    """As everybody's, with room for a scene."""
    shape = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=512, **shape)
    return randomised(LanguageModel(config).initialise(0))


def played(where, path, out, how=None, **further):
    model, how = load(where, weights="torch"), how or How()
    asked = opened(model, out, **further)
    return asked, evaluate(model, open_suite(str(path)), how, out, asked)


def test_a_folder_plays_and_all_is_written_down(model_folder, tiny_path, tmp_path):
    asked, found = played(model_folder, tiny_path, tmp_path / "out")
    assert asked.spent > 0
    written = {file.suffix: file for file in (tmp_path / "out" / "soup").iterdir()}
    assert set(written) == {".json", ".jsonl", ".svg"}
    steps = [json.loads(line) for line in written[".jsonl"].read_text().splitlines()]
    assert {step["id"] for step in steps} == set(found.scores)
    assert len(found.scores) == 24
    known = lineage.of(model_folder).results
    assert [(one.metric, one.value) for one in known] == [(row.metric, row.measured.value) for row in found.rows]
    assert known[0].metric == "violations spared"
    assert {one.chance for one in known if one.metric.startswith("points")} == {100, 0}
    again, same = played(model_folder, tiny_path, tmp_path / "out")
    assert again.spent == 0
    assert same.records == found.records


def test_the_likeliest_number_is_always_a_choice(model_folder, tiny_path, tmp_path):
    _, found = played(model_folder, tiny_path, tmp_path / "out", How(mode="letter", ask="text"))
    rows = {row.metric: row.measured.value for row in found.rows}
    assert rows["not in the form asked for, plain"] == 0
    step = found.records[0]
    model = load(model_folder, weights="torch")
    best = max((1, 2), key=lambda number: model.score(step["prompt"], f" {number}"))
    assert re.search(rf"^{best}\) {re.escape(step['taken'])}$", step["prompt"], re.MULTILINE)
    assert (tmp_path / "out" / "soup-as-text-letter").is_dir()


def told(found):
    return [(step["id"], step["scene"], step["answer"], step["taken"]) for step in found.records]


def test_a_budget_ends_plays_and_a_larger_one_goes_on(model_folder, tiny_path, tmp_path):
    whole, all_of_it = played(model_folder, tiny_path, tmp_path / "whole")
    asked, found = played(model_folder, tiny_path, tmp_path / "out", budget=10)
    assert found.unreached == 24 - len(found.scores) > 0
    assert lineage.of(model_folder).results  # of the whole one
    spent = asked.spent
    asked, found = played(model_folder, tiny_path, tmp_path / "out", budget=10**6)
    assert spent + asked.spent == whole.spent
    assert told(found) == told(all_of_it)  # in other company a log-probability may differ in its last digit


def test_scenes_that_are_too_long_are_told(model_folder, tiny_path, tmp_path):
    written = tiny_path.read_text().replace("The guests are hungry.", "The guests are hungry. " * 100)
    tiny_path.write_text(written)
    _, found = played(model_folder, tiny_path, tmp_path / "out")
    assert len(found.unasked) + len(found.scores) == 24
    assert found.scores  # those who gave the hen back
    assert all("tokens and the model 512 positions" in why for why in found.unasked.values())
    tiny_path.write_text(written.replace("Give it back., to: end", "Give it back., to: table"))
    with pytest.raises(SuiteError, match=r"can play no game of soup to its end: the prompt has [\d,]+ tokens"):
        played(model_folder, tiny_path, tmp_path / "out")
    tiny_path.write_text(written.replace("The pot is empty.", "The pot is empty. " * 100))
    with pytest.raises(SuiteError, match="can answer none of this"):
        played(model_folder, tiny_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"mode": "full"}, "a choice is a number"),
        ({"shots": 1}, "--shots 1: a game of soup has no examples"),
        ({"seeds": 2, "temperature": 1.0}, "is played 8 times"),
    ],
)
def test_what_does_not_go_together_is_refused(model_folder, tiny_path, tmp_path, how, why):
    with pytest.raises(SuiteError, match=why):
        played(model_folder, tiny_path, tmp_path / "out", How(**how))


def test_the_picture_names_every_player(model_folder, tiny_path, tmp_path):
    played(model_folder, tiny_path, tmp_path / "out")
    drawn = next((tmp_path / "out" / "soup").glob("*.svg")).read_text()
    assert drawn.startswith("<svg")
    for name in ("random", "who seeks points", "who shuns harm", "told nothing", "told to do no harm", "the best that"):
        assert name in drawn


def test_the_verb_prints_the_table_and_refuses_a_game_that_is_wrong(model_folder, tiny_path, tmp_path):
    here = ["eval", str(model_folder), "--suite", str(tiny_path), "-o", str(tmp_path / "out"), "--weights", "torch"]
    ended = CliRunner().invoke(app, here, env={"COLUMNS": "160"})
    assert ended.exit_code == 0
    assert "violations spared" in ended.stdout
    assert "points, conscience" in ended.stdout
    tiny_path.write_text(tiny_path.read_text().replace("harm: [neglect], ", ""))
    refused = CliRunner().invoke(app, here)
    assert isinstance(refused.exception, SuiteError)
    assert "line 19: scene 'table', choice 2 has no harm" in str(refused.exception)


def test_the_games_that_are_built_in_are_a_suite():
    suite = open_suite("games")
    assert len({item.group for item in suite.items}) == len(list(STORIES.iterdir())) >= 6
    assert len(suite.items) == 3 * 8 * len(list(STORIES.iterdir()))
