"""The report of folders that have been damaged since they were written."""

import json

import pytest

from onward.errors import FolderError
from onward.lineage import Result
from onward.report.page import write_report

LINE = '{"step": 1, "loss": 2.0, "rate": 1.0, "tokens": 9, "seconds": 0.5}\n'


@pytest.mark.parametrize(
    "line", ["{", "5", "{}", '{"step": "x"}', LINE.replace("2.0", '"x"'), LINE.replace("2.0", "NaN"), "\0"]
)
def test_damaged_metrics_are_named_with_their_line(model_folder, line):
    (model_folder / "metrics.jsonl").write_text(LINE + line.strip() + "\n" + LINE)
    with pytest.raises(FolderError, match=r"metrics\.jsonl, line 2"):
        write_report(model_folder)


def test_a_last_line_cut_short_by_a_crash_is_left_out(model_folder):
    (model_folder / "metrics.jsonl").write_text(LINE + LINE[:9])
    assert write_report(model_folder).exists()


def test_a_step_whose_loss_was_no_number_is_no_damage(model_folder):
    """As --skip-spikes writes it of a batch that it leaves out."""
    (model_folder / "metrics.jsonl").write_text(LINE + LINE.replace("2.0", "null") + LINE)
    assert write_report(model_folder).exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"carried_on": 5}', '{"answered": ["x"]}'])
def test_damaged_samples_are_named(model_folder, text):
    (model_folder / "samples.json").write_text(text)
    with pytest.raises(FolderError, match=r"samples\.json"):
        write_report(model_folder)


def test_half_an_interval_is_not_shown(model_folder):
    history = json.loads((model_folder / "onward.json").read_text())
    history["results"] = [{"suite": "s", "metric": "m", "value": 1.5, "low": 1.0}]
    (model_folder / "onward.json").write_text(json.dumps(history))
    assert "1.500" in write_report(model_folder).read_text()


def test_a_stage_has_a_column_only_where_it_was_measured(run):
    def result(suite, **more):
        return Result(suite=suite, metric="m", value=0.25, **more)

    run("base", "pretrain", results=[result("a"), Result(suite="b", metric="of its own", value=0.5)])
    place = run("sft", "sft", parents=["base"], results=[result("a", n=7, baseline=0.125)])
    page = write_report(place).read_text()
    shared, own = page.index("<strong>M</strong>"), page.index("<strong>Of its own</strong>")
    heads = page[shared:own], page[own : page.index("<h2>How it learned")]
    assert [">sft</th>" in head for head in heads] == [True, False]
    assert [">baseline</th>" in head for head in heads] == [True, False]
    assert "0.125" in heads[0]
    assert "chance" not in heads[0]
    assert "n = None" not in page
