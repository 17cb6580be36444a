"""metrics.jsonl: read whole, and only its last line."""

from __future__ import annotations

import json

import pytest

from onward.errors import FolderError
from onward.train.callbacks import TAIL, last_metrics, read_metrics


def line(step: int, **more: float) -> str:
    return json.dumps({"step": step, "loss": 1.0, "tokens": step, "seconds": 0.5} | more) + "\n"


LONG = line(7, **{f"measured {i}": 0.25 for i in range(TAIL // 10)})


@pytest.mark.parametrize(
    "text",
    [
        "",
        line(1),
        line(1) + line(2),
        line(1) + '{"step": 2, "lo',
        "".join(map(line, range(1, 1_000))),
        "".join(map(line, range(1, 1_000))) + line(1_000)[:-1],
        line(6) + LONG,
        line(6) + LONG + line(8),
        LONG + line(8) + LONG[:-1],
    ],
)
def test_the_last_line_is_the_last_of_all(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text)
    every = read_metrics(tmp_path / "metrics.jsonl")
    assert last_metrics(tmp_path / "metrics.jsonl") == (every[-1] if every else None)


def test_no_file_has_no_last_line(tmp_path):
    assert last_metrics(tmp_path / "metrics.jsonl") is None


def test_a_damaged_last_line_is_told(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("".join(map(line, range(1, 1_000))) + '{"step": "no"}\n')
    with pytest.raises(FolderError, match=r"metrics\.jsonl, its last line: these are no metrics"):
        last_metrics(tmp_path / "metrics.jsonl")
