"""Answers on the clock: when each of their tokens came, as whoever asked saw it.

A folder's engine is stepped here and looked at after each step, so that every token is seen. An endpoint sends pieces of text, of one token
or more; how many tokens they were, it says at the end. Left out: how many are asked for (measure.py), and what is made of it (figures.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from onward.errors import FolderError, SuiteError
from onward.evaluate.asking import Model
from onward.evaluate.prompts import Prompt
from onward.generate.chat_model import FolderModel
from onward.generate.endpoint import EndpointModel
from onward.generate.engine import Request, Run
from onward.generate.parallel.chat import ParallelModel
from onward.generate.settings import Sampling

Clock = Callable[[], float]
"""Seconds, as time.perf_counter tells them."""


@dataclass(frozen=True)
class Timed:
    """One answer.   moments: seconds from asking to each piece of it, which for a folder is a token.   seconds: to its end.
    tokens, prompt_tokens: as the model counts them; where an endpoint does not tell, its pieces are counted, and 0.
    passed: tokens that went through the model, all but the last."""

    moments: Sequence[float]
    seconds: float
    tokens: int
    prompt_tokens: int
    passed: int = 0

    @property
    def gaps(self) -> list[float]:
        """Seconds from each piece to the next."""
        return [after - before for before, after in zip(self.moments, self.moments[1:], strict=False)]


def answers(model: Model, prompts: Sequence[Prompt], sampling: Sampling, clock: Clock) -> list[Timed]:
    """All asked for at the same moment.   Raises EndpointError, FolderError, PlanError, SuiteError."""
    if isinstance(model, EndpointModel):
        return _over_connections(model, prompts, sampling, clock)
    if isinstance(model, ParallelModel):
        return [_in_blocks(model, prompt, sampling, clock) for prompt in prompts]
    return _by_steps(model, prompts, sampling, clock)


def _by_steps(model: FolderModel, prompts: Sequence[Prompt], sampling: Sampling, clock: Clock) -> list[Timed]:
    engine, begin = model.engine, clock()
    moments, ends = dict[Run, list[float]](), dict[Run, float]()
    try:
        for prompt in prompts:
            ids = model.prompt(prompt.messages) if prompt.messages else model.text_prompt(prompt.text)
            moments[
                engine.submit(Request(prompt=ids, sampling=replace(sampling, stop=prompt.stop), adapter=model.adapter))
            ] = []
        while len(ends) < len(moments):
            engine.step()
            now = clock() - begin
            for run, came in moments.items():
                came += [now] * (len(run.ids) - len(came))
                if run.finish is not None:
                    ends.setdefault(run, now)
    finally:
        for run in moments:
            engine.cancel(run)
    if failed := next((run.error for run in moments if run.finish == "error"), ""):
        raise FolderError(failed)
    return [
        Timed(came, ends[run], len(run.ids), len(run.request.prompt), len(run.all_ids) - 1)
        for run, came in moments.items()
    ]


def _in_blocks(model: ParallelModel, prompt: Prompt, sampling: Sampling, clock: Clock) -> Timed:
    begin = clock()
    ids = model.prompt(prompt.messages) if prompt.messages else model.text_prompt(prompt.text)
    moments, end, text = paced(
        model.writer.stream(Request(prompt=ids, sampling=replace(sampling, stop=prompt.stop))), clock, begin
    )
    return Timed(moments, end, len(model.writer.tokenizer.encode(text)), len(ids))


def _over_connections(model: EndpointModel, prompts: Sequence[Prompt], sampling: Sampling, clock: Clock) -> list[Timed]:
    def one(prompt: Prompt) -> Timed:
        told: list[tuple[int, int]] = []
        begin = clock()
        pieces = model.stream(prompt.messages, sampling, lambda *counts: told.append(counts))
        moments, end, _ = paced(pieces, clock, begin)
        read, written = told[-1] if told else (0, len(moments))
        return Timed(moments, end, written, read)

    if any(not prompt.messages for prompt in prompts):
        raise SuiteError(f"{model.name} answers messages only, and cannot be asked to carry a text on. Use --ask chat.")
    with ThreadPoolExecutor(len(prompts)) as threads:
        return list(threads.map(one, prompts))


def paced(pieces: Iterator[str], clock: Clock, begin: float) -> tuple[list[float], float, str]:
    """When each piece came that was not empty, when the last had come, and the text."""
    moments, text = [], ""
    for piece in pieces:
        if piece:
            moments.append(clock() - begin)
            text += piece
    return moments, clock() - begin, text
