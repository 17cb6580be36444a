"""Bad input of many kinds, from names to streams: each ends with one line and exit code 2, and nothing that was there is lost."""

import json
import os
import shutil
import subprocess
import sys

import pytest

LONG = "a" * 300
ONWARD = (sys.executable, "-m", "onward")
TINY = ("--steps", 2, "--depth", 1, "--width", 32, "--heads", 2, "--length", 64, "--batch", 128)


def refused(ended, *words):
    assert ended.code == 2, ended.err
    last = ended.err.splitlines()[-1]
    assert last.startswith("onward: ")
    assert all(word in last for word in words), last


def shell(line, **options):
    """A command of the shell, with "onward" in it as the shell's own word."""
    line = line.replace("onward ", f"{' '.join(ONWARD)} ")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=300, **options)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("show", LONG),
        ("chat", LONG),
        ("report", LONG),
        ("tokens", LONG, "x"),
        ("sft", LONG, "chats.jsonl", "-o", "out"),
        ("pretrain", "stories.jsonl", "-o", LONG),
        ("build", "stories.jsonl", "-o", LONG),
        ("tokenizer", "stories.jsonl", "-o", LONG),
        ("build", LONG, "-o", "out"),
        ("build", "stories.jsonl", "--chat", LONG, "-o", "out"),
    ],
)
@pytest.mark.usefixtures("texts", "chats")
def test_a_name_that_is_too_long_is_one_line(onward, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    refused(onward(*command), LONG[:80], "File name too long")
    assert sorted(os.listdir(tmp_path)) == ["chats.jsonl", "stories.jsonl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("verb", ["show", "chat", "report", "pretrain", "tokenizer", "build"])
def test_a_folder_without_permission_is_one_line(onward, tmp_path, verb):
    (tmp_path / "locked").mkdir(mode=0)
    out = ("-o", tmp_path / "out") if verb in ("pretrain", "tokenizer", "build") else ()
    refused(onward(verb, tmp_path / "locked" / "inside", *out), "locked")


def test_a_line_end_in_a_name_does_not_make_two_lines_of_one(onward, tmp_path):
    refused(onward("show", tmp_path / "two\nlines"), r"two\nlines does not exist")


@pytest.mark.parametrize("name", [".", "", ".."])
def test_an_output_without_a_name_of_its_own_is_one_line(onward, texts, tmp_path, monkeypatch, name):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for verb in ("pretrain", "tokenizer", "build"):
        refused(onward(verb, texts, "-o", name, "--force"), "name of its own")


def test_a_text_whose_name_is_not_utf_8_is_learned_from_and_named(onward, texts, tmp_path):
    odd = tmp_path / os.fsdecode(b"B\xe4ume.jsonl")
    texts.rename(odd)
    ended = onward("tokenizer", odd, "-o", tmp_path / "cut", "--vocab", 280, "--json")
    assert ended.code == 0, ended.err
    assert list(json.loads(ended.out)["bytes_per_token"]) == [str(odd)]
    assert json.loads((tmp_path / "cut" / "onward.json").read_text())["data"][0]["path"] == str(odd)


@pytest.mark.parametrize("verb", ["pretrain", "tokenizer", "build"])
def test_an_output_whose_name_is_not_utf_8_is_one_line(onward, texts, tmp_path, verb):
    refused(onward(verb, texts, "-o", tmp_path / os.fsdecode(b"B\xe4ume")), "not UTF-8")
    assert os.listdir(tmp_path) == ["stories.jsonl"]


# --- nothing is lost --------------------------------------------------------------------------------------------------


def test_force_replaces_no_plain_file(onward, texts, tmp_path):
    (tmp_path / "precious").write_text("one of a kind")
    for verb in ("pretrain", "tokenizer", "build"):
        refused(onward(verb, texts, "-o", tmp_path / "precious", "--force"), "leaves it alone")
    assert (tmp_path / "precious").read_text() == "one of a kind"


def test_an_input_inside_the_output_is_refused_and_kept(onward, texts, tmp_path):
    out = tmp_path / "cut"
    assert onward("tokenizer", texts, "-o", out, "--vocab", 280).code == 0
    inside = out / "stories.jsonl"
    shutil.copy(texts, inside)
    for verb in ("tokenizer", "pretrain"):
        refused(onward(verb, inside, "-o", out, "--force"), "lies inside")
    assert inside.read_bytes() == texts.read_bytes()


def test_a_model_is_not_tuned_into_its_own_place(onward, model_folder, chats):
    before = (model_folder / "model.safetensors").read_bytes()
    refused(onward("sft", model_folder, chats, "-o", model_folder, "--force", "--steps", 1), "lies inside")
    assert (model_folder / "model.safetensors").read_bytes() == before


# --- the plan alone -----------------------------------------------------------------------------------------------------


def test_the_plan_is_refused_where_the_work_would_be(onward, texts, chats, model_folder, tmp_path):
    refused(onward("build", texts, "--chat", tmp_path / "none.jsonl", "-o", tmp_path / "run", "--plan"), "none.jsonl")
    refused(onward("sft", model_folder, chats, "-o", model_folder, "--plan"), "exists already")
    refused(onward("build", texts, "-o", model_folder, "--plan"), "exists already")
    refused(onward("pretrain", texts, "--tokenizer", model_folder, "--vocab", 300, "-o", tmp_path / "x"), "--vocab")
    assert not (tmp_path / "run").exists()


# --- models and streams -------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_model_is_said_to_be_one(onward, texts):
    refused(onward("generate", texts, "x"), "is a file; give the folder that holds it")


def test_a_standard_stream_that_is_full_is_one_line(model_folder):
    for verb in (f"show {model_folder}", "--help"):
        done = shell(f"onward {verb} > /dev/full")
        assert (done.returncode, done.stderr) == (2, "onward: cannot write the output: No space left on device.\n")


def test_a_closed_standard_stream_is_an_empty_one(model_folder):
    done = shell("onward --version >&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert shell(f"onward chat {model_folder} <&- 2>&-").returncode == 0


def test_a_line_that_is_no_text_does_not_end_a_conversation(model_folder):
    done = subprocess.run(
        [*ONWARD, "chat", model_folder, "--max-tokens", "3"],
        input=b"\xe4\n/save a\0b\n/save kept.jsonl\n",
        cwd=model_folder,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"not UTF-8" in done.stderr
