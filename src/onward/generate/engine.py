"""The engine: carries texts on, many at once, token by token; who comes joins those who are on their way.

One primitive: run the trunk over new tokens of several sequences and get the logits at the last of each, or at all. Prefill is many new
tokens, decoding is one. Who takes part in a pass is decided in schedule.py, what is remembered lies in pages.py, a request on its way is in
request.py. Left out: drafters, which verify several tokens in a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.errors import FolderError, PlanError
from onward.generate.native.step import Native
from onward.generate.pages import BLOCK, Pages, Table, View
from onward.generate.processors import processed
from onward.generate.request import Completion, Finish, Request, Run
from onward.generate.sampling import draw
from onward.generate.schedule import Schedule
from onward.generate.settings import Weights
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel, at_least_float32
from onward.tokens.tokenizer import Tokenizer

__all__ = ["Completion", "Engine", "Finish", "Request", "Run", "Scored"]

AT_ONCE = 32
"""Sequences that run together, where nothing else is said; further ones wait until one has ended."""
CHUNK = 1024
"""Tokens of prompts that are read in one pass, where nothing else is said: the longest that those who are talking wait."""
MEMORY = 2e9
"""Bytes of the key-value cache, at most, where nothing else is said; so many that one sequence fits in any case."""
DAMAGED = "the model's scores are no finite numbers (NaN or infinity): its weights are damaged. Copy the folder again, or train it anew."


@dataclass(frozen=True)
class Scored:
    """What the model thinks of a text that is there.   log_probs: of each token, in nats.   alternatives: the likeliest at each place."""

    log_probs: list[float]
    alternatives: list[list[tuple[int, float]]]


News = tuple[Table, Sequence[int], int]
"""A sequence's table, all of its tokens, and how many of those not read yet are to be read."""


class Engine:
    """Runs one model with its tokeniser. `ends`: ids that end a text, besides those that the tokeniser knows.

    use: called with a request's adapter before each pass of the model, where there are adapters: texts may take turns.
    at_once: sequences that run together.   chunk: tokens of prompts read in one pass.   blocks: of the key-value cache, at most.
    weights: in these, single tokens are read by native code (native/), without adapters; None: by torch, as prompts are.
    While it exists, the model must stay as it is, or `forget` be called.   Raises NativeError.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ends: Iterable[int] = (),
        use: Callable[[str | None], None] = lambda _: None,
        at_once: int = AT_ONCE,
        chunk: int = CHUNK,
        blocks: int | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.model = model.eval()
        self.use, self.weights = use, weights
        self.tokenizer = tokenizer
        self.ends = frozenset(tokenizer.eos_ids) | frozenset(ends)
        self.room = model.config.max_positions
        parameter = next(model.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype
        self.blocks = blocks or default_blocks(model.config, self.dtype)
        self.schedule = Schedule(self._empty(), at_once, chunk)
        self.native = self._native()

    def forget(self) -> None:
        """Begin with an empty cache, as after the model has changed. Nothing may be on its way."""
        self.schedule.pages = self._empty()
        self.native = self._native()

    def _empty(self) -> Pages:
        return Pages(self.model.config, self.blocks, dtype=self.dtype, device=self.device)

    def _native(self) -> Native | None:
        return None if self.weights is None else Native.of(self.model, self.weights)

    @property
    def pages(self) -> Pages:
        return self.schedule.pages

    # --- what is asked ------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Run:
        """Take a request on; `step` carries it on.   Raises PlanError for a prompt that is empty or fills all of the model's positions."""
        table = Table(self.pages, request.adapter)
        run = Run(request, self.tokenizer, self.ends, self.room, table)
        self.schedule.add(run)
        return run

    def cancel(self, run: Run) -> None:
        """Nobody wants the rest. What has been drawn stays; its place and its blocks are free."""
        if run.finish is None:
            run.finish = "cancelled"
            self._end(run)

    def run(self, requests: Sequence[Request]) -> list[Completion]:
        """Carry on every prompt.   Raises PlanError as `submit` does; FolderError where a request has failed."""
        runs = [self.submit(request) for request in requests]
        try:
            while any(run.finish is None for run in runs):
                self.step()
        finally:
            for run in runs:
                self.cancel(run)
        for run in runs:
            if run.finish == "error":
                raise FolderError(run.error)
        return [run.completion() for run in runs]

    def stream(self, request: Request) -> Iterator[str]:
        """The text that follows one prompt, piece by piece, in whole characters.   Raises as `run` does."""
        run = self.submit(request)
        try:
            while run.finish is None:
                self.step()
                yield run.fresh()
            yield run.fresh()  # another's steps may have ended it
        finally:
            self.cancel(run)
        if run.finish == "error":
            raise FolderError(run.error)

    def score(self, prompt: Sequence[int], continuation: Sequence[int], adapter: str | None = None) -> list[float]:
        """Log-probability in nats of each token of `continuation` after `prompt` and those before it."""
        return self.scored(prompt, continuation, adapter).log_probs

    @torch.inference_mode()
    def scored(
        self, prompt: Sequence[int], continuation: Sequence[int], adapter: str | None = None, alternatives: int = 0
    ) -> Scored:
        """As `score`, with so many of the likeliest tokens at each place.   Raises PlanError, FolderError; NoRoomError where the blocks are
        others'."""
        ids = [*prompt, *continuation]
        if not prompt or len(ids) > self.room:
            raise PlanError(
                f"a prompt of {len(prompt)} and a continuation of {len(continuation)} tokens: 1 to {self.room} are wanted."
            )
        table, found = Table(self.pages, adapter), Scored([], [])
        try:
            table.adopt(ids[: len(prompt)])
            while table.length < len(ids) - 1:
                tokens = min(self.schedule.chunk, len(ids) - 1 - table.length)
                first = max(table.length, len(prompt) - 1)
                table.reserve(tokens)
                logits = self.model.logits(self.hidden([(table, ids, tokens)])[0, first - table.length :])
                if not logits.isfinite().all():
                    raise FolderError(DAMAGED)
                table.read(ids, tokens)
                log_probs = logits.double().log_softmax(-1)
                told = torch.tensor(ids[first + 1 : table.length + 1], device=self.device)[:, None]
                found.log_probs.extend(log_probs[: len(told)].gather(-1, told)[:, 0].tolist())
                best = log_probs[: len(told)].topk(min(alternatives, log_probs.shape[-1]))
                for ids_there, those in zip(best.indices.tolist(), best.values.tolist(), strict=True):
                    found.alternatives.append(list(zip(ids_there, those, strict=True)))
        finally:
            table.release()
        return found

    # --- the passes ---------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def step(self) -> None:
        """One pass of the model, over whoever's turn it is."""
        group = self.schedule.next()
        if not group:
            return
        logits = self._pass(group)
        drawing = []
        sound = logits.isfinite().all(-1).tolist()
        for row, (run, tokens) in enumerate(group):
            if not sound[row]:
                run.fail(DAMAGED)
                self._end(run)
                continue
            run.table.read(run.all_ids, tokens)
            if not run.pending:
                drawing.append(row)
        if drawing:
            self._draw([group[row][0] for row in drawing], logits[drawing])

    def _pass(self, group: Sequence[tuple[Run, int]]) -> Tensor:
        """The logits (B, V) after the new tokens of each. Where memory does not suffice for all at once, in two halves."""
        try:
            return self.after([(run.table, run.all_ids, tokens) for run, tokens in group])
        except RuntimeError as error:  # torch's own error where a device's memory is full is one, and so is the CPU's
            if len(group) == 1 or not any(words in str(error) for words in ("out of memory", "not enough memory")):
                raise
        self.schedule.at_once = max(1, len(group) // 2)
        half = len(group) // 2
        return torch.cat([self._pass(group[:half]), self._pass(group[half:])])

    def read(self, news: Sequence[News]) -> Tensor:
        """Take blocks, read, and count as read: the logits (B, V) after the last new token of each.   Raises NoRoomError."""
        for table, _, tokens in news:
            table.reserve(tokens)
        logits = self.after(news)
        for table, ids, tokens in news:
            table.read(ids, tokens)
        return logits

    def after(self, news: Sequence[News]) -> Tensor:
        """The logits (B, V) after the last new token of each, for which there are blocks."""
        if self.native is not None and news[0][0].adapter is None and all(tokens == 1 for _, _, tokens in news):
            return self._natively(self.native, news)
        hidden = self.hidden(news)
        last = torch.tensor([tokens - 1 for _, _, tokens in news], device=self.device)
        return self.model.logits(hidden[torch.arange(len(news), device=self.device), last])

    def _natively(self, native: Native, news: Sequence[News]) -> Tensor:
        longest = max(len(table.blocks) for table, _, _ in news)
        return native.step(
            torch.tensor([ids[table.length] for table, ids, _ in news]),
            torch.tensor([table.length for table, _, _ in news]),
            torch.tensor([table.row(longest) for table, _, _ in news], dtype=torch.int32),
            self.pages.keys,
            self.pages.values,
        )

    def hidden(self, news: Sequence[News]) -> Tensor:
        """The primitive: the trunk over new tokens of several sequences of the same adapter, for which there are blocks.   Returns
        (B, T, width), padded at the right. The tables still count them as not read: whoever called says what of it stays."""
        self.use(news[0][0].adapter)
        width = max(tokens for _, _, tokens in news)
        rows = [[*ids[table.length : table.length + n], *[0] * (width - n)] for table, ids, n in news]
        view = View(self.pages, [table for table, _, _ in news], [tokens for _, _, tokens in news])
        return self.model.hidden(torch.tensor(rows, device=self.device), cache=view)

    def _draw(self, runs: Sequence[Run], logits: Tensor) -> None:
        positions = torch.tensor([len(run.all_ids) for run in runs], device=self.device)
        drawn_from = processed(logits, [run.said for run in runs])
        new = draw(drawn_from, [run.request.sampling for run in runs], positions)
        log_probs = logits.to(at_least_float32(logits.dtype)).log_softmax(-1)
        chosen = log_probs.gather(-1, new[:, None])[:, 0]
        for row, (run, token, log_prob) in enumerate(zip(runs, new.tolist(), chosen.tolist(), strict=True)):
            if run.request.alternatives:
                best = log_probs[row].topk(min(run.request.alternatives, logits.shape[-1]))
                run.alternatives.append(list(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
            run.take(token, log_prob)
            if run.finish is not None:
                self._end(run)

    def _end(self, run: Run) -> None:
        self.schedule.remove(run)
        run.table.release(spoilt=run.finish == "error")


def default_blocks(config: TrunkConfig, dtype: torch.dtype, memory: float = MEMORY) -> int:
    """As many as so many bytes hold, and enough for one sequence as long as the model's positions."""
    each = 2 * config.depth * config.kv_heads * config.head_size * BLOCK * torch.empty((), dtype=dtype).element_size()
    return max(int(memory / each), -(-config.max_positions // BLOCK))
