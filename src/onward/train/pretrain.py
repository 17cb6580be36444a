"""Pretraining: from texts to a base model that carries a text on; or, by the objective, to one that fills blanks.

Reads documents, trains or takes a tokeniser, cuts the documents into token shards, settles shape and plan, and hands over a `Training`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from onward.corpus.read import Document, documents, files
from onward.corpus.split import split_documents
from onward.errors import BadLine, DataError
from onward.model import families
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train as train_tokenizer
from onward.train import cutting, machine, size
from onward.train.packing import Batches, Packing
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.progress import reading
from onward.train.repetition import MOST_PASSES
from onward.train.shards import Shards
from onward.train.tasks import TASKS, task
from onward.train.training import Training, keep_tokenizer, settled, sources_of_texts
from onward.train.workspace import Workspace

SUITE = TASKS["next"].suite
HELD_OUT = f"text/{cutting.HELD_OUT}"
"""Where among the parts of a workspace the held-out shards lie."""
TOKENIZER_BYTES = 50_000_000
"""Text that the tokeniser is trained on, at most: more changes hardly any merge."""


def prepare(
    texts: Sequence[str],
    workspace: Workspace,
    wishes: Wishes,
    asked: Shape,
    *,
    tokenizer: Path | None = None,
    vocab: int | None = None,
    skip_bad: bool = False,
    objective: str = "next",
    console: Console,
) -> Training:
    """Everything up to the first step. Parts that the workspace holds already are taken as they are.

    texts: files, folders, `hf:org/name`.   asked: of the new model's shape.   tokenizer: a folder whose tokeniser to use, instead of
    training one of `vocab` tokens.   objective: next, masked or prefix; see tasks.py.
    Raises DataError, TokenizerError, PlanError, ConfigError.
    """
    began = time.perf_counter()
    read = Reading(texts, skip_bad, console)
    found = machine.measure(wishes.device, wishes.precision)
    flops = size.compute(found, wishes)
    goal = task(objective)
    place = workspace.part(
        "tokenizer", lambda path: keep_tokenizer(goal.tokens(_tokenizer(read, tokenizer, vocab, flops)), path)
    )
    cut = Tokenizer.load(place)
    if cut.bos_id is None:
        raise DataError(
            f"{tokenizer}: its tokenizer has no token that begins a document (bos_token), which pretraining needs."
        )

    sides = workspace.part("text", lambda path: cutting.cut(read.documents("cutting the texts into tokens"), cut, path))
    text, text_held_out = Shards(sides / cutting.TRAIN), Shards(sides / cutting.HELD_OUT)
    length = size.sequence_length(wishes, flops)
    shape, reasons = size.shape(asked, vocab_size=cut.highest_id + 1, flops=flops, length=length, unique=text.tokens)
    family, wanted = goal.architecture(shape)
    config = families.from_hf_config(workspace.once("config.json", lambda: families.to_hf_config(wanted, family)))[1]
    length = config.max_positions
    train, kept = (Packing(side, length, cut.bos_id, goal.places) for side in (text, text_held_out))
    found = machine.now(found)  # cutting has left less memory
    batch = size.batch(text.tokens, length, most=8192 if flops < 1e16 else 262_144)
    draft = size.begin(TrainPlan(steps=1, length=length, batch_tokens=batch, rows_per_pass=1), wishes, found, config)
    model = LanguageModel(config).initialise(wishes.seed)

    batches = goal.batches(Batches(train, draft.rows, draft.seed).batch, cut, draft.seed)

    def finish(seconds: float) -> TrainPlan:
        spent = time.perf_counter() - began
        plan = size.with_time(
            draft, wishes, seconds_per_step=seconds, rows=train.rows, most_passes=MOST_PASSES, spent=spent
        )
        return size.explained(plan, {n: f"{getattr(config, n)}: {reason}" for n, reason in reasons.items()})

    return Training(
        verb="pretrain",
        suite=goal.suite,
        workspace=workspace,
        model=model,
        tokenizer=cut,
        tokenizer_folder=place,
        plan=settled(workspace, model, goal.objective, batches, draft, finish),
        objective=goal.objective,
        batches=batches,
        train=train,
        held_out=goal.held_out(kept, cut),
        sources=sources_of_texts(texts),
        parents=[],
        mask=goal.mask,
        results=goal.results,
    )


def request(
    texts: Sequence[str], wishes: Wishes, asked: Shape, *, objective: str = "next", **further: Any
) -> dict[str, Any]:
    """What makes two starts the same run: the verb, the data as it is now, and everything that was asked for.

    Raises PlanError for an objective that there is not.
    """
    task(objective)
    found = {"verb": "pretrain", "texts": sources_of_texts(texts), "objective": objective}
    return found | asdict(wishes) | asdict(asked) | further


class Reading:
    """The texts, read as often as they are needed, with progress; what is left out is told once, after the first whole reading."""

    def __init__(self, texts: Sequence[str], skip_bad: bool, console: Console) -> None:
        self.texts, self.skip_bad, self.console = texts, skip_bad, console
        self.size = sum(path.stat().st_size for path in files(texts))
        self.told = False

    def documents(self, why: str) -> Iterator[Document]:
        skipped: list[BadLine] = []
        found = documents(self.texts, skip_bad=self.skip_bad, on_skip=skipped.append)
        yield from reading(self.console, why, found, self.size)
        if skipped and not self.told:
            self.told = True
            self.console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")


def _tokenizer(read: Reading, given: Path | None, vocab: int | None, flops: float) -> Tokenizer:
    if given is not None:
        return Tokenizer.load(given)
    wanted = vocab or size.vocabulary(flops)
    found = read.documents(f"training a tokenizer of {wanted:,} tokens")
    texts = (document.text for document, is_held_out in split_documents(found) if not is_held_out)
    return train_tokenizer(up_to(TOKENIZER_BYTES, texts), wanted)


def up_to(most: int, texts: Iterable[str]) -> Iterator[str]:
    """Texts until together they have `most` characters."""
    taken = 0
    for text in texts:
        yield text
        taken += len(text)
        if taken >= most:
            return
