import json

import pytest

from dirt import SPAM, good, write


@pytest.fixture
def raw(tmp_path):
    return write(
        tmp_path / "raw.jsonl", [{"text": good(0)}, {"text": SPAM}, {"text": good(0)}, {"no": 1}, {"text": good(1)}]
    )


def test_clean_prints_the_funnel_and_writes_a_page(onward, raw, tmp_path):
    ended = onward("clean", raw, "-o", tmp_path / "corpus")
    assert ended.code == 0, ended.err
    rows = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line}
    assert (rows["read"], rows["spam"], rows["exact-duplicate"], rows["kept"]) == ("4", "1", "1", "2")
    assert "1 bad lines" in ended.out
    assert "raw.jsonl: 1 bad lines passed over; the first: " in ended.err
    page = (tmp_path / "corpus" / "report.html").read_text()
    assert "<svg" in page
    assert "BUY NOW!!!" in page
    assert "onward clean --take-back REASON -o corpus" in page
    again = onward("clean", raw, "-o", tmp_path / "corpus")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "exists already" in again.err
    assert onward("clean", raw, "-o", tmp_path / "corpus", "--force").code == 0


def test_clean_as_json_and_taken_back(onward, raw, tmp_path):
    found = json.loads(onward("clean", raw, "-o", tmp_path / "corpus", "--json").out)
    assert found["kept"]["documents"] == 2
    ended = onward("clean", "--take-back", "spam", "-o", tmp_path / "corpus")
    assert ended.code == 0, ended.err
    assert "sells, lures or promises, taken back" in ended.out
    assert json.loads((tmp_path / "corpus" / "report.json").read_text())["kept"]["documents"] == 3
    assert "taken back" in (tmp_path / "corpus" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "-o", "{out}"], "nowhere does not exist"),
        (["-o", "{out}"], "There is nothing to clean"),
        (["{raw}", "--take-back", "spam", "-o", "{out}"], "leave out the texts"),
        (["--take-back", "spam", "-o", "{out}"], "was not made by `onward clean`"),
        (["{raw}", "-o", "{out}", "--format", "csv"], "--format csv: choose jsonl, parquet"),
        (["{raw}", "-o", "{out}", "--executor", "dask"], "--executor dask: choose local, slurm, ray"),
        (["{raw}", "-o", "{out}", "--executor", "slurm"], "needs --partition"),
        (["{raw}", "-o", "{out}", "--good", "x"], "--good and --bad go together"),
        (["{raw}", "-o", "{out}", "--workers", "0"], "--workers 0"),
        (["{raw}", "-o", "{out}", "--language", "xx"], "--language xx is not known"),
        (["{raw}", "-o", "{out}", "--rude-words", "nowhere"], "--rude-words nowhere cannot be read"),
        (["{raw}", "-o", "{raw}"], "exists already"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_line(onward, raw, tmp_path, arguments, said):
    ended = onward("clean", *(one.format(raw=raw, out=tmp_path / "corpus") for one in arguments))
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert said in ended.err
    assert not (tmp_path / "corpus").exists()
