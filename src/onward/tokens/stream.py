"""Decoding while tokens come in: text as soon as it is certain, never half a character.

Left out: stop strings and anything else that looks at the text; the engine does that on what comes out of here.
"""

from __future__ import annotations

import codecs

from onward.tokens.tokenizer import Tokenizer


class StreamDecoder:
    """Pieces of text whose concatenation, `flush` included, is `tokenizer.decode` of all ids pushed. Time is linear in
    the tokens.

    skip_special: as in `decode`.
    """

    def __init__(self, tokenizer: Tokenizer, skip_special: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skipped = tokenizer.special_ids if skip_special else frozenset()
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._last: list[int] = []  # the last token that was given out, as the left neighbour of what comes
        self._held: list[int] = []  # tokens that are not certain yet

    def push(self, id: int) -> str:
        """The text that becomes certain with this token; often all of it, sometimes none."""
        if id in self._skipped or not 0 <= id <= self._tokenizer.highest_id:
            return ""
        if self._tokenizer.byte_level:
            return self._utf8.decode(self._tokenizer.token_bytes(id))
        self._held.append(id)
        return "" if self._tokenizer.is_byte(id) else self._give()

    def flush(self) -> str:
        """What was held back: the beginning of a character that never came to its end becomes U+FFFD."""
        return self._utf8.decode(b"", final=True) if self._tokenizer.byte_level else self._give()

    def _give(self) -> str:
        """The held tokens as text. Decoders other than byte-level ones look at a token's left neighbour and at runs of
        bytes, and at nothing else; whether `decode` shows control tokens was settled in `push`."""
        before = self._tokenizer.decode(self._last, skip_special=False)
        text = self._tokenizer.decode(self._last + self._held, skip_special=False)[len(before) :]
        self._last, self._held = (self._held or self._last)[-1:], []
        return text
