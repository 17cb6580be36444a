import json

import pytest

from onward import lineage
from onward.errors import FolderError
from onward.lineage import Lineage, Result


def test_a_lineage_comes_back_as_it_was(tmp_path):
    base = Lineage(verb="pretrain", seed=3, results=[Result(suite="s", metric="m", value=1.5, seeds=[3])])
    tuned = Lineage(verb="sft", parents=[base], data=[{"path": "x", "bytes": 1}])
    lineage.write(tmp_path, tuned)
    assert lineage.read(tmp_path) == tuned


def test_fields_of_a_later_version_are_passed_over(tmp_path):
    (tmp_path / lineage.FILE).write_text(
        '{"verb": "sft", "unheard_of": 1, "results": [{"suite": "s", "metric": "m", "value": 1, "new": 2}]}'
    )
    assert lineage.read(tmp_path) == Lineage(verb="sft", results=[Result(suite="s", metric="m", value=1)])


@pytest.mark.parametrize("text", ["{", "[]", '{"no": "verb"}', '{"verb": "x", "results": [1]}', "\0"])
def test_a_broken_lineage_is_named(tmp_path, text):
    (tmp_path / lineage.FILE).write_text(text)
    with pytest.raises(FolderError, match=r"onward\.json"):
        lineage.read(tmp_path)


def test_a_new_measurement_takes_the_place_of_the_old_one(tmp_path):
    lineage.write(
        tmp_path,
        Lineage(verb="x", results=[Result(suite="a", metric="m", value=1), Result(suite="b", metric="m", value=2)]),
    )
    lineage.add_results(tmp_path, [Result(suite="a", metric="m", value=3)])
    history = lineage.read(tmp_path)
    assert history is not None
    assert {(r.suite, r.value) for r in history.results} == {("a", 3), ("b", 2)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"results": [{"suite": "s", "metric": "m", "value": "x"}]},
        {"results": [{"suite": "s", "metric": "m", "value": 1, "low": "x"}]},
        {"results": 5},
        {"data": [{}]},
        {"data": [5]},
        {"plan": "x"},
        {"versions": []},
        {"date": 5},
        {"parents": [{"verb": "x", "data": "y"}]},
    ],
)
def test_a_value_of_a_wrong_type_is_named(tmp_path, wrong):
    (tmp_path / lineage.FILE).write_text(json.dumps({"verb": "x"} | wrong))
    with pytest.raises(FolderError, match=r"onward\.json"):
        lineage.read(tmp_path)
