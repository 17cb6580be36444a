"""A real study, tiny: a dozen models in seconds, the law, the larger run; stopped and gone on with."""

import json
from html.parser import HTMLParser

import pytest
from rich.console import Console

from onward.errors import OutputError, PlanError
from onward.scale import grid, runs
from onward.scale.budget import Budget
from onward.scale.runs import Ground, Study
from onward.scale.study import scale


@pytest.fixture(autouse=True)
def a_minute_is_soon_over(monkeypatch):
    """As if a step took nearly half a second, so that a minute holds few of them; and few are enough, since the law is not in question."""
    monkeypatch.setattr(Ground, "seconds_per_step", lambda *_: 0.4)
    monkeypatch.setattr(grid, "FEWEST_STEPS", 2)


@pytest.fixture
def study(texts, tmp_path):
    return Study(out=tmp_path / "scaling", texts=[str(texts)], budget=Budget(minutes=1.5, length=32, vocab=300))


@pytest.fixture
def console():
    return Console(quiet=True)


class Balanced(HTMLParser):
    """Refuses a page whose elements do not close in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, _attributes):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_study_stopped_in_the_middle_goes_on_and_ends_with_a_law_that_was_tested(study, console, monkeypatch):
    make, made = runs.small, []

    def stop_after_three(ground, run):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(make(ground, run))
        return made[-1]

    monkeypatch.setattr(runs, "small", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        scale(study, console)
    plan = (study.out / "plan.json").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in study.out.glob("runs/*/run.json")}
    assert len(kept) == 3
    monkeypatch.setattr(runs, "small", make)

    found = scale(study, console)
    assert (study.out / "plan.json").read_bytes() == plan
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    names = {path.name for path in study.out.iterdir()}
    assert names == {
        "data",
        "runs",
        "largest",
        "plan.json",
        "prediction.json",
        "scale.json",
        "scale.svg",
        "scale.html",
        "onward.json",
        "onward-request.json",
    }
    assert len(found["runs"]) == len(list(study.out.glob("runs/*/run.json"))) >= 8
    larger = found["larger"]
    assert 0 < larger["low"] < larger["predicted"] < larger["high"]
    assert larger["inside"] == (larger["low"] <= larger["bits_per_byte"] <= larger["high"])
    model = json.loads((study.out / "largest" / "onward.json").read_text())
    assert model["results"][0]["value"] == larger["bits_per_byte"]
    foretold = json.loads((study.out / "prediction.json").read_text())
    assert foretold["predicted"] == larger["predicted"]
    assert foretold["bits_per_byte"] is None, "it was written down before the larger run"
    history = json.loads((study.out / "onward.json").read_text())
    assert [result["value"] for result in history["results"]] == [larger["predicted"], larger["bits_per_byte"]]
    page = (study.out / "scale.html").read_text()
    Balanced().feed(page)
    assert page.count("<svg") == 1
    assert "<script" not in page

    again = scale(study, console)
    assert again == found, "a finished study is not made again"
    with pytest.raises(OutputError, match="its minutes was"):
        scale(Study(out=study.out, texts=study.texts, budget=Budget(minutes=9, length=32, vocab=300)), console)


def test_too_few_minutes_are_refused_before_any_is_spent(study, console, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(PlanError, match="more --minutes"):
        scale(Study(out=study.out, texts=study.texts, budget=Budget(minutes=0.01, length=32, vocab=300)), console)
    assert not list(study.out.glob("runs/*/run.json"))


@pytest.mark.parametrize(("wrong", "words"), [({"minutes": 0}, "--minutes 0"), ({"precision": "fp4"}, "fp32 or bf16")])
def test_impossible_budgets_are_refused_in_words(wrong, words):
    with pytest.raises(PlanError, match=words):
        Budget(**wrong)
