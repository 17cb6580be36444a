"""Roads in the background: the real command, started, seen by a second server, stopped."""

from __future__ import annotations

import json
import time

import pytest

from onward.errors import OutputError, PlanError
from onward.studio import pictures
from onward.studio.building import Asked, Builds
from onward.studio.places import Places
from onward.studio.progress import look, page

SMALL = Asked("small", ("build", "--minutes=0.2"))


@pytest.mark.parametrize(
    "name", ["", "..", ".", "a/b/c", "a/..", "../a", "a/", "/etc", "../x", "-o", "a b", "a.b", "x" * 99, "a\n"]
)
def test_a_name_that_leads_elsewhere_is_refused(name, tmp_path):
    with pytest.raises(PlanError, match="a run's name"):
        Asked(name, ("build",))
    builds = Builds(Places([str(tmp_path)]))
    with pytest.raises(PlanError, match="a run's name"):
        builds.stop(name)
    with pytest.raises(PlanError, match="a run's name"):
        look(builds, name)


def test_a_road_outlives_the_server_and_can_be_stopped_by_the_next(tmp_path):
    first = Builds(Places([str(tmp_path)]))
    first.start(SMALL)
    with pytest.raises(PlanError, match="being built already"):
        first.start(SMALL)
    second = Builds(Places([str(tmp_path)]))
    assert second.running("small")
    assert second.names() == ["small"]
    _until(lambda: look(second, "small").log)
    second.stop("small")
    _until(lambda: not second.running("small"))
    assert not first.running("small")
    assert "Nothing is lost" in look(second, "small").log
    assert not any(look(second, "small").stages.values())
    with pytest.raises(PlanError, match="not being built"):
        second.stop("small")
    second.go_on("small")
    assert second.running("small")
    assert "being built" in page(look(second, "small"))
    second.stop("small")
    _until(lambda: not second.running("small"))
    assert look(second, "small").command.startswith("onward build --out=")


def _until(there, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_was_not_started_here_does_not_go_on(tmp_path):
    builds = Builds(Places([str(tmp_path)]))
    with pytest.raises(PlanError, match="was not started from the studio"):
        builds.go_on("small")
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "small.json").write_text('{"process": "1; rm", "words": []}')
    with pytest.raises(PlanError, match="was not started from the studio"):
        builds.go_on("small")


def test_a_command_that_is_refused_says_why_on_the_page(tmp_path):
    builds = Builds(Places([str(tmp_path)]))
    builds.start(Asked("run/sft", ("sft", "--steps=1", str(tmp_path / "no<b>"), str(tmp_path / "none"))))
    _until(lambda: not builds.running("run/sft"))
    shown = page(look(builds, "run/sft"))
    assert "ended before anything was learned" in shown
    assert "no&lt;b&gt;" in shown
    assert "<b>" not in shown.replace("&lt;b&gt;", "")
    assert builds.names() == ["run/sft"]


def test_what_a_model_says_as_it_learns_is_shown_early_and_late(tmp_path):
    place = tmp_path / "run" / "base.training"
    place.mkdir(parents=True)
    lines = [{"step": n, "prompt": "The <i>", "text": f"said {n}."} for n in range(1, 11)]
    (place / "said.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "run.log").write_text("\x1b[1mpretrain\x1b[0m 1/9\rpretrain 2/9\n")
    found = look(Builds(Places([str(tmp_path)])), "run")
    shown = page(found)
    assert [f"said {n}." in shown for n in range(1, 11)] == [n in (1, 4, 7, 10) for n in range(1, 11)]
    assert "The &lt;i&gt;" in shown
    assert found.log == "pretrain 2/9"
    assert found.bytes > 0
    assert found.free > found.bytes


@pytest.mark.parametrize(
    "words", [["serve"], ["build", "--out=/elsewhere"], ["sft", "--force", "--", "a"], ["pretrain", "-o", "x"]]
)
def test_what_a_folder_from_elsewhere_says_is_not_started(words, tmp_path):
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "run.json").write_text(json.dumps({"process": 1, "words": words}))
    with pytest.raises(PlanError, match="does not start this"):
        Builds(Places([str(tmp_path)])).go_on("run")


def test_links_among_the_logs_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("nobody's business")
    (tmp_path / "runs" / ".studio").mkdir(parents=True)
    for name, target in (("leak", tmp_path / "secret"), ("gone", tmp_path / "none")):
        (tmp_path / "runs" / ".studio" / f"{name}.log").symlink_to(target)
    builds = Builds(Places([str(tmp_path / "runs")]))
    assert builds.names() == []
    assert look(builds, "leak").log == ""
    with pytest.raises(OutputError):
        builds.start(Asked("leak", ("build", "--steps=1")))
    assert (tmp_path / "secret").read_text() == "nobody's business"


def test_names_and_figures_that_no_picture_takes():
    figures = [{"step": n, "loss": 1.0 / n, "tokens": n, "seconds": n} for n in range(1, 9)]
    assert "<svg" in pictures.compared({"x$\\frac{$": figures, "_y": figures})
    assert pictures.compared({"large": [one | {"loss": 1e308 * (-1) ** one["step"]} for one in figures]}) == ""
