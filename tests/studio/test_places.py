"""Runs and models by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from onward.errors import FolderError
from onward.studio.places import Places


def test_runs_stages_and_addresses_have_names(runs):
    places = Places([str(runs), "http://127.0.0.1:9/v1#far"])
    assert [run.name for run in places.runs()] == ["small"]
    assert list(places.stages()) == ["small/base", "small/sft"]
    assert places.talking() == ["small/sft", "small/base", "http://127.0.0.1:9/v1#far"]


def test_a_run_and_a_single_model_can_be_given(runs):
    assert Places([str(runs / "small")]).talking() == ["small/sft", "small/base"]
    assert Places([str(runs / "small" / "base")]).talking() == ["base"]


def test_two_runs_of_one_name_stay_apart(runs, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "base").symlink_to(runs / "small" / "base")
    names = Places([str(runs / "small"), str(tmp_path / "small")]).talking()
    assert names == ["small/sft", "small/base", "small (2)/base"]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../secret.txt",
        "/etc/passwd",
        "small/..",
        "small/base/..",
        "small/./base",
        "",
        "SMALL/base",
        "small\\base",
    ],
)
def test_what_is_no_name_of_a_model_is_refused(runs, name):
    places = Places([str(runs)])
    with pytest.raises(FolderError, match="there is no model"):
        places.stage(name)
    if name:
        with pytest.raises(FolderError, match="there is no run"):
            places.run(name)


def test_a_report_beside_the_runs_is_not_a_stages(runs):
    run = Places([str(runs)]).run("small")
    assert run.page() == runs / "small" / "report.html"
    assert run.page("..") is None
    assert run.page("../..") is None
    assert run.page(str(runs.parent)) is None


def test_nothing_built_yet_is_no_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = Places([])
    assert places.talking() == []
    assert places.new == Path("runs")


def test_a_folder_that_is_not_there_is_one(tmp_path):
    with pytest.raises(FolderError, match="is no folder"):
        Places([str(tmp_path / "typo")])


def test_a_damaged_lineage_is_told_and_hides_nothing_else(runs, tmp_path):
    import shutil

    shutil.copytree(runs / "small", tmp_path / "small")
    (tmp_path / "small" / "base" / "onward.json").write_text("{")
    stages = Places([str(tmp_path)]).stages()
    assert "unreadable" in stages["small/base"].history().verb
    assert stages["small/sft"].history().verb == "sft"
