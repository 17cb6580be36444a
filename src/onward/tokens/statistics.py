"""How well a vocabulary fits texts: bytes per token by kind of text, the longest tokens, the tokens never used.

Left out: printing, which the command line does; and any judgement of quality, which only a model's bits per byte can
give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from onward.errors import TokenizerError
from onward.tokens.tokenizer import Tokenizer

_AT_ONCE = 256  # texts encoded together: enough for all cores, little enough to stay small in memory


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What a vocabulary does to some texts. Tokens are given as text; U+FFFD stands for a part of a character."""

    vocab_size: int
    bytes_per_token: dict[str, float]  # by kind of text; of UTF-8
    tokens: dict[str, int]  # by kind of text
    bytes: dict[str, int]  # by kind of text
    longest: list[str]  # the longest tokens in bytes, longest first
    unused: int  # tokens, control tokens aside, that no text used
    unused_examples: list[str]  # the longest of them


def statistics(tokenizer: Tokenizer, texts_by_kind: Mapping[str, Iterable[str]], *, examples: int = 12) -> Statistics:
    """Encode the texts of each kind and count.   examples: how many tokens to name.

    Memory stays flat however many the texts. Raises TokenizerError for a kind without any text, and for text that is no
    Unicode.
    """
    used = np.zeros(tokenizer.highest_id + 1, dtype=np.int64)
    tokens, sizes = {}, {}
    for kind, texts in texts_by_kind.items():
        tokens[kind], sizes[kind] = 0, 0
        for ids, size in _encoded(tokenizer, texts):
            used += np.bincount(ids, minlength=len(used))
            tokens[kind] += len(ids)
            sizes[kind] += size
        if not tokens[kind]:
            raise TokenizerError(f"there is no text of the kind {kind!r} to measure. Give texts that are not empty.")
    by_length = sorted(range(len(used)), key=lambda id: (-len(tokenizer.token_bytes(id)), id))
    ordinary = [id for id in by_length if id not in tokenizer.special_ids and tokenizer.token_bytes(id)]
    unused = [id for id in ordinary if not used[id]]
    return Statistics(
        vocab_size=tokenizer.vocab_size,
        bytes_per_token={kind: sizes[kind] / tokens[kind] for kind in tokens},
        tokens=tokens,
        bytes=sizes,
        longest=[_shown(tokenizer, id) for id in ordinary[:examples]],
        unused=len(unused),
        unused_examples=[_shown(tokenizer, id) for id in unused[:examples]],
    )


def _encoded(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """The ids and the bytes of a few texts at a time."""
    rest = iter(texts)
    while some := list(islice(rest, _AT_ONCE)):
        ids = [np.asarray(found, dtype=np.int64) for found in tokenizer.encode_batch(some)]
        yield np.concatenate(ids), sum(len(text.encode()) for text in some)


def _shown(tokenizer: Tokenizer, id: int) -> str:
    return tokenizer.token_bytes(id).decode("utf-8", errors="replace")
