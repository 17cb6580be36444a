"""Cutting texts into shards: in one reading, the same tokens as one by one, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.corpus.read import Document
from onward.corpus.split import split_documents
from onward.errors import DataError
from onward.tokens.tokenizer import Tokenizer
from onward.train.cutting import HELD_OUT, TRAIN, cut, encoded
from onward.train.shards import Shards
from samples import story


def documents(texts: list[str]) -> Iterator[Document]:
    return (Document(text, "made", number) for number, text in enumerate(texts, 1))


def test_one_reading_gives_both_sides_as_tokenising_one_by_one_would(tmp_path: Path, tokenizer: Tokenizer) -> None:
    texts = [story(i) for i in range(60)]
    readings = iter([documents(texts)])
    cut(next(readings), tokenizer, tmp_path / "text")
    for name, wanted in ((TRAIN, False), (HELD_OUT, True)):
        side = [d.text for d, is_held_out in split_documents(documents(texts)) if is_held_out == wanted]
        shards = Shards(tmp_path / "text" / name)
        assert [shards.document(i).tolist() for i in range(shards.documents)] == [tokenizer.encode(t) for t in side]
        assert shards.sizes.tolist() == [len(text.encode()) for text in side]
        assert shards.tokenizer_hash == tokenizer.hash


WORDS = st.sampled_from(["cat", "The", "sat,", "12", "\u00e9t\u00e9", "\U0001f431", "it's", ".", '"'])
BLANKS = st.sampled_from(["", " ", "  ", "\n", "\n\n", "\r\n", "\t", " \n"])
TEXT = st.lists(st.tuples(WORDS, BLANKS, WORDS).map("".join), min_size=1, max_size=60).map(" ".join)


@given(
    texts=st.lists(TEXT, min_size=1, max_size=5),
    piece=st.integers(20, 90),
    at_once=st.integers(1, 300),
)
@settings(max_examples=100, deadline=None)
def test_a_long_text_tokenised_in_pieces_has_the_ids_of_the_whole(
    tokenizer: Tokenizer, texts: list[str], piece: int, at_once: int
) -> None:
    sides = [(document, document.number % 2 == 0) for document in documents(texts)]
    found = list(encoded(tokenizer, sides, at_once=at_once, piece=piece))
    assert [ids.tolist() for ids, _, _ in found] == [tokenizer.encode(text) for text in texts]
    assert [size for _, size, _ in found] == [len(text.encode()) for text in texts]
    assert [side for _, _, side in found] == [side for _, side in sides]


def test_a_text_without_any_place_to_cut_loses_nothing(tokenizer: Tokenizer) -> None:
    text = "\u732b" * 1000
    ((ids, size, _),) = encoded(tokenizer, [(Document(text, "made", 1), False)], piece=64)
    assert (tokenizer.decode(ids.tolist()), size) == (text, 3000)


def test_reading_is_only_a_little_ahead_of_writing(tokenizer: Tokenizer) -> None:
    """What is held in memory does not grow with the corpus."""
    read = 0

    def endless() -> Iterator[tuple[Document, bool]]:
        nonlocal read
        while True:
            read += 1
            yield Document(story(read), "made", read), False

    for written, _ in enumerate(encoded(tokenizer, endless(), at_once=1000)):
        assert (read - written) * len(story(1)) < 50_000
        if written == 2000:
            break


@pytest.mark.parametrize(("texts", "why"), [(["a"], "hold any of it out"), (["a"] * 30, "hold any of it out")])
def test_too_little_text_for_two_sides_is_one_line_and_leaves_nothing(
    tmp_path: Path, tokenizer: Tokenizer, texts: list[str], why: str
) -> None:
    with pytest.raises(DataError, match=why):
        cut(documents(texts), tokenizer, tmp_path / "text")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_reading_or_tokenising_is_told_and_leaves_nothing(tmp_path: Path, tokenizer: Tokenizer) -> None:
    def broken() -> Iterator[Document]:
        yield from documents([story(i) for i in range(50)])
        raise DataError("the disk went away")

    with pytest.raises(DataError, match="the disk went away"):
        cut(broken(), tokenizer, tmp_path / "text")
    texts = [story(i) for i in range(50)] + [json.loads('"half \\ud800"')]
    with pytest.raises(DataError, match=r"made, from document 1: .*surrogate"):
        cut(documents(texts), tokenizer, tmp_path / "text")
    assert list(tmp_path.iterdir()) == []
