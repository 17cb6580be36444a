"""contamination on the command line."""

from __future__ import annotations

import json

import pytest

from samples import story


@pytest.fixture
def files(tmp_path):
    for name, first in (("test", 0), ("unseen", 100)):
        lines = [json.dumps({"text": f"{number} " + story(number)[:60]}) + "\n" for number in range(first, first + 12)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    return tmp_path / "test.jsonl", tmp_path / "unseen.jsonl"


def test_a_table_a_verdict_and_json(onward, model_folder, files, tmp_path):
    test, unseen = files
    command = (
        "contamination",
        model_folder,
        "--suite",
        test,
        "--against",
        unseen,
        "--ask",
        "text",
        "-o",
        tmp_path / "o",
    )
    ended = onward(*command)
    assert ended.code == 0, ended.err
    assert "contamination-test-against, 12 items" in ended.out
    for part in ("completion, guided: ROUGE-L", "Min-K%++: AUC", "control: told apart by words alone"):
        assert part in ended.out
    assert "That is no proof of absence" in ended.out
    assert "12 items could not be asked" in ended.err  # the question on yes or no is longer than 64 tokens
    told = json.loads(onward(*command, "--json").out)[0]
    assert told["verdict"] in ended.out
    assert {"p: Min-K%++: AUC", "Min-K%++: AUC"} <= {one["metric"] for one in told["results"]}
    assert "contamination-test-against" in onward("show", model_folder).out


def test_what_is_missing_is_told(onward, model_folder, files, tmp_path):
    ended = onward("contamination", model_folder, "--suite", files[0], "--ask", "text", "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "Min-K%: it wants such a folder" in ended.err


def test_what_is_wrong_is_one_line(onward, model_folder, tmp_path):
    assert onward("contamination", model_folder, "--suite", "nothing").code == 2
    (tmp_path / "one.jsonl").write_text('{"text": "a b"}\n')
    ended = onward("contamination", model_folder, "--suite", tmp_path / "one.jsonl")
    assert ended.code == 2
    assert "at least 2 are wanted" in " ".join(ended.err.split())
