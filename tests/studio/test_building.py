"""Roads in the background: the real command, started, seen by a second server, stopped."""

from __future__ import annotations

import time

import pytest

from onward.errors import PlanError
from onward.studio.building import Asked, Builds
from onward.studio.places import Places


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "/etc", "../x", "-o", "a b", "a.b", "x" * 99, "a\n"])
def test_a_name_that_leads_elsewhere_is_refused(name, tmp_path):
    with pytest.raises(PlanError, match="a run's name"):
        Asked(name, 1, 0)
    builds = Builds(Places([str(tmp_path)]))
    with pytest.raises(PlanError, match="a run's name"):
        builds.stop(name)
    assert builds.progress(name).log == ""


@pytest.mark.parametrize("minutes", [0, -1, 1e9, float("nan")])
def test_minutes_that_are_none_are_refused(minutes):
    with pytest.raises(PlanError, match="minutes"):
        Asked("a", minutes, 0)


def test_a_road_outlives_the_server_and_can_be_stopped_by_the_next(tmp_path):
    first = Builds(Places([str(tmp_path)]))
    first.start(Asked("small", 0.2, 0))
    with pytest.raises(PlanError, match="being built already"):
        first.start(Asked("small", 0.2, 0))
    second = Builds(Places([str(tmp_path)]))
    assert second.running("small")
    assert second.names() == ["small"]
    _until(lambda: second.progress("small").log)
    second.stop("small")
    _until(lambda: not second.running("small"))
    assert not first.running("small")
    assert "Nothing is lost" in second.progress("small").log
    assert second.progress("small").stages == []
    with pytest.raises(PlanError, match="not being built"):
        second.stop("small")


def _until(there, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)
