"""Texts written block after block by a model of diffusion; a model of whole texts writes one block, in which the prompt stands already.

Left out: continuous batching (texts that come later wait for the batch), penalties and forms, which speak of what came before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from onward.errors import FolderError, PlanError
from onward.generate.parallel.reader import Reader
from onward.generate.parallel.settings import Parallel
from onward.generate.parallel.unmask import Canvas, unmask
from onward.generate.request import Completion, Request, Text
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id
from onward.tokens.tokenizer import Tokenizer


class Writer:
    """Writes with one model and its tokeniser. `ends`: ids that end a text, besides those that the tokeniser knows.

    how: may be changed between texts.   passes: of the model, for the texts written last.
    Raises FolderError where there is no mask, or the model was not trained to write blocks.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, ends: Iterable[int] = ()) -> None:
        mask, block = mask_id(tokenizer), model.config.block
        if mask is None or block is None:
            raise FolderError(
                "the model was not trained to write blocks. Make one with onward pretrain --objective diffusion."
            )
        self.model, self.tokenizer, self.mask_id, self.block = model.eval(), tokenizer, mask, block
        self.ends = frozenset(tokenizer.eos_ids) | frozenset(ends)
        self.room = model.config.max_positions
        self.how, self.passes = Parallel(), 0

    def run(self, requests: Sequence[Request]) -> list[Completion]:
        """Carry on every prompt, all together.   Raises PlanError."""
        texts = [self._text(request) for request in requests]
        for _ in self._write(texts, self.how):
            pass
        return [text.completion() for text in texts]

    def stream(self, request: Request) -> Iterator[str]:
        """The text that follows one prompt, block by block, in whole characters.   Raises PlanError."""
        text = self._text(request)
        for _ in self._write([text], self.how):
            yield text.fresh()

    def _text(self, request: Request) -> Text:
        asked = request.sampling
        if asked.penalises or request.constraint is not None or request.bias or request.adapter is not None:
            raise PlanError(
                "penalties, forms, biases and adapters are for models that write one token after the other. Leave them out."
            )
        return Text(request, self.tokenizer, self.ends, self.room)

    @torch.inference_mode()
    def _write(self, texts: Sequence[Text], how: Parallel) -> Iterator[None]:
        """Write until all have ended, a pause after each window of places that are filled together."""
        if how.block is not None and how.block > self.block:
            raise PlanError(
                f"--block {how.block}: the model has learned to write {self.block} tokens together, and no more."
            )
        alive = list(texts)
        reader = Reader(self.model, self.mask_id, [text.request.prompt for text in alive], self.room + self.block)
        while alive:
            canvas, number, positions = self._canvas(alive, reader.device)
            window = how.block or self.block
            for first in range(0, int(number.max()) + 1, window):
                room = torch.tensor([[text.left] for text in alive], device=reader.device)
                free = (number >= first) & (number < first + window) & (number - first < room)
                canvas = unmask(
                    reader,
                    canvas,
                    free,
                    [text.request.sampling for text in alive],
                    positions,
                    steps=how.steps or window,
                    order=how.order,
                )
                for row, text in enumerate(alive):
                    _take(text, canvas.ids[row, free[row]].tolist(), canvas.log_probs[row, free[row]].tolist())
                self.passes = reader.passes
                yield
                if all(text.finish for text in alive):
                    return
            reader.settle(canvas.ids)
            going = [row for row, text in enumerate(alive) if text.finish is None]
            if len(going) < len(alive):
                alive = [alive[row] for row in going]
                reader.keep(torch.tensor(going, device=reader.device))

    def _canvas(self, texts: Sequence[Text], device: torch.device) -> tuple[Canvas, Tensor, Tensor]:
        """The next block of each text: what stands in it; which place to write each is, from 0, negative where a prompt stands; and where
        in its text.   (B, N)"""
        ids = torch.zeros(len(texts), self.block, dtype=torch.int64, device=device)
        known = torch.zeros_like(ids, dtype=torch.bool)
        place = torch.arange(self.block, device=device).expand_as(ids)
        written = torch.tensor([[len(text.request.prompt) + len(text.ids)] for text in texts], device=device)
        if not self.model.config.whole:
            return Canvas.of(ids, known), place, written + place
        for row, text in enumerate(texts):
            given = torch.tensor(text.request.prompt[1:], device=device)
            ids[row, : len(given)], known[row, : len(given)] = given, True
        return Canvas.of(ids, known), place - written + 1, place + 1


def _take(text: Text, ids: Sequence[int], log_probs: Sequence[float]) -> None:
    """Add tokens that have been written, up to the one that ends the text."""
    for token, log_prob in zip(ids, log_probs, strict=True):
        if text.finish is None:
            text.take(token, log_prob)
