"""The main job, small: two stages in seconds, stopped and gone on with, and the report that it leaves."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from onward.build import Road, build
from onward.errors import BadLine, OnwardError, OutputError
from onward.train.plan import Shape, Wishes

WISHES = Wishes(steps=20, length=128, batch=512)
SHAPE = Shape(depth=1, width=32, heads=2)


@pytest.fixture
def console():
    return Console(quiet=True)


@pytest.fixture
def road(texts, chats, tmp_path):
    return Road(out=tmp_path / "run", texts=[str(texts)], chats=chats, wishes=WISHES, asked=SHAPE)


def test_the_road_ends_with_a_model_to_talk_to_and_a_report(road, console):
    seen = []
    last = build(road, console, lambda training: seen.append(training.verb))
    assert seen == ["pretrain", "sft"]
    assert last == road.out / "sft"
    assert {p.name for p in road.out.iterdir()} == {
        "onward-request.json",
        "data",
        "base",
        "sft",
        "samples.json",
        "report.html",
    }
    for stage in ("base", "sft"):
        results = json.loads((road.out / stage / "onward.json").read_text())["results"]
        assert {r["suite"] for r in results} == {"held-out text", "held-out answers"}
    samples = json.loads((road.out / "samples.json").read_text())
    assert {"question", "person", "base", "sft"} == set(samples["answered"][0])
    page = (road.out / "report.html").read_text()
    Balanced().feed(page)
    assert page.count("<svg") == 2
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert "<script" not in page


def test_started_again_it_goes_on_with_the_first_stage_that_is_missing(road, console):
    class StoppedError(Exception):
        pass

    def stop(training):
        if training.verb == "sft":
            raise StoppedError

    with pytest.raises(StoppedError):
        build(road, console, stop)
    made = (road.out / "base" / "model.safetensors").stat().st_mtime_ns
    seen = []
    build(road, console, lambda training: seen.append(training.verb))
    assert seen == ["sft"]
    assert (road.out / "base" / "model.safetensors").stat().st_mtime_ns == made


def test_a_finished_road_is_not_walked_again(road, console):
    build(road, console, lambda _: None)
    seen = []
    assert build(road, console, seen.append) == road.out / "sft"
    assert seen == []


def test_changed_texts_are_another_run(road, console, texts):
    build(road, console, lambda _: None)
    texts.write_text(texts.read_text() + '{"text": "one more"}\n')
    with pytest.raises(OutputError, match="its texts was"):
        build(road, console, lambda _: None)


def test_chats_are_read_before_minutes_are_spent_and_may_be_mended_while_the_base_stays(road, console, chats):
    good = chats.read_text()
    chats.write_text(good + "{broken\n")
    with pytest.raises(BadLine, match="line 41"):
        build(road, console, lambda _: None)
    assert not (road.out / "base").exists()
    build(replace(road, chats=None), console, lambda _: None)
    made = (road.out / "base" / "model.safetensors").stat().st_mtime_ns
    (road.out / "samples.json").unlink()
    chats.write_text(good)
    build(road, console, lambda _: None)
    assert (road.out / "base" / "model.safetensors").stat().st_mtime_ns == made
    chats.write_text(good.replace("cat", "cow"))
    with pytest.raises(OutputError, match="made from other chats"):
        build(road, console, lambda _: None)


def test_without_chats_there_is_a_base_model_and_its_report(texts, tmp_path, console):
    last = build(
        Road(out=tmp_path / "run", texts=[str(texts)], chats=None, wishes=WISHES, asked=SHAPE), console, lambda _: None
    )
    assert last.name == "base"
    assert "Texts carried on" in (tmp_path / "run" / "report.html").read_text()


def test_a_model_cannot_write_live_html_into_the_report(road, console):
    build(road, console, lambda _: None)
    samples = json.loads((road.out / "samples.json").read_text())
    samples["answered"][0]["sft"] = "<script>alert(1)</script>"
    (road.out / "samples.json").write_text(json.dumps(samples))
    build(road, console, lambda _: None)
    page = (road.out / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_force_loses_nothing_until_the_new_run_is_whole(road, console, texts, tmp_path):
    build(road, console, lambda _: None)
    (road.out / "my notes.txt").write_text("mine")
    before, again = contents(road.out), replace(road, force=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_text(texts.read_text() + "{broken\n")
    for failing in (
        replace(again, chats=tmp_path / "none.jsonl"),
        replace(again, chats=broken),
        replace(again, texts=[str(broken)]),
        replace(again, asked=Shape(depth=1, width=32, heads=7)),
        replace(again, wishes=Wishes(minutes=1e-9, length=128, batch=512)),
        replace(again, wishes=Wishes(steps=20, device="tpu9")),
    ):
        with pytest.raises(OnwardError):
            build(failing, console, lambda _: None)
        assert contents(road.out) == before

    class StoppedError(BaseException):
        pass

    def stop(_):
        raise StoppedError

    with pytest.raises(StoppedError):
        build(again, console, stop)
    assert contents(road.out) == before
    build(replace(again, wishes=replace(WISHES, seed=1)), console, lambda _: None)
    after = contents(road.out)
    assert after.keys() == before.keys()
    changed = {str(path) for path in before if after[path] != before[path]}
    assert "base/model.safetensors" in changed
    assert "my notes.txt" not in changed


def test_an_input_put_into_the_folder_of_a_failed_run_is_refused_and_kept(road, console, chats):
    with pytest.raises(OnwardError):
        build(replace(road, asked=Shape(width=32, heads=7)), console, lambda _: None)
    road.out.mkdir(exist_ok=True)
    (road.out / "onward-request.json").write_text("{}")
    inside = chats.rename(road.out / "chats.jsonl")
    for force in (False, True):
        with pytest.raises(OutputError, match="lies inside"):
            build(replace(road, chats=inside, force=force), console, lambda _: None)
    assert inside.exists()


def test_a_run_at_work_is_not_begun_anew_by_another_process(road, console):
    def look(_):
        with pytest.raises(OutputError, match="in use"):
            build(replace(road, force=True), console, lambda _: None)

    build(road, console, look)


class Balanced(HTMLParser):
    """Fails where an element is closed that was not opened last."""

    ALONE = frozenset(("meta", "br", "use", "path", "link"))

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, _attributes):
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.ALONE:
            assert self.open.pop() == tag
