"""Readers: every kind of file gives the same documents, in flat memory; a bad one gets one clear line."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from onward.corpus import read
from onward.corpus.chats import read_chats
from onward.corpus.read import Document, documents, files
from onward.errors import BadLine, DataError

SEPARATED = "One.\nStill one.\n<|endoftext|>\nTwo, with \u00e9 and \U0001f600.\n"
TEXTS = ["One.\nStill one.", "Two, with \u00e9 and \U0001f600."]


def packed(path: Path, data: bytes) -> Path:
    """Write a file, compressed as its name says."""
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(path.suffix, bytes)
    path.write_bytes(pack(data))
    return path


def texts(*sources: str | Path, **options: Any) -> list[str]:
    return [document.text for document in documents(sources, **options)]


def lines(records: list[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.mark.parametrize("name", [kind + pack for kind in (".txt", ".md", ".TXT") for pack in ("", ".gz", ".zst")])
def test_a_text_file_gives_its_documents_compressed_or_not(tmp_path: Path, name: str) -> None:
    assert texts(packed(tmp_path / f"some.text{name}", SEPARATED.encode())) == TEXTS


@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_json_lines_give_their_texts_as_they_stand(tmp_path: Path, pack: str) -> None:
    data = lines([{"id": 7, "text": "\n a \n"}, "a string alone", {"text": TEXTS[1]}]).replace(b"\n", b"\r\n", 1)
    path = packed(tmp_path / f"some.jsonl{pack}", data + b'\n{"text": "no line end"}')
    assert list(documents([path])) == [
        Document("\n a \n", str(path), 1),
        Document("a string alone", str(path), 2),
        Document(TEXTS[1], str(path), 3),
        Document("no line end", str(path), 5),
    ]


def test_several_frames_in_one_compressed_file_are_all_read(tmp_path: Path) -> None:
    """As `cat a.gz b.gz`, pigz and pzstd write them."""
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"two"))
    frame = zstandard.ZstdCompressor().compress
    (tmp_path / "a.txt.zst").write_bytes(frame(b"one ") + b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab" + frame(b"two"))
    assert texts(tmp_path) == ["one two", "one two"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_gives_its_column_text(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"id": [1, 2], "text": pa.array(TEXTS).cast(kind)})
    parquet.write_table(table, tmp_path / "some.parquet", row_group_size=1)
    assert [(d.text, d.number) for d in documents([tmp_path / "some.parquet"])] == [(TEXTS[0], 1), (TEXTS[1], 2)]


def test_a_folder_is_read_sorted_and_deep_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/b/c.txt", ".hidden.txt", ".git/x.txt", "picture.png", "table.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "empty.txt").touch()
    for name in ("round", "and-round"):
        (tmp_path / "a" / name).symlink_to(tmp_path)
    assert texts(tmp_path) == ["a/b/c.txt", "a/z.md", "b.txt"]
    assert files([tmp_path, str(tmp_path / "b.txt")]) == [
        *(tmp_path / name for name in ("a/b/c.txt", "a/z.md", "b.txt")),
        tmp_path / "b.txt",
    ]


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf<|endoftext|>\none")
    (tmp_path / "b.jsonl").write_bytes(b"\xef\xbb\xbf" + lines([{"text": "two"}]))
    assert texts(tmp_path) == ["one", "two"]


def test_only_a_whole_line_separates(tmp_path: Path) -> None:
    text = "a <|endoftext|>\n<|endoftext|> b\n <|endoftext|>\nx<|endoftext|>\r\n<|endoftext|>\r\nlast\n<|endoftext|>"
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert texts(tmp_path / "a.txt") == [text.split("\r\n<|endoftext|>\r\n")[0], "last"]


def test_empty_documents_are_passed_over_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<|endoftext|>\none\n<|endoftext|>\n \n\n<|endoftext|>\ntwo")
    (tmp_path / "b.jsonl").write_bytes(lines([{"text": ""}, {"text": "three"}]))
    found = documents([tmp_path])
    assert [(d.text, d.number) for d in found] == [("one", 2), ("two", 4), ("three", 2)]
    assert (found.read, found.empty, found.skipped) == (3, 3, 0)


PIECES = st.lists(
    st.sampled_from(["<|endoftext|>", "\n", "\r\n", "<|endof", "text|>", " ", "word", "\u00e9", "\U0001f600", "\n\n"]),
    max_size=60,
)


@given(pieces=PIECES, chunk=st.integers(1, 40), limit=st.integers(8, 60))
@settings(max_examples=300, deadline=None)
def test_how_a_file_arrives_changes_nothing_and_cutting_loses_nothing(
    pieces: list[str], chunk: int, limit: int
) -> None:
    data = "".join(pieces).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "LONGEST_DOCUMENT", limit)
        in_chunks = list(read._split(data[i : i + chunk] for i in range(0, len(data), chunk)))
        assert in_chunks == list(read._split([data]))
    by_the_rule = b"".join(line for line in data.splitlines(keepends=True) if line.strip(b"\r\n") != read.SEPARATOR)
    if b"\r" not in data.replace(b"\r\n", b""):
        assert b"".join(piece for _, _, piece in in_chunks) == by_the_rule
    for offset, line, piece in in_chunks:
        assert len(piece) <= limit
        assert data[offset : offset + len(piece)] == piece
        assert line == data.count(b"\n", 0, offset) + 1
        piece.decode()


def test_a_long_text_is_cut_at_a_blank_line_else_a_line_end_else_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_DOCUMENT", 16)
    for text, first in (
        (b"aaaa aaaa\n\nbb\nbb bbbbbb", b"aaaa aaaa\n\n"),
        (b"aaaa aaaa\nbb bb bbbbbbb", b"aaaa aaaa\n"),
        (b"a\n\naaaa aaaa aaaaaaaaaaaa", b"a\n\naaaa aaaa "),
        ("\u00e9".encode() * 7 + b"a" + "\u00e9".encode() * 9, "\u00e9".encode() * 7 + b"a"),
    ):
        pieces = [piece for _, _, piece in read._split([text])]
        assert pieces[0] == first
        assert b"".join(pieces) == text


def test_a_gigantic_file_is_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        for _ in range(48):
            file.write(b"A line of sixty-three characters, which comes again and again.\n" * 2**14)
    tracemalloc.start()
    try:
        found = [len(document.text) for document in documents([path])]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 6
    assert sum(found) > 48 * 2**20 * 0.98
    assert peak < 48 * 2**20


# Bad input: one clear line each.

LATIN = "one\ntwo caf\u00e9\n".encode("latin-1")
BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("a.txt", b"", "a.txt is empty"),
    "nothing but blank lines": ("a.txt", b"\n \n", r"no documents in .*a.txt \(1 empty, 0 left out"),
    "a picture": ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "holds NUL bytes"),
    "a gzip without its ending": ("a.txt", gzip.compress(b"text"), "is a gzip file. End its name in .gz"),
    "an office document": ("a.md", b"PK\x03\x04....", "a zip archive or an office document"),
    "a PDF": ("a.txt", b"%PDF-1.7\n", "is a PDF"),
    "Latin-1": ("a.txt", LATIN, r"a.txt, line 2: not UTF-8 \(0xe9 is byte 11 .*iconv"),
    "UTF-16 with a mark": ("a.txt", "text".encode("utf-16"), "is UTF-16 or UTF-32.*iconv -f UTF-16"),
    "UTF-16 without one": ("a.jsonl", "text".encode("utf-16-le"), "holds NUL bytes.*iconv -f UTF-16"),
    "UTF-32": ("a.txt", "text".encode("utf-32-be"), "holds NUL bytes|UTF-32"),
    "a NUL far inside": ("a.txt", b"line\n" * 4000 + b"\0", r"line 4001: a NUL byte \(byte 20,000 "),
    "a truncated gzip": ("a.txt.gz", gzip.compress(os.urandom(999).hex().encode())[:-99], "is cut short"),
    "a gzip with a flipped byte": ("a.txt.gz", gzip.compress(b"text" * 99)[:-6] + b"xxxxxx", "is damaged"),
    "no gzip at all": ("a.txt.gz", b"text", "is damaged"),
    "a truncated zst": ("a.txt.zst", zstandard.compress(os.urandom(999).hex().encode())[:-99], "is cut short"),
    "no zst at all": ("a.jsonl.zst", b"text", "is damaged"),
    "broken JSON": (
        "a.jsonl",
        b'{"text": "a"}\n{"text": \n',
        r"line 2: broken JSON \(.* at character 10\).*--skip-bad",
    ),
    "a list over lines": ("a.jsonl", b'[\n{"text": "a"}\n]\n', "line 1: broken JSON"),
    "no field text": (
        "a.jsonl",
        lines([{"body": "a", "id": 1}]),
        'line 1: there is no field "text", only "body", "id"',
    ),
    "odd names": ("a.jsonl", lines([{"a\n\ud800": 1}]), r'only "a.n.ud800"'),
    "conversations": ("a.jsonl", lines([{"messages": []}]), "conversations are read as chats"),
    "a text that is none": ("a.jsonl", lines([{"text": None}]), "line 1: the text is null, and no string"),
    "a number a line": ("a.jsonl", b"1\n", "the text is 1, and no string"),
    "half a surrogate pair": (
        "a.jsonl",
        b'{"text": "ab\\ud800"}\n',
        r"line 1: half a surrogate pair \(.ud800\) at character 3",
    ),
    "JSON in Latin-1": ("a.jsonl", b'{"text": "\xe9"}\n', r"line 1: not UTF-8 \(0xe9 at byte 10"),
    "JSON without an end": ("a.jsonl", b"[" * 100_000, "line 1: JSON that cannot be read|broken JSON"),
    "a number without an end": ("a.jsonl", b"9" * 10_000, "line 1: JSON that cannot be read"),
    "no parquet": ("a.parquet", b"text", "is not a whole Parquet file"),
    "an unknown kind": ("a.docx", b"text", "files ending in .docx are not read; .txt, "),
    "no ending": ("LICENSE", b"text", "files ending in nothing are not read"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    name, data, why = BAD_FILES[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=why) as caught:
        texts(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_what_is_missing_or_unknown_is_refused_before_anything_is_read(tmp_path: Path, skip_bad: bool) -> None:
    (tmp_path / "good.txt").write_text("text")
    for bad in ("missing.txt", "good.txt/below.txt"):
        with pytest.raises(DataError, match="does not exist"):
            documents([tmp_path / "good.txt", tmp_path / bad], skip_bad=skip_bad)


@pytest.mark.parametrize("source", ["a whole text given for a path " * 200, "a\0b"])
def test_what_can_be_no_path_is_refused_in_a_short_line(source: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read: .*Give the path of a file or folder") as caught:
        documents([source])
    assert len(str(caught.value)) < 200


def test_a_folder_with_nothing_to_read_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files with anything in them"):
        documents([tmp_path])
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(DataError, match=r"only \.pdf files, and nothing to read"):
        documents([tmp_path])


def test_no_sources_are_refused() -> None:
    with pytest.raises(DataError, match="no documents in an empty list of sources"):
        texts()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "a.txt").chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        texts(tmp_path / "a.txt")


def test_a_file_that_the_system_cannot_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("text")
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(DataError, match="cannot be read: Input/output error"):
        texts(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("name", "data", "good", "bad"),
    [
        (
            "a.jsonl",
            b'{"text": "a"}\n{"te\n{"text": 1}\n\xff\n{"text": "\\udc00"}\n{"text": "b"}\n',
            ["a", "b"],
            [2, 3, 4, 5],
        ),
        ("a.txt", b"a\n<|endoftext|>\nx\n\xe9\n<|endoftext|>\nb", ["a", "b"], [4]),
        ("a.txt", b"a\n" * 4096 + b"<|endoftext|>\n\0\n<|endoftext|>\nb", ["a\n" * 4095 + "a", "b"], [4098]),
    ],
)
def test_skip_bad_goes_on_and_says_what_was_left_out(
    tmp_path: Path, name: str, data: bytes, good: list[str], bad: list[int]
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadLine, match=f"line {bad[0]}"):
        texts(tmp_path / name)
    left_out: list[BadLine] = []
    found = documents([tmp_path / name], skip_bad=True, on_skip=left_out.append)
    assert [document.text for document in found] == good
    assert found.skipped == len(left_out) == len(bad)
    assert all(f", line {number}: " in str(line) for number, line in zip(bad, left_out, strict=True))


def test_a_file_of_nothing_but_bad_lines_is_refused_also_with_skip_bad(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{\n{\n")
    with pytest.raises(DataError, match=r"\(0 empty, 2 left out as bad\)"):
        texts(tmp_path / "a.jsonl", skip_bad=True)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_record_longer_than_memory_should_hold_is_cut_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(read, "LONGEST_DOCUMENT", 16)
    long = "aaaa aaaa\n\nbb\nbb bbbbbb cccccc\n" + "d" * 40
    if name == "a.jsonl":
        (tmp_path / name).write_text(json.dumps({"text": long}) + '\n{"text": "short"}\n')
    else:
        parquet.write_table(pa.table({"text": [long, "short"]}), tmp_path / name)
    found = list(documents([tmp_path / name]))
    assert "".join(d.text for d in found[:-1]) == long
    assert found[0].text == "aaaa aaaa\n\n"
    assert max(len(d.text) for d in found) <= 16
    assert [d.number for d in found] == [1] * (len(found) - 1) + [2]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 2**20)
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n"' + b"x" * 2**22)
    with pytest.raises(DataError, match="line 2: longer than 1 MB"):
        texts(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"body": ["a"], "id": [1]}, 'no column "text", only body, id'),
        ({"text": [1]}, "holds int64, and no strings"),
        ({"text": ["a", None]}, "line 2: the text is null"),
    ],
)
def test_parquet_without_texts_is_refused(tmp_path: Path, columns: dict[str, list[Any]], why: str) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=why):
        texts(tmp_path / "a.parquet")


def test_parquet_with_bytes_that_are_no_text_names_the_row(tmp_path: Path) -> None:
    column = pa.array([b"a", b"\xff"], pa.binary()).view(pa.string())
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    with pytest.raises(BadLine, match="line 2: not UTF-8"):
        texts(tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet", skip_bad=True) == ["a"]


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": TEXTS * 1000}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-8])
    with pytest.raises(DataError, match="is not a whole Parquet file"):
        texts(tmp_path / "a.parquet")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[Any]]:
    """A stand-in for the data set library: says with what it was called, and gives the rows."""

    def install(rows: Any) -> list[Any]:
        calls: list[Any] = []

        def load_dataset(*names: Any, **options: Any) -> Any:
            calls.append((*names, options))
            return rows() if callable(rows) else rows

        monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
        return calls

    return install


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("hf:org/name", ("org/name", None, "train")),
        ("hf:org/name:test", ("org/name", None, "test")),
        ("hf:org/name/some-part:train[:10%]", ("org/name", "some-part", "train[:10%]")),
    ],
)
def test_a_hugging_face_data_set_is_streamed(hub: Callable[[Any], list[Any]], source: str, asked: tuple[str]) -> None:
    calls = hub([{"text": "one"}, {"text": "two"}])
    assert list(documents([source])) == [Document("one", source, 1), Document("two", source, 2)]
    assert calls == [(asked[0], asked[1], {"split": asked[2], "streaming": True})]
    assert files([source]) == []


def test_a_data_set_that_cannot_be_read_is_refused_in_one_line(hub: Callable[[Any], list[Any]]) -> None:
    def fail() -> Any:
        raise ConnectionError("Couldn't reach the hub\nand much more")

    hub(fail)
    with pytest.raises(DataError, match=r"hf:org/name cannot be read \(Couldn't reach the hub\)"):
        texts("hf:org/name")
    hub([{"sentence": "a"}])
    with pytest.raises(BadLine, match='hf:org/name, line 1: there is no field "text", only "sentence"'):
        texts("hf:org/name")


def test_a_data_set_without_the_extra_or_a_name_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'onward\[datasets\]'"):
        documents(["hf:org/name"])
    for source in ("hf:", "hf:name", "hf:org/name/part/more"):
        with pytest.raises(DataError, match="names no data set"):
            documents([source])


@given(texts_in=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_all_of_unicode_survives_json_lines_and_parquet(texts_in: list[str]) -> None:
    kept = [text for text in texts_in if text.strip()]
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_bytes(lines([{"text": text} for text in texts_in]))
        parquet.write_table(pa.table({"text": texts_in}), Path(folder) / "b.parquet")
        if kept:
            assert texts(folder) == kept * 2


def test_parquet_with_two_columns_text_is_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="several columns"):
        texts(tmp_path / "a.parquet")


@pytest.mark.parametrize("read", [documents, lambda paths: read_chats(paths[0])])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, read: Callable[[list[Path]], object]) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        read([tmp_path / "pipe.jsonl"])
