"""The form's commands: all settings of the command line, names that are looked up, and values that are checked."""

from __future__ import annotations

import inspect
import os
import shutil
from dataclasses import fields

import pytest

from onward.align.wishes import RolloutWishes, Teaching
from onward.cli import aligning, making
from onward.cli.options import expanded
from onward.errors import FolderError, PlanError
from onward.studio import form
from onward.studio.places import Places
from onward.studio.verbs import VERBS, command
from onward.train.plan import Shape, Wishes

FUNCTIONS = {
    "build": making.build,
    "pretrain": making.pretrain,
    "sft": making.sft,
    "reward": aligning.reward,
    "rl": aligning.rl,
}


@pytest.fixture
def places(runs, tmp_path):
    (tmp_path / "texts.jsonl").write_text('{"text": "one"}\n')
    (tmp_path / "-o.txt").write_text("a name that looks like an option")
    (tmp_path / "outside.txt").symlink_to("/etc/passwd")
    return Places([str(runs), str(tmp_path)])


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_the_form_is_one_of_the_command_line(verb):
    known = inspect.signature(expanded(FUNCTIONS[verb])).parameters
    for kind in VERBS[verb].settings:
        assert {field.name for field in fields(kind)} <= set(known)
    assert {one.flag.lstrip("-") for one in VERBS[verb].arguments if one.flag} <= set(known)
    by_place = [one for one in VERBS[verb].arguments if not one.flag]
    positional = [name for name, one in known.items() if "ArgumentInfo" in repr(one.annotation)]
    assert len(by_place) == len(positional)


def test_only_what_differs_from_the_defaults_is_said(places):
    assert command("build", places, {}, {}) == ["build"]
    settings = {Wishes: {"minutes": 2.5, "steps": None, "keep": True, "seed": 0}, Shape: {"depth": 3}}
    assert command("build", places, {}, settings) == ["build", "--minutes=2.5", "--keep", "--depth=3"]


def test_names_become_the_folders_and_files_that_were_listed(places, runs, tmp_path):
    data = next(name for name in places.data() if name.endswith("texts.jsonl"))
    words = command(
        "sft", places, {"Base model": "small/base", "Conversations": data, "Texts to go over again": [data]}, {}
    )
    assert words == [
        "sft",
        f"--replay={tmp_path / 'texts.jsonl'}",
        "--",
        str(runs / "small" / "base"),
        str(tmp_path / "texts.jsonl"),
    ]
    asked = {"Model to begin with": "small/sft", "Prompts, or preferences": data, "Method": "grpo"}
    words = command("rl", places, asked | {"What an answer is worth": ["gold", "small/base"]}, {})
    assert words[1:4] == ["--method=grpo", "--reward=gold", f"--reward={runs / 'small' / 'base'}"]
    words = command(
        "sft", places, {"Base model": "small/base", "Conversations": data}, {Teaching: {"teacher": "small/sft"}}
    )
    assert f"--teacher={runs / 'small' / 'sft'}" in words


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "", "outside.txt", "small/../../secret.txt", "x=1"])
def test_a_name_that_was_not_listed_is_refused(name, places):
    with pytest.raises(FolderError, match="there is no"):
        command("pretrain", places, {"Texts to learn from": [name]}, {})
    with pytest.raises(FolderError, match="there is no model"):
        command("sft", places, {"Base model": name or "no", "Conversations": ""}, {})
    with pytest.raises(PlanError, match=r"there is no .* Choose next"):
        command(
            "pretrain",
            places,
            {"Texts to learn from": next(iter(places.data())), "What it learns": f"{name}.py:run"},
            {},
        )


def test_links_are_not_among_the_data_and_paths_never_look_like_options(places):
    assert not any("outside" in name for name in places.data())
    odd = next(name for name in places.data() if name.endswith("-o.txt"))
    assert str(places.file(odd)).startswith("/")


def test_what_does_not_go_together_or_is_missing_is_said(places):
    with pytest.raises(PlanError, match="--minutes and --steps"):
        command("build", places, {}, {Wishes: {"minutes": 1.0, "steps": 3}})
    with pytest.raises(PlanError, match="Base model: nothing is chosen"):
        command("sft", places, {}, {})
    with pytest.raises(PlanError, match="--clip"):
        command("rl", places, {}, {RolloutWishes: {"clip": -1.0}})


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("minutes", "2.5", 2.5),
        ("minutes", " ", None),
        ("steps", "1,000", 1000),
        ("steps", "12,345,678", 12_345_678),
        ("precision", "", None),
        ("keep", True, True),
    ],
)
def test_what_is_filled_in_becomes_a_value(name, given, wanted):
    assert form.value(Wishes, name, given) == wanted


@pytest.mark.parametrize(
    ("name", "given"), [("minutes", "0,5"), ("lr", "0,0003"), ("steps", "1,5"), ("minutes", "1,500")]
)
def test_a_comma_that_may_be_a_decimal_one_is_refused(name, given):
    with pytest.raises(PlanError, match="is no "):
        form.value(Wishes, name, given)


def test_a_file_that_is_called_as_an_option_stays_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--out=pwned.txt").write_text("x")
    words = command("build", Places(["."]), {"Texts (none: the built-in world)": ["--out=pwned.txt"]}, {})
    assert words == ["build", "--", "--out=pwned.txt"]


def test_names_that_are_no_utf8_can_be_shown_and_found(runs, tmp_path):
    (tmp_path / os.fsdecode(b"r\xfcn")).mkdir()
    shutil.copytree(runs / "small" / "base", tmp_path / os.fsdecode(b"r\xfcn") / "base")
    (tmp_path / os.fsdecode(b"B\xfccher.txt")).write_text("text")
    places = Places([str(tmp_path)])
    for name in [*places.stages(), *places.data(), *(run.name for run in places.runs())]:
        assert name.encode().decode() == name
    assert places.stage("r\\udcfcn/base").path.is_dir()
    assert places.file("B\\udcfccher.txt").read_text() == "text"


def test_what_is_no_number_is_refused():
    with pytest.raises(PlanError, match="Steps: 'many' is no whole number"):
        form.value(Wishes, "steps", "many")
    with pytest.raises(PlanError, match="Minutes: 'ten' is no number"):
        form.value(Wishes, "minutes", "ten")


def test_runs_are_never_built_among_somebodys_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "one.txt").write_text("text")
    assert str(Places(["books"]).new) == "runs"
    (tmp_path / "mine").mkdir()
    assert str(Places(["books", "mine"]).new) == "mine"
