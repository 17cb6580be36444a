"""How a stage learned to speak, as its report shows it."""

import pytest

from onward.errors import FolderError
from onward.report.page import write_report
from steps import lined


def said_at(steps, prompts=("a<b>", "b", "c")):
    return [{"step": step, "prompt": p, "text": f"{p} at {step}<i>"} for step in steps for p in prompts]


def test_every_beginning_at_four_looks(run):
    place = run("base", "pretrain")
    (place / "base" / "said.jsonl").write_text(lined(said_at(range(10, 110, 10))))
    page = write_report(place).read_text()
    assert "How it learned to speak" in page
    for step in range(10, 110, 10):
        assert (
            (f"a&lt;b&gt; at {step}&lt;i&gt;" in page)
            == (f"<td>b at {step}&lt;i&gt;</td>" in page)
            == (step in (10, 40, 70, 100))
        )
    assert "c at 10&" in page


def test_fewer_looks_are_each_shown_once_and_none_is_no_section(run):
    place = run("base", "pretrain")
    (place / "base" / "said.jsonl").write_text(lined(said_at((5, 9), ("b",))))
    page = write_report(place).read_text()
    assert page.count("b at ") == 2
    for nothing in ("", None):
        if nothing is None:
            (place / "base" / "said.jsonl").unlink()
        else:
            (place / "base" / "said.jsonl").write_text(nothing)
        assert "learned to speak" not in write_report(place).read_text()


@pytest.mark.parametrize("line", ["{", "[]", '{"step": 1}', '{"step": "1", "prompt": "b", "text": ""}', "\xff"])
def test_a_damaged_line_is_named(run, line):
    place = run("base", "pretrain")
    (place / "base" / "said.jsonl").write_bytes(lined(said_at((1,))).encode() + line.encode("latin-1") + b"\n")
    with pytest.raises(FolderError, match=r"said\.jsonl, line 4"):
        write_report(place)
