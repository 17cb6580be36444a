import json

import pytest

from onward.lineage import Lineage, Result, write
from onward.report.judging.page import write_page


@pytest.fixture
def judged(tmp_path):
    """A reward folder with forty held-out pairs, of which it has the first four wrong."""
    folder = tmp_path / "reward"
    folder.mkdir()
    parent = Lineage(verb="sft", folder="mine/chat")
    results = [
        Result(
            suite="held-out preferences",
            metric="pairs ranked right",
            value=0.9,
            low=0.8,
            high=0.97,
            n=40,
            chance=0.5,
            baseline=0.6,
        )
    ]
    write(
        folder,
        Lineage(verb="reward", command="onward reward a b -o c", date="2026-01-01", results=results, parents=[parent]),
    )
    lines = [
        {
            "prompt": f"<b>{i}?",
            "answers": [f"good {i}", f"bad {i}"],
            "rewards": [1.0, 0.0] if i > 3 else [-2.0 + i / 10, 1.5],
        }
        for i in range(40)
    ]
    (folder / "held_out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_page_shows_how_often_it_is_right_and_what_it_is_most_wrong_about(judged):
    page = write_page(judged).read_text()
    assert "0.900" in page
    assert "0.800 to 0.970" in page
    assert page.count("<article>") == 4
    assert "&lt;b&gt;0?" in page
    assert "good 7" not in page
    assert page.count("<svg") == 1
    assert "mine/chat" in page


def test_a_model_that_is_never_wrong_is_told_so(judged):
    kept = (judged / "held_out.jsonl").read_text().splitlines()[4:]
    (judged / "held_out.jsonl").write_text("\n".join(kept) + "\n")
    assert "Nowhere" in write_page(judged).read_text()
