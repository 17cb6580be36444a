"""Streaming: what comes out piece by piece is the decoded text, and no piece is half a character."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.tokens.stream import StreamDecoder

few = settings(max_examples=200, deadline=None)


def streamed(tokenizer, ids, skip_special=True):
    decoder = StreamDecoder(tokenizer, skip_special)
    return [*(decoder.push(id) for id in ids), decoder.flush()]


@few
@given(ids=st.lists(st.integers(0, 720), max_size=40), skip=st.booleans())
def test_the_pieces_of_any_ids_make_the_decoded_text(any_tokenizer, ids, skip):
    """Any ids at all: invalid UTF-8, control tokens, ids beyond the vocabulary."""
    assert "".join(streamed(any_tokenizer, ids, skip)) == any_tokenizer.decode(ids, skip)


@few
@given(data=st.lists(st.integers(0, 255), max_size=12))
def test_the_pieces_of_any_bytes_make_the_decoded_text(any_tokenizer, data):
    one_byte = {any_tokenizer.token_bytes(id): id for id in range(any_tokenizer.highest_id, -1, -1)}
    ids = [one_byte[bytes([byte])] for byte in data if bytes([byte]) in one_byte]
    assert "".join(streamed(any_tokenizer, ids)) == any_tokenizer.decode(ids)


@few
@given(text=st.text(st.characters(exclude_categories=["Cs"]).filter(lambda c: c != "\ufffd"), max_size=40))
def test_no_piece_of_a_text_is_half_a_character(ours, text):
    pieces = streamed(ours, ours.encode(text))
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) == text


def test_a_text_comes_as_soon_as_it_is_certain(ours):
    ids = ours.encode("hello there 😀")
    seen = ""
    decoder = StreamDecoder(ours)
    for number, id in enumerate(ids, 1):
        seen += decoder.push(id)
        whole = b"".join(map(ours.token_bytes, ids[:number]))
        assert seen == whole.decode("utf-8", errors="ignore")
    assert decoder.flush() == ""


def test_a_character_that_never_ends_is_replaced_at_the_end(ours):
    first, *rest = ours.encode("🦆")
    assert rest
    assert streamed(ours, [first]) == ["", "\ufffd"]


@pytest.mark.parametrize("count", [20_000])
def test_long_streams_take_linear_time(any_tokenizer, count):
    ids = any_tokenizer.encode("the fox " * (count // 4))[:count]
    start = time.perf_counter()
    text = "".join(streamed(any_tokenizer, ids))
    assert time.perf_counter() - start < 5, "decoding all again for each token would take minutes"
    assert text == any_tokenizer.decode(ids)
