"""A whole cleaning: every kind of dirt goes for its reason or is mended, good text stays as it is, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirt import DROPPED, REPAIRED, Cleaned, crawl, good, run, write
from onward.corpus.read import documents
from onward.errors import DataError, OutputError


@pytest.mark.parametrize("kind", DROPPED)
def test_dirt_is_dropped_for_its_reason(cleaned: Cleaned, kind: str) -> None:
    _, reasons = DROPPED[kind]
    for line in cleaned.lines(kind)[:1]:
        assert cleaned.dropped[line]["reason"] in reasons
        assert cleaned.dropped[line]["why"]


@pytest.mark.parametrize("kind", REPAIRED)
def test_what_can_be_mended_is_mended_and_kept(cleaned: Cleaned, kind: str) -> None:
    _, gone = REPAIRED[kind]
    for line in cleaned.lines(kind):
        record = cleaned.kept[line]
        assert not any(damage in record["text"] for damage in gone), record["text"]
        assert sum(record["changed"].values()) >= 1
        assert "walked" in record["text"] or len(record["text"].split()) > 60


def test_good_text_is_kept_and_unchanged(cleaned: Cleaned) -> None:
    copied = {line for kind in ("near", "exact") for line in cleaned.lines(kind)}
    for line in cleaned.lines("good"):
        if line in cleaned.dropped:
            assert cleaned.dropped[line]["reason"] == "near-duplicate", cleaned.dropped[line]
            assert copied & cleaned.kept.keys()
        else:
            assert cleaned.kept[line]["text"] == cleaned.raw[line - 1]["text"]
            assert "changed" not in cleaned.kept[line]


def test_of_copies_the_first_stays(cleaned: Cleaned) -> None:
    for line in cleaned.lines("exact"):
        assert cleaned.dropped[line]["reason"] == "exact-duplicate"
    for line in cleaned.lines("near"):
        original = next(
            n
            for n, record in enumerate(cleaned.raw, 1)
            if cleaned.raw[line - 1]["text"].endswith(record["text"]) and n != line
        )
        assert line < original
        assert line in cleaned.kept
        assert cleaned.dropped[original]["reason"] == "near-duplicate"


def test_nothing_is_lost_and_everything_is_in_reading_order(cleaned: Cleaned) -> None:
    assert sorted([*cleaned.kept, *cleaned.dropped]) == list(range(1, len(cleaned.raw) + 1))
    assert list(cleaned.kept) == sorted(cleaned.kept)


def test_the_report_counts_what_is_there(cleaned: Cleaned) -> None:
    report = json.loads((cleaned.out / "report.json").read_text())
    assert report == cleaned.report
    assert report["read"]["documents"] == len(cleaned.raw)
    assert report["kept"]["documents"] == len(cleaned.kept)
    for step in report["funnel"]:
        assert step["documents"] == sum(record["reason"] == step["reason"] for record in cleaned.dropped.values())
    assert report["changed"]["email"] == report["changed"]["iban"] == 2
    assert len(report["examples"]["near-duplicate"]) == 2
    assert {"html", "encoding", "personal-data"} <= report["repairs"].keys()


def test_a_training_reads_the_clean_texts_and_not_the_dropped_ones(cleaned: Cleaned) -> None:
    assert [document.text for document in documents([cleaned.out])] == [r["text"] for r in cleaned.kept.values()]
    assert len(list(documents([cleaned.out / "dropped"]))) == len(cleaned.dropped)


def test_two_workers_give_the_same_bytes_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In several parts, of several files."""
    monkeypatch.setattr("onward.corpus.cleaning.parts.SMALLEST", 10_000)
    monkeypatch.setattr("onward.corpus.cleaning.parts.PARTS", 8)
    records = crawl()
    (tmp_path / "raw").mkdir()
    for number in range(3):
        write(tmp_path / "raw" / f"{number}.jsonl", records[number::3])
    for workers in (1, 2):
        run([tmp_path / "raw"], tmp_path / f"out-{workers}", workers=workers)
    assert contents(tmp_path / "out-1") == contents(tmp_path / "out-2")


def contents(out: Path) -> dict[str, bytes]:
    """All files but the lineage, which has the date and the command."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    del found["onward.json"]
    return found


def test_parquet_has_the_same_texts_with_their_provenance(tmp_path: Path) -> None:
    from onward.corpus.cleaning.assemble import read_clean

    records = [{"text": good(i)} for i in range(20)] + [
        {"text": good(50) + " Write to a@example.org."},
        {"text": good(0)},
    ]
    raw = write(tmp_path / "raw.jsonl", records)
    for kind in ("jsonl", "parquet"):
        run([raw], tmp_path / kind, format=kind)
    assert list(read_clean(tmp_path / "parquet")) == list(read_clean(tmp_path / "jsonl"))
    assert [d.text for d in documents([tmp_path / "parquet"])] == [d.text for d in documents([tmp_path / "jsonl"])]
    assert next(read_clean(tmp_path / "parquet"))["copies"] == 1


def test_broken_files_are_named_counted_and_passed_over(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write(raw / "a.jsonl", [{"text": good(0)}, {"no": "text"}, {"text": " "}])
    (raw / "b.jsonl.gz").write_bytes(b"\x1f\x8b\x08 cut off")
    (raw / "c.txt").write_bytes(good(1).encode() + b"\xff\xfe")
    (raw / "d.parquet").write_bytes(b"PAR1 and no more")
    (raw / "e.txt").write_text(good(2))
    read = run([raw], tmp_path / "out")["read"]
    assert (read["documents"], read["empty"], read["bad"]) == (2, 1, 2)
    assert [Path(one["path"]).name for one in read["broken"]] == ["b.jsonl.gz", "d.parquet"]
    assert "a.jsonl, line 2" in read["bad_lines"][0]
    assert "c.txt" in read["bad_lines"][1]


def test_what_is_not_there_or_has_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        run([tmp_path / "nowhere.txt"], tmp_path / "out")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="no documents in"):
        run([tmp_path / "empty.txt"], tmp_path / "out")
    (tmp_path / "out2").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        run([write(tmp_path / "a.jsonl", [{"text": good(0)}])], tmp_path / "out2")


def test_all_that_is_dropped_still_makes_an_output(tmp_path: Path) -> None:
    found = run([write(tmp_path / "a.jsonl", [{"text": "<br>"}, {"text": "<hr>"}])], tmp_path / "out")
    assert found["kept"] == {"documents": 0, "bytes": 0}
    assert next(step for step in found["funnel"] if step["reason"] == "nothing-left")["documents"] == 2
