"""The engine: carries texts on, many at once, token by token; who comes joins those who are on their way.

The passes themselves are in reader.py, who takes part in one is decided in schedule.py, what is remembered lies in pages.py, a request on
its way is in run.py. Drafters may foretell what is drawn (speculation.py, verify.py), which changes how fast a text comes and not
which. Left out: other ways to carry a text on (beam.py, contrastive.py, guidance.py, parallel/).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from onward.errors import FolderError, PlanError
from onward.generate.drafters.drafter import Drafter
from onward.generate.drafters.tree import Tree
from onward.generate.native.draw import draw as native_draw
from onward.generate.pages import BLOCK, Pages, Table
from onward.generate.processors import processed
from onward.generate.reader import News, Read, Reader
from onward.generate.request import Completion, Finish, Request
from onward.generate.run import Run
from onward.generate.sampling import draw
from onward.generate.schedule import Schedule
from onward.generate.settings import Weights
from onward.generate.speculation import SIZES, Speculation
from onward.generate.verify import Mode, Verified, coupled, places, verify
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


class Engine:
    """Runs one model with its tokeniser. `ends`: ids that end a text, besides those that the tokeniser knows.

    use: called with a request's adapter before each pass of the model, where there are adapters: texts may take turns.
    at_once: sequences that run together.   chunk: tokens of prompts read in one pass.   blocks: of the key-value cache, at most.
    weights: in these, native code (native/) computes what has no adapter; None: torch computes all.
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
        self.tokenizer = tokenizer
        self.ends = frozenset(tokenizer.eos_ids) | frozenset(ends)
        self.room = model.config.max_positions
        blocks = blocks or default_blocks(model.config, next(model.parameters()).dtype)
        self.reader = Reader(model, blocks, use, weights)
        self.schedule = Schedule(self.pages, at_once, chunk)
        self.speculation: Speculation | None = None

    def forget(self) -> None:
        """Begin with an empty cache, as after the model has changed. Nothing may be on its way."""
        self.reader.forget()
        self.schedule.pages = self.pages

    def draft(
        self, drafter: Drafter | None, mode: Mode = "coupled", most: int = SIZES[-1], *, fixed: bool = False
    ) -> None:
        """Let a drafter foretell what will be drawn, up to `most` tokens at once; None: nobody any more. As in Speculation.

        mode: "coupled" leaves every text as it is; "ratio" gives others of the same distribution.
        """
        windowed = self.model.config.window is not None
        self.speculation = None
        if drafter is not None:
            self.speculation = Speculation(
                drafter, self.model.config.vocab_size, mode, most, fixed=fixed, windowed=windowed
            )

    @property
    def model(self) -> LanguageModel:
        return self.reader.model

    @property
    def device(self) -> torch.device:
        return self.reader.device

    @property
    def pages(self) -> Pages:
        return self.reader.pages

    # --- what is asked ------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Run:
        """Take a request on; `step` carries it on.   Raises PlanError for a prompt that is empty or fills all of the model's positions."""
        table = Table(self.pages, request.adapter)
        run = Run(request, self.tokenizer, self.ends, self.room, table=table)
        self.schedule.add(run)
        return run

    def cancel(self, run: Run) -> None:
        """Nobody wants the rest. What has been drawn stays; its place and its blocks are free."""
        if run.finish is None:
            run.finish = "cancelled"
            self._end(run)

    def run(self, requests: Sequence[Request]) -> list[Completion]:
        """Carry on every prompt.   Raises PlanError as `submit` does; FolderError where a request has failed."""
        runs = list[Run]()
        try:
            runs += map(self.submit, requests)
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
                logits = self.reader.look([News(table, ids, tokens, every=True)]).logits[first - table.length :]
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
        runs = [run for run, _ in group]
        if drafting := self.speculation is not None and all(run.draws for run in runs):
            news = self.speculation.news(runs)
        else:
            news = [News(run.table, run.all_ids, tokens) for run, tokens in group]
        read = self._pass(news)
        begins = [0, *accumulate(len(one.tree) + 1 for one in news)]
        drawing = list[int]()
        for row, (run, one) in enumerate(zip(runs, news, strict=True)):
            if one.tokens < run.pending:
                run.table.read(run.all_ids, one.tokens)
            else:
                drawing.append(row)
        if drawing:
            rows = [at for row in drawing for at in range(begins[row], begins[row + 1])]
            if len(rows) < begins[-1]:
                read = Read(read.logits[rows], read.hidden[rows])
            taken = self._draw([runs[row] for row in drawing], [news[row] for row in drawing], read)
            if drafting and self.speculation is not None:
                self.speculation.learn(runs, *taken)

    def _pass(self, news: Sequence[News]) -> Read:
        """Where memory does not suffice for all at once, in two halves."""
        try:
            return self.reader.look(news)
        except RuntimeError as error:  # torch's own error where a device's memory is full is one, and so is the CPU's
            if len(news) == 1 or not any(words in str(error) for words in ("out of memory", "not enough memory")):
                raise
        half = self.schedule.at_once = len(news) // 2
        first, second = self._pass(news[:half]), self._pass(news[half:])
        return Read(torch.cat([first.logits, second.logits]), torch.cat([first.hidden, second.hidden]))

    def _draw(self, runs: Sequence[Run], news: Sequence[News], read: Read) -> tuple[list[Verified], int]:
        """What follows each, and what of its draft stands; and how many tokens that are.   read: a row for each and for each node."""
        trees, positions = [one.tree for one in news], [len(run.all_ids) for run in runs]
        if self.speculation is None or self.speculation.mode == "coupled" or not any(map(len, trees)):
            own, own_log_probs = self._own(runs, trees, read.logits, places(trees, positions))
            found = coupled(trees, own)
        else:
            samplings = [run.request.sampling for run in runs]
            found = verify(trees, _drawn_from(runs, trees, read.logits), samplings, positions, "ratio")
            own_log_probs = None
        begin = taken = 0
        for run, one, stood in zip(runs, news, found, strict=True):
            rows = [begin, *(begin + 1 + node for node in stood.path)]
            tokens = [*(one.tree.tokens[node] for node in stood.path), stood.token]
            if own_log_probs is None:
                log_probs = _log_probs(read.logits[rows], torch.tensor(tokens, device=self.device))
            else:
                log_probs = [own_log_probs[row] for row in rows]
            run.hidden = read.hidden[rows[-1]]
            # Rows one by one: indexing with a list would wake torch's threads for each token, and those of compiled code wait for a core.
            logits = [read.logits[row] for row in rows]
            taken += self._take(run, one, stood.path, tokens, log_probs, logits)
            begin += len(one.tree) + 1
        return found, taken

    def _own(
        self, runs: Sequence[Run], trees: Sequence[Tree], logits: Tensor, positions: list[int]
    ) -> tuple[list[int], list[float]]:
        """The model's own draw in each row, and its log-probability, no number where the scores are none.   logits: (R, V)"""
        samplings = [run.request.sampling for run, tree in zip(runs, trees, strict=True) for _ in range(len(tree) + 1)]
        if self.reader.native is not None and logits.dtype == torch.float32 and all(run.plain for run in runs):
            return native_draw(logits.contiguous(), samplings, positions)
        new = draw(_drawn_from(runs, trees, logits), samplings, torch.tensor(positions, device=self.device))
        return new.tolist(), _log_probs(logits, new)

    def _take(
        self, run: Run, news: News, path: list[int], tokens: list[int], log_probs: list[float], logits: list[Tensor]
    ) -> int:
        """Add what stands of a draft and the token after it, up to the one that ends the text. Returns how many.   logits: (V,) for each"""
        if not all(map(math.isfinite, log_probs)):
            run.fail(DAMAGED)
            self._end(run)
            return 0
        run.table.gather([*range(news.tokens), *(news.tokens + node for node in path)])
        for taken, token in enumerate(tokens):
            if run.request.alternatives:
                best = _normed(logits[taken]).topk(min(run.request.alternatives, len(logits[taken])))
                run.alternatives.append(list(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
            run.take(token, log_probs[taken])
            if run.finish is not None:
                break
        run.table.read(run.all_ids, news.tokens + taken)
        if run.finish is not None:
            self._end(run)
        return taken + 1

    def _end(self, run: Run) -> None:
        self.schedule.remove(run)
        run.table.release(spoilt=run.finish == "error")
        if self.speculation is not None:
            self.speculation.drafter.forget(run.all_ids)


def default_blocks(config: TrunkConfig, dtype: torch.dtype, memory: float = MEMORY) -> int:
    """As many as so many bytes hold, and enough for one sequence as long as the model's positions."""
    each = 2 * config.depth * config.kv_heads * config.head_size * BLOCK * torch.empty((), dtype=dtype).element_size()
    return max(int(memory / each), -(-config.max_positions // BLOCK))


def _drawn_from(runs: Sequence[Run], trees: Sequence[Tree], logits: Tensor) -> Tensor:
    """The logits with what each request wants changed in them, each row as if its draft had been said.   (R, V)"""
    return processed(logits, [said for run, tree in zip(runs, trees, strict=True) for said in run.foreseen(tree)])


def _normed(logits: Tensor) -> Tensor:
    return logits.to(at_least_float32(logits.dtype)).log_softmax(-1)


def _log_probs(logits: Tensor, tokens: Tensor) -> list[float]:
    """Of a token in each row, in nats; no number where a score is none, or infinite.   logits: (R, V); tokens: (R,)"""
    log_probs = _normed(logits)
    chosen = log_probs.gather(-1, tokens[:, None])[:, 0]
    found: list[float] = chosen.masked_fill(log_probs.amin(-1).isinf(), math.nan).tolist()
    return found
