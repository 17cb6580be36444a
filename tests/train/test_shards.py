"""Token shards: what goes in comes out, and nothing that is damaged or foreign is taken for one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import DataError, OutputError
from onward.train.shards import Shards, write_shards

Documents = list[tuple[list[int], list[bool] | None, int]]


def write(documents: Any, folder: Path, vocab_size: int = 300, shard_tokens: int = 7) -> Shards:
    write_shards(
        documents, folder, vocab_size=vocab_size, tokenizer_hash="abc", meta={"a": 1}, shard_tokens=shard_tokens
    )
    return Shards(folder)


def texts() -> st.SearchStrategy[Documents]:
    ids = st.lists(st.integers(0, 299), min_size=1, max_size=12)
    return st.lists(st.tuples(ids, st.none(), st.integers(0, 99)), min_size=1, max_size=12)


def chats() -> st.SearchStrategy[Documents]:
    pairs = st.lists(st.tuples(st.integers(0, 299), st.booleans()), min_size=1, max_size=12)
    chat = st.builds(
        lambda pairs, size: ([i for i, _ in pairs], [m for _, m in pairs], size), pairs, st.integers(0, 99)
    )
    return st.lists(chat, min_size=1, max_size=12)


@given(documents=st.one_of(texts(), chats()), shard_tokens=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_documents_come_out_as_they_went_in_wherever_the_files_are_cut(documents: Documents, shard_tokens: int) -> None:
    with TemporaryDirectory() as folder:
        shards = write(documents, Path(folder, "shards"), shard_tokens=shard_tokens)
        assert [shards.document(i).tolist() for i in range(shards.documents)] == [ids for ids, _, _ in documents]
        assert [shards.learn(i).tolist() for i in range(shards.documents)] == [
            m or [True] * len(i) for i, m, _ in documents
        ]
        assert shards.lengths.tolist() == [len(ids) for ids, _, _ in documents]
        assert shards.sizes.tolist() == [size for _, _, size in documents]
        assert (shards.tokens, shards.documents) == (sum(len(ids) for ids, _, _ in documents), len(documents))
        assert shards.bytes == sum(size for _, _, size in documents)
        assert shards.masked == (documents[0][1] is not None)
        assert (shards.vocab_size, shards.tokenizer_hash, shards.meta) == (300, "abc", {"a": 1})


@given(documents=chats(), shard_tokens=st.integers(1, 40), data=st.data())
@settings(max_examples=60, deadline=None)
def test_learnable_tokens_are_counted_in_any_stretch_of_each_document(
    documents: Documents, shard_tokens: int, data: st.DataObject
) -> None:
    first, end = np.zeros((2, len(documents)), dtype=np.int64)
    for i, (ids, _, _) in enumerate(documents):
        first[i] = min(1, len(ids))  # as packing asks: never from the first token on, so that stretches do not touch
        end[i] = data.draw(st.integers(int(first[i]), len(ids)))
    expected = [sum((mask or [])[a:b]) for (_, mask, _), a, b in zip(documents, first, end, strict=True)]
    with TemporaryDirectory() as folder:
        shards = write(documents, Path(folder, "shards"), shard_tokens=shard_tokens)
        assert shards.learnable(first, end).tolist() == expected


def test_the_hash_tells_contents_apart_and_not_the_cut_into_files(tmp_path: Path) -> None:
    one = [([1, 2, 3], [True, False, True], 3), ([4], [True], 1)]
    hashes = {
        name: write(documents, tmp_path / name, shard_tokens=size).hash
        for name, documents, size in (
            ("one", one, 100),
            ("cut", one, 1),
            ("id", [([1, 2, 9], one[0][1], 3), one[1]], 100),
            ("mask", [([1, 2, 3], [True, True, True], 3), one[1]], 100),
            ("boundary", [([1, 2, 3, 4], [True, False, True, True], 4)], 100),
            ("no masks", [([1, 2, 3], None, 3), ([4], None, 1)], 100),
            ("no masks, another boundary", [([1, 2], None, 3), ([3, 4], None, 1)], 100),
            ("no masks, other bytes", [([1, 2, 3], None, 2), ([4], None, 2)], 100),
        )
    }
    assert hashes["one"] == hashes["cut"]
    assert len(set(hashes.values())) == 7


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65536, np.uint16), (65537, np.uint32), (152_000, np.uint32)])
def test_the_highest_id_of_a_vocabulary_survives(tmp_path: Path, vocab_size: int, dtype: type) -> None:
    shards = write([([0, vocab_size - 1], None, 2)], tmp_path / "shards", vocab_size=vocab_size)
    assert shards.document(0).tolist() == [0, vocab_size - 1]
    assert shards.document(0).dtype == dtype


@pytest.mark.parametrize("wrong", [-1, 300, 2**40])
def test_an_id_outside_the_vocabulary_is_refused_and_nothing_is_left(tmp_path: Path, wrong: int) -> None:
    with pytest.raises(DataError, match=f"document 2 has token {wrong}, outside a vocabulary of 300"):
        write([([1], None, 1), ([2, wrong], None, 1)], tmp_path / "shards")
    assert list(tmp_path.iterdir()) == []


def test_documents_without_tokens_are_passed_over_and_nothing_but_such_is_refused(tmp_path: Path) -> None:
    assert write([([], None, 0), ([5], None, 1), ([], None, 0)], tmp_path / "some").documents == 1
    with pytest.raises(DataError, match="hold no tokens"):
        write([([], None, 0)], tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("second", [([1], None, 1), ([1], [True, False], 1)])
def test_masks_for_some_documents_or_of_another_length_are_a_fault_of_ours(tmp_path: Path, second: Any) -> None:
    with pytest.raises(ValueError, match="learn masks"):
        write([([1], [True], 1), second], tmp_path / "shards")


def test_documents_that_break_off_leave_nothing_behind(tmp_path: Path) -> None:
    def documents() -> Iterator[tuple[list[int], None, int]]:
        yield [1, 2, 3], None, 3
        raise DataError("the texts broke off")

    with pytest.raises(DataError, match="broke off"):
        write(documents(), tmp_path / "shards")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    before = write([([1], None, 1)], tmp_path / "shards").hash
    with pytest.raises(OutputError, match="exists already"):
        write([([2], None, 1)], tmp_path / "shards")
    assert Shards(tmp_path / "shards").hash == before


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write([([1, 2, 3, 4], [True] * 4, 4), ([5, 6, 7, 8], [True] * 4, 4)], tmp_path / "shards", shard_tokens=4)
    return tmp_path / "shards"


FILES = ["tokens-00000.bin", "tokens-00001.bin", "learn-00000.bin", "documents.bin"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_refused_by_name(written: Path, name: str) -> None:
    (written / name).write_bytes((written / name).read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{name}: \d+ bytes where the index says \d+"):
        Shards(written)


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_file_of_the_same_size_is_refused_by_name(written: Path, name: str) -> None:
    (written / name).write_bytes(bytes((written / name).stat().st_size))
    with pytest.raises(DataError, match=f"{name}: another content than the index says"):
        Shards(written)


def test_files_swapped_are_refused(written: Path) -> None:
    first, second = (written / "tokens-00000.bin").read_bytes(), (written / "tokens-00001.bin").read_bytes()
    (written / "tokens-00000.bin").write_bytes(second)
    (written / "tokens-00001.bin").write_bytes(first)
    with pytest.raises(DataError, match="another content"):
        Shards(written)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(written: Path, name: str) -> None:
    (written / name).unlink()
    with pytest.raises(DataError, match=f"{name}: missing"):
        Shards(written)


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (b"{", "broken JSON"),
        (b"\xff", "broken JSON"),
        (b"[]", "not an index of token shards"),
        (b'{"model_type": "qwen3"}', "not an index of token shards"),
        (b'{"format": "onward shards", "version": 99}', "version 99"),
        (b'{"format": "onward shards", "version": 1}', "something missing or odd"),
    ],
)
def test_a_foreign_or_broken_index_is_refused(written: Path, index: bytes, why: str) -> None:
    (written / "index.json").write_bytes(index)
    with pytest.raises(DataError, match=rf"index\.json: .*{why}"):
        Shards(written)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": 7},
        {"documents": 1},
        {"documents": 0},
        {"shards": [4, 5]},
        {"dtype": "float32"},
        {"files": {}},
        {"shards": "x"},
    ],
)
def test_an_index_that_contradicts_its_files_is_refused(written: Path, change: dict[str, Any]) -> None:
    index = json.loads((written / "index.json").read_text())
    (written / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(DataError):
        Shards(written)


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no token shards"):
        Shards(tmp_path)


def test_a_copy_of_the_folder_is_as_good(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy")
    assert Shards(tmp_path / "copy").document(1).tolist() == [5, 6, 7, 8]


def test_asking_for_a_document_that_is_not_there_is_an_index_error(written: Path) -> None:
    for i in (-1, 2):
        with pytest.raises(IndexError):
            Shards(written).document(i)
