"""Special tokens for what is hidden: the mask of an encoder, the sentinels of span corruption; added to a tokeniser where it has none.

They come after all other tokens, so that texts are cut as before. Like RoBERTa's mask, they take the blank before them along: in a
byte-level vocabulary it belongs to the word that is hidden.
"""

from __future__ import annotations

from onward.tokens.tokenizer import Tokenizer

MASK = "<|mask|>"
SPANS = 100
"""Sentinels, as many as T5 has (arXiv 1910.10683); a row of 2,048 tokens can use them all."""
_SPAN = [f"<|span_{number}|>" for number in range(SPANS)]


def with_mask(tokenizer: Tokenizer) -> Tokenizer:
    """The tokeniser, or one with a mask beside its tokens."""
    return tokenizer if mask_id(tokenizer) is not None else tokenizer.extended([MASK], mask_token=MASK)


def mask_id(tokenizer: Tokenizer) -> int | None:
    """The mask of a tokeniser that has one."""
    name = tokenizer.named.get("mask_token")
    return None if name is None else tokenizer.special.get(name)


def with_spans(tokenizer: Tokenizer) -> Tokenizer:
    """The tokeniser, or one with the sentinels beside its tokens."""
    return tokenizer if span_ids(tokenizer) else tokenizer.extended(_SPAN)


def span_ids(tokenizer: Tokenizer) -> list[int]:
    """The sentinels of a tokeniser, in order; none where one is lacking."""
    found = [tokenizer.special.get(name) for name in _SPAN]
    ids = [id for id in found if id is not None]
    return ids if len(ids) == SPANS else []
