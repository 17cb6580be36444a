"""Filling blanks: what an encoder finds likely in the place of each mask, or what a model of span corruption writes there.

An encoder says one token for each blank, all blanks at once and each without knowing what the others became. A span model
(`--objective prefix`) writes one or more tokens for each, in order, and knows what it wrote before.
Left out: sampling, and blanks of several masks in an encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from onward.errors import DataError, FolderError, PlanError
from onward.generate.cache import KVCache
from onward.model import folder
from onward.model.device import choose
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id, span_ids
from onward.tokens.tokenizer import Tokenizer

BLANK = "___"
TOP = 5
LONGEST_SPAN = 32
"""Tokens that are written into one blank, at most: ten times what a model of span corruption has seen on average."""


@dataclass(frozen=True)
class Word:
    """Something for a blank, as it would stand in the text (often with the blank before it), and its probability."""

    text: str
    probability: float


@dataclass(frozen=True)
class Filled:
    """The text with the likeliest word in each blank, and the words for each, the likeliest first."""

    text: str
    blanks: list[list[Word]]


class Filler:
    """A model folder that can fill blanks: an encoder with a mask token, or a decoder that was trained on span corruption.

    Raises FolderError for any other, TokenizerError.   device: chosen where None.
    """

    def __init__(self, path: Path, device: str | None = None) -> None:
        family, config = folder.read_config(path)
        self.tokenizer = Tokenizer.load(path)
        self.mask, self.spans = mask_id(self.tokenizer), span_ids(self.tokenizer)
        self.encoder = not config.causal
        if self.encoder and self.mask is None:
            raise FolderError(f"{path}: its tokenizer names no mask_token, so there is nothing to put into the blanks.")
        if not self.encoder and not self.spans:
            raise FolderError(
                f"{path} holds a model that carries texts on ({family}), and cannot look past a blank. Use onward generate; or "
                "make a model that fills blanks, with onward pretrain --objective masked."
            )
        self.model: LanguageModel = folder.load(path, device=choose(device)).eval()
        folder.check_tokenizer(config, self.tokenizer.highest_id)
        self.room = config.max_positions
        self.device = next(self.model.parameters()).device

    @torch.inference_mode()
    def fill(self, text: str, top: int = TOP) -> Filled:
        """Fill every blank of a text: `___`, or the mask token as the folder's tokeniser spells it.

        top: words for each blank; a span model writes one.   Raises DataError for a text without a blank, PlanError for one too long.
        """
        parts = self._parts(text)
        words = self._of_encoder(parts, top) if self.encoder else self._of_spans(parts)
        whole = parts[0]
        for found, part in zip(words, parts[1:], strict=True):
            whole = self._joined(whole, found[0].text) + part
        return Filled(whole, words)

    def _parts(self, text: str) -> list[str]:
        """The text between the blanks."""
        names = [name for name, id in self.tokenizer.special.items() if id == self.mask]
        parts = re.split("|".join(["_{3,}", *map(re.escape, names)]), text)
        if len(parts) == 1:
            known = " or ".join([BLANK, *names])
            raise DataError(
                f'the text has no blank. Write {known} where a word is to be found, as in "The cat {BLANK} down."'
            )
        return parts

    def _ids(self, parts: Sequence[str], blanks: Sequence[int]) -> list[int]:
        """The parts with a special token between each two, cut as one text."""
        pieces: list[tuple[str | int, bool]] = [(parts[0], False)]
        for blank, part in zip(blanks, parts[1:], strict=True):
            pieces += [(blank, True), (part, False)]
        return self.tokenizer.encode_pieces(pieces)[0]

    def _of_encoder(self, parts: Sequence[str], top: int) -> list[list[Word]]:
        assert self.mask is not None
        named, special = self.tokenizer.named, self.tokenizer.special
        begin, end = ([special[named[key]]] if named.get(key) in special else [] for key in ("cls_token", "sep_token"))
        ids = begin + self._ids(parts, [self.mask] * (len(parts) - 1)) + end
        self._check_room(len(ids))
        places = [place for place, id in enumerate(ids) if id == self.mask]
        hidden = self.model.hidden(torch.tensor([ids], device=self.device))[0, places]
        found = self.model.logits(hidden).float().softmax(-1).topk(min(top, self.model.config.vocab_size))
        return [
            [Word(self._spelled(id), p) for p, id in zip(probabilities, chosen, strict=True)]
            for probabilities, chosen in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]

    def _spelled(self, id: int) -> str:
        """A token as it would stand in the text; the middle of a word with the `##` that WordPiece writes before it."""
        return self.tokenizer.decode([id], skip_special=False)

    def _of_spans(self, parts: Sequence[str]) -> list[list[Word]]:
        """The prefix is read both ways; then each blank is written after its sentinel, token by token, the likeliest one each time."""
        blanks = len(parts) - 1
        if blanks > len(self.spans):
            raise PlanError(f"{blanks} blanks are more than the {len(self.spans)} that this model tells apart.")
        begin = [self.tokenizer.bos_id] if self.tokenizer.bos_id is not None else []
        ids = begin + self._ids(parts, self.spans[:blanks])
        self._check_room(len(ids) + 2 * blanks)
        cache = KVCache(self.model.config, 1, self.room, dtype=next(self.model.parameters()).dtype, device=self.device)
        mask = Mask.prefix(torch.tensor([len(ids)], device=self.device))
        self.model.hidden(torch.tensor([ids], device=self.device), mask=mask, cache=cache)
        words = []
        for number, sentinel in enumerate(self.spans[:blanks]):
            reserved = 2 * (blanks - number - 1)  # a sentinel and a token for each blank to come
            words.append([self._span(sentinel, mask, cache, reserved)])
        return words

    def _span(self, sentinel: int, mask: Mask, cache: KVCache, reserved: int) -> Word:
        """Tokens up to the first special one, at least one: no span is empty.   reserved: positions to leave."""
        specials = torch.tensor(sorted(self.tokenizer.special_ids), device=self.device)
        ids, probability, token = list[int](), 1.0, sentinel
        while len(ids) < LONGEST_SPAN and int(cache.lengths) < self.room - reserved:
            hidden = self.model.hidden(torch.tensor([[token]], device=self.device), mask=mask, cache=cache)
            scores = self.model.logits(hidden[0, -1]).float().softmax(-1)
            scores = scores.index_fill(0, specials, 0.0) if not ids else scores
            token = int(scores.argmax())
            if token in self.tokenizer.special_ids:
                break
            ids.append(token)
            probability *= float(scores[token])
        return Word(self.tokenizer.decode(ids), probability)

    def _check_room(self, tokens: int) -> None:
        if tokens > self.room:
            raise PlanError(
                f"the text has {tokens:,} tokens and the model {self.room:,} positions. Shorten it, or fill it in parts."
            )

    def _joined(self, before: str, word: str) -> str:
        """The text up to a blank, and the word in it: the blank before a mask is the word's own in a byte-level vocabulary, and the
        middle of a word stands right after what it goes on from."""
        if word.startswith("##"):
            return before.rstrip(" ") + word.removeprefix("##")
        return (before.rstrip(" ") if self.tokenizer.byte_level else before) + word
