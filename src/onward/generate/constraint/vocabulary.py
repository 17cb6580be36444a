"""A tokeniser's vocabulary as a trie over bytes: what every token adds to a text.

Left out: special tokens, which are no text, and tokens of no bytes, which would let a text stand still. Tokens that are marked as added but
not special (`<think>` and its like) are text like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onward.errors import PlanError
from onward.generate.constraint import characters
from onward.generate.constraint.characters import Ranges
from onward.tokens.tokenizer import Tokenizer

_TRIED = 20  # tokens that are decoded beside each other, to see whether decoding joins them


class Trie:
    """Byte strings with numbers, laid out level by level, so that a level is walked at once.

    levels: of each depth from 1 on, (parents, bytes) of its nodes; node 0 is the root, the others follow level by level.   ends, numbers:
    the nodes at which strings end, and the strings' numbers.
    """

    def __init__(self, strings: Iterable[tuple[int, bytes]]) -> None:
        pairs = [(number, string) for number, string in strings if string]
        numbers = np.array([number for number, _ in pairs], np.int64)
        lengths = np.array([len(string) for _, string in pairs], np.int64)
        joined = np.frombuffer(b"".join(string for _, string in pairs), np.uint8)
        starts = np.cumsum(lengths) - lengths
        self.levels: list[tuple[NDArray[np.int32], NDArray[np.uint8]]] = []
        ends: list[NDArray[np.int64]] = []
        ended: list[NDArray[np.int64]] = []
        self.size = 1
        alive, nodes = np.arange(len(pairs)), np.zeros(len(pairs), np.int64)
        for depth in range(int(lengths.max(initial=0))):
            keys, nodes = np.unique(nodes * 256 + joined[starts[alive] + depth], return_inverse=True)
            self.levels.append(((keys // 256).astype(np.int32), (keys % 256).astype(np.uint8)))
            nodes = nodes.reshape(-1) + self.size
            self.size += len(keys)
            done = lengths[alive] == depth + 1
            ends.append(nodes[done])
            ended.append(numbers[alive[done]])
            alive, nodes = alive[~done], nodes[~done]
        self.ends = np.concatenate([np.zeros(0, np.int64), *ends])
        self.numbers = np.concatenate([np.zeros(0, np.int64), *ended])


class Vocabulary:
    """What the tokens of a tokeniser write.

    texts: the bytes of each token; none for those that are never allowed.   alphabet: the characters that can be written whatever came
    before: all of them where there is a token for every byte, else those that are a token by themselves.   opening: the same tokens as
    `trie`, without the blank that some tokenisers' decoding drops at the start of a text; None where it drops none.
    Raises PlanError for a tokeniser whose decoding does more than to join what the tokens say.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.size = tokenizer.highest_id + 1
        texts = [b"" if id in tokenizer.special_ids else tokenizer.token_bytes(id) for id in range(self.size)]
        self.alphabet: Ranges = characters.ANY
        if len({text for text in texts if len(text) == 1}) < 256:
            # A token that cuts a character could leave a rest that no token spells.
            texts = [text if _is_whole(text) else b"" for text in texts]
            self.alphabet = characters.of(text.decode() for text in texts if text and len(text.decode()) == 1)
        self.texts = texts
        self.trie = Trie(enumerate(texts))
        self.opening: Trie | None = None
        if _drops_blank(tokenizer, texts):
            self.opening = Trie((id, text.removeprefix(b" ")) for id, text in enumerate(texts))

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, tokenizer: Tokenizer) -> Vocabulary:
        """That of a tokeniser, made once."""
        return cls(tokenizer)


def _is_whole(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _drops_blank(tokenizer: Tokenizer, texts: list[bytes]) -> bool:
    """Whether decoding drops a blank at the start of a text; tried on tokens, since decoders come in many kinds."""
    if tokenizer.byte_level:
        return False
    words = [id for id, text in enumerate(texts) if text.isalpha() and text.isascii()][:_TRIED]
    for one, other in pairwise(words):
        if tokenizer.decode([one, other]).encode() != texts[one] + texts[other]:
            raise PlanError(
                "this tokeniser puts blanks between tokens when it decodes them, so that tokens do not say what will be written. "
                "Constrained output needs another, such as byte-level BPE: `onward tokenizer TEXTS -o DIR` makes one."
            )
    blank = next((id for id, text in enumerate(texts) if text.startswith(b" ") and text.strip()), None)
    return blank is not None and not tokenizer.decode([blank]).startswith(" ")
